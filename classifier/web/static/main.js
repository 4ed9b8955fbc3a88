// The desk in the browser: which view is shown, which key means what, and what the server is told.

import { Audit } from "./audit.js";
import { categoriesDialog } from "./categories.js";
import { key, make } from "./dom.js";
import { Doubts, readDoubts } from "./label_issues.js";
import { Folders } from "./folders.js";
import { Grid } from "./grid.js";
import { Learning } from "./learning.js";
import { Naming } from "./labeling.js";
import { get, send, settled, unsaved } from "./api.js";
import { Single } from "./single.js";
import { count, language, say, stayed, switchLanguage } from "./i18n.js";

const bar = document.getElementById("bar");
const note = document.getElementById("note");
const place = document.getElementById("view");
const dialog = document.getElementById("dialog");
const TRAYS = ["review", "unknown", "skipped", "audit", "doubts"];
const APART = { audit: Audit, doubts: Doubts };
const SINGLE_ONLY = ["skipped", "audit", "doubts"];
const ORDERS = ["surety", "category", "path", "newest"];
const LEARNED = ["learned", "alike"];

class Desk {
  constructor() {
    this.state = null;
    this.view = null;
    this.emptied = new Set();
    this.doubts = null;
    this.looked = new Set(); // the groups that were passed by, of those to be named
    this.categories = categoriesDialog({ state: () => this.state, ask, close: () => dialog.close(), change: (wish) => this.#change(wish) });
    this.learning = new Learning(this);
    this.folders = new Folders(this);
    this.chosen = { view: "single", tray: "review", order: "surety", category: "", folder: "" };
  }

  async open() {
    this.state = await get("/api/state");
    if (this.state.outlook.number) this.chosen.order = "learned";
    document.title = `${this.state.library} · illsort`;
    const tray = location.hash.slice(1);  // an address may name one
    await this.show(TRAYS.includes(tray) ? { tray } : this.state.labelling ? { view: "grid" } : {});
    if (this.state.missing) tell(say("missing", count(this.state.missing)));
    this.learning.watch();
    this.doubt(await readDoubts().catch(() => null));
  }

  // The first outlook came while the page was open: its order is taken, from the next picture on.
  began() {
    if (this.chosen.order !== "surety") return;
    this.chosen.order = "learned";
    this.view.reorder({ order: "learned" });
    this.drawBar();
  }

  // Changes what is shown: another view, tray, order or category.
  async show(change) {
    this.chosen = { ...this.chosen, ...change };
    if (this.chosen.view === "grid" && !this.state.labelling) this.#chooseGrid();
    const { view, tray, order, category, folder } = this.chosen;
    const query = { order, ...(category ? { category } : {}), ...(folder === "" ? {} : { folder }), ...(tray === "skipped" ? { skipped: "1" } : { tray }) };
    if (APART[tray]) this.view = new APART[tray](this);
    else if (view === "grid") this.view = this.state.labelling ? new Naming(this) : new Grid(this, query);
    else this.view = new Single(this, query);
    this.drawBar();
    place.replaceChildren(this.view.element);
    await settled();
    await this.view.open();
    if (!this.state.labelling && !APART[tray]) this.folders.look();
  }

  category(letter) {
    return this.state.categories.find((one) => one.key === letter)?.name;
  }

  // How many labels the model of the last sort doubts, and how many of them are left.
  doubt(doubts) {
    this.doubts = doubts;
    this.drawBar();
  }

  // Where a category of the grid has no more, the next one that has; false when none is left.
  advance() {
    this.emptied.add(this.chosen.category);
    const category = this.#waiting().find((name) => !this.emptied.has(name));
    if (category === undefined) return false;
    this.show({ category });
    return true;
  }

  say(answers, giveBack) {
    this.emptied.clear();
    return send("/api/say", { answers }, { onTrouble: trouble }).then(
      (answer) => this.become(answer.state),
      (error) => { giveBack(); tell(say("notSaved", error.message), "bad"); });
  }

  // Makes a category, or calls one otherwise; whether it was done.
  async #change(wish) {
    try {
      this.become((await send("/api/categories", wish, { onTrouble: trouble })).state);
      if (wish.rename) {
        this.chosen.category = "";
        await this.show({});
        tell(say("renamed", wish.rename, wish.to));
      }
      return true;
    } catch (error) {
      tell(error.message, "bad");
      return false;
    }
  }

  makeCategory(name) {
    return this.#change({ make: name });
  }

  // A name is asked for, made a category, and told to `done`.
  newCategory(hint, done) {
    this.categories.fresh(hint, (name) => { dialog.close(); done(name); });
  }

  async back() {
    this.emptied.clear();
    try {
      let before = 0;
      const body = () => ({ steps: before = this.state.steps });
      const answer = await send("/api/back", body, { onTrouble: trouble });
      this.become(answer.state);
      const number = answer.pictures.length;
      if (number) this.view.again(answer.pictures);
      else if (before) this.show({});  // a name, or taken back already and the answer was lost
      tell(number ? say("takenBack", number) : answer.state.steps < before ? say("nameBack") : say("noStep"));
    } catch (error) {
      tell(error.message, "bad");
    }
  }

  async file() {
    dialog.close();
    tell(say("filing"));
    try {
      const answer = await send("/api/file", {}, { onTrouble: trouble });
      this.become(answer.state);
      const done = answer.run === null ? say("nothing") : say("filed", answer.run, count(answer.moved));
      tell(done + stayed(answer.left), answer.left.length ? "bad" : "good");
    } catch (error) {
      tell(say("notFiled", error.message), "bad");
    }
    if (this.state.labelling) this.#offerTraining();
    if (this.view.element.classList.contains("empty")) this.view.draw();
  }

  // What is shown where there is no picture to look at: that nothing waits only where nothing does.
  clear() {
    if (unsaved()) {
      settled().then(() => this.#endAnew());
      return make("div", { class: "clear" }, make("p", { class: "quiet" }, say("saving")));
    }
    const { skipped, to_file: toFile } = this.state;
    const { category, view } = this.chosen;
    const left = this.#left();
    return make("div", { class: "clear" },
      make("p", { class: "large" }, left ? say("stillWait", count(left)) : say(this.chosen.folder === "" ? "clear" : "clearFolder")),
      left ? make("div", { class: "actions" },
        make("button", { class: "main", onclick: () => this.show({}) }, make("span", {}, say("lookAgain"))),
        this.chosen.view === "grid" ? make("button", { onclick: () => this.show({ view: "single", category: "" }) }, key("g"), make("span", {}, say("lookSingly"))) : null) : null,
      this.chosen.folder === "" ? null : make("button", { onclick: () => this.show({ folder: "" }) }, say("allFolders")),
      category && view === "single" ? make("button", { onclick: () => this.show({ category: "" }) }, say("all")) : null,
      skipped && this.chosen.tray !== "skipped" ? make("p", {}, say("clearMore", count(skipped))) : null,
      toFile ? make("p", {}, say("toFile", count(toFile))) : null,
      toFile ? make("button", { class: "main", onclick: () => this.askToFile() }, key("f"), make("span", {}, say("file", count(toFile)))) : null,
      this.state.labelling && !left ? make("p", {}, say("thenTrain")) : null,
      this.state.labelling && !left ? make("code", {}, this.state.train) : null);
  }

  #endAnew() {
    if (!APART[this.chosen.tray] && this.view.element.classList.contains("empty")) this.view.draw();
  }

  // How many wait in this tray though none is shown; unknown, so 0, for a part of it.
  #left() {
    const { tray, folder, category, view } = this.chosen;
    if (folder !== "" || tray === "skipped") return 0;
    return category && view === "single" ? this.state.waiting[tray][category] ?? 0 : this.#number(tray);
  }

  askToFile() {
    const number = this.state.to_file;
    if (number === 0) return tell(say("nothing"));
    return ask(say("fileTitle", count(number)), make("p", {}, say("fileBody")),
      make("button", { class: "main", autofocus: true, onclick: () => this.file() }, key("⏎"), make("span", {}, say("file", count(number)))),
      make("button", { onclick: () => dialog.close() }, key("Esc"), make("span", {}, say("cancel"))));
  }

  // What makes a model of the labels, once two categories have some.
  #offerTraining() {
    if (this.state.categories.filter((one) => one.said > 1).length < 2) return;
    ask(say("thenTrain"), make("code", {}, this.state.train),
      make("button", { autofocus: true, onclick: () => dialog.close() }, key("Esc"), make("span", {}, say("close"))));
  }

  ask(...dialogue) { ask(...dialogue); }
  unask() { dialog.close(); }
  tell(text, kind) { tell(text, kind); }

  help() {
    const line = ([letters, name]) => make("li", {}, make("span", { class: "letters" }, ...letters.split(" ").map(key)), make("span", {}, say(name)));
    const own = this.state.categories.filter((one) => one.key).map((one) => make("li", {}, key(one.key), make("span", {}, one.name)));
    ask(say("help"), make("div", { class: "keys" },
      make("ul", {}, make("li", {}, make("h2", {}, say("keysHere"))), ...this.view.keys.map(line), make("li", {}, make("h2", {}, say("keysAnywhere"))), ...this.#keys.map(line)),
      make("ul", {}, make("li", {}, make("h2", {}, say("keysCategories"))), ...own)),
      make("button", { autofocus: true, onclick: () => dialog.close() }, key("Esc"), make("span", {}, say("close"))));
  }

  // The keys that mean the same in every view.
  get #keys() {
    const isApart = Boolean(APART[this.chosen.tray]);
    return [["⌫", "kBack"], SINGLE_ONLY.includes(this.chosen.tray) ? null : ["g", "kGrid"],
      this.state.labelling || isApart ? null : ["o", "kOrder"], ["f", "kFile"],
      this.state.labelling ? null : ["⇧F", "kFileThem"], ["c", "kCategories"], ["?", "kKeys"]].filter(Boolean);
  }

  // The same pictures, one by one or many at once; where there is no grid, one stays where one is.
  #turnView() {
    if (SINGLE_ONLY.includes(this.chosen.tray)) return tell(say("noGrid", say(this.chosen.tray)));
    const isGrid = this.chosen.view === "grid";
    return this.show({ view: isGrid ? "single" : "grid", ...(isGrid ? { category: "" } : {}) });
  }

  press(name) {
    if (name === "?") this.help();
    else if (name === "Backspace") (this.view.back ? this.view : this).back();
    else if (name === "g") this.#turnView();
    else if (name === "o" && !this.state.labelling && !APART[this.chosen.tray]) this.#turnOrder();
    else if (name === "f") this.askToFile();
    else if (name === "F" && this.state.outlook.number && !this.state.labelling) this.learning.askToFile();
    else if (name === "c") this.categories.list();
    else if (name === "PageDown" && this.chosen.view === "grid" && !this.state.labelling) this.#turn(1);
    else if (name === "PageUp" && this.chosen.view === "grid" && !this.state.labelling) this.#turn(-1);
    else return this.view.press(name);
    return true;
  }

  #turn(step) {
    const names = this.#waiting();
    if (names.length) this.show({ category: names[(names.indexOf(this.chosen.category) + step + names.length) % names.length] });
  }

  #turnOrder() {
    const orders = this.#orders();
    const order = orders[(orders.indexOf(this.chosen.order) + 1) % orders.length];
    this.show({ order });
    tell(say(order));
  }

  #orders() {
    return [...(this.state.outlook.number ? LEARNED : []), ...ORDERS];
  }

  #waiting() {
    return Object.keys(this.state.waiting[this.chosen.tray] ?? {}).filter(Boolean);
  }

  #chooseGrid() {
    if (!["review", "unknown"].includes(this.chosen.tray)) this.chosen.tray = "review";
    const names = this.#waiting();
    if (!names.includes(this.chosen.category)) this.chosen.category = names[0] ?? this.state.categories[0]?.name ?? "";
  }

  trouble = trouble;

  become(state) {
    const was = this.state;
    this.state = state;
    this.drawBar();
    if (ending(was) !== ending(state) && this.view) this.#endAnew();
    if (basis(was) !== basis(state) || (was.words !== state.words && this.doubts?.of)) this.#recount();
  }

  // What is said anywhere may answer a doubt; another model, or other names, make other doubts.
  async #recount() {
    await settled();
    if (this.chosen.tray === "doubts" || unsaved()) return;
    const doubts = await readDoubts().catch(() => null);
    if (doubts !== null && this.chosen.tray !== "doubts") this.doubt(doubts);
  }

  drawBar() {
    const { view, tray, order, category } = this.chosen;
    const tab = (name, isOn, number, press, disabled = false) => make("button", { "aria-pressed": String(isOn), onclick: press, disabled },
      make("span", {}, say(name)), number === null ? null : make("span", { class: "number" }, count(number)));
    const trays = TRAYS.filter((name) => this.#offers(name)).map((name) =>
      tab(name, name === tray, this.#number(name), () => this.show({ tray: name, category: "", ...(SINGLE_ONLY.includes(name) ? { view: "single" } : {}) })));
    const views = ["single", "grid"].map((name) => tab(name, name === view, null,
      () => this.show({ view: name, ...(name === "single" ? { category: "" } : {}) }), name === "grid" && SINGLE_ONLY.includes(tray)));
    const isPlain = this.state.labelling;
    const folders = this.folders.options;
    const focused = document.activeElement?.id;
    bar.replaceChildren(...[
      make("strong", { class: "library", title: this.state.library }, this.state.library),
      make("div", { class: "group", role: "group" }, ...trays),
      make("div", { class: "group", role: "group" }, ...views),
      isPlain || APART[tray] ? null : this.#choice("which", category, this.#categories(), (value) => this.show({ category: value })),
      isPlain || APART[tray] ? null : this.#choice("order", order, this.#orders().map((name) => [name, say(name)]), (value) => this.show({ order: value })),
      isPlain || APART[tray] || folders === null ? null : this.#choice("folder", this.chosen.folder, folders, (value) => this.show({ folder: value === "more" ? "" : value })),
      make("div", { class: "tail" },
        make("button", { class: "main file", onclick: () => this.askToFile(), disabled: this.state.to_file === 0 },
          key("f"), make("span", {}, say("file", count(this.state.to_file)))),
        make("button", { class: "plain categories-button", title: say("categories"), onclick: () => this.categories.list() }, key("c"), make("span", {}, say("categories"))),
        make("button", { class: "plain keys-button", onclick: () => this.help() }, key("?"), make("span", {}, say("help"))),
        make("button", { class: "plain", id: "language", onclick: () => this.#switch() }, say("language"))),
    ].filter(Boolean));
    bar.classList.toggle("full", this.#offers("doubts"));
    if (focused) document.getElementById(focused)?.focus();
  }

  #categories() {
    const waiting = this.state.waiting[this.chosen.tray] ?? {};
    // Of one folder it is not known how many there are of each category.
    const number = (name) => (this.chosen.folder === "" ? ` (${count(waiting[name] ?? 0)})` : "");
    const names = this.state.categories.map(({ name }) => [name, name + number(name)]);
    return this.chosen.view === "grid" ? names : [["", say("all")], ...names];
  }

  #choice(name, value, options, change) {
    const list = make("select", { id: `choose-${name}`, "aria-label": say(name), onchange: (event) => { event.target.blur(); change(event.target.value); } },
      ...options.map(([of, text]) => make("option", { value: of }, text)));
    list.value = value;
    return list;
  }

  #offers(tray) {
    return tray !== "doubts" || tray === this.chosen.tray || Boolean(this.doubts?.of);
  }

  #number(tray) {
    if (tray === "audit") return null;
    if (tray === "doubts") return this.doubts?.left ?? null;
    if (tray === "skipped") return this.state.skipped;
    return Object.values(this.state.waiting[tray] ?? {}).reduce((sum, number) => sum + number, 0);
  }

  #switch() {
    switchLanguage();
    document.documentElement.lang = language();
    note.hidden = true;
    this.drawBar();
    this.learning.draw();
    this.view.draw();
  }
}

// What the view where nothing is left to look at tells.
const ending = ({ waiting, skipped, to_file: toFile, train }) => JSON.stringify([waiting, skipped, toFile, train]);
const basis = ({ learning, categories }) => JSON.stringify([learning.outcome?.number, categories.map(({ name }) => name)]);

function ask(title, body, ...buttons) {
  dialog.replaceChildren(make("h1", {}, title), body, make("div", { class: "actions" }, ...buttons));
  if (!dialog.open) dialog.showModal();
}

let fading = 0;
function tell(text, kind = "") {
  note.textContent = text;
  note.className = kind;
  note.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { note.hidden = true; }, kind === "bad" ? 15000 : 5000);
}

let troubled = false;
function trouble(error) {
  if (error) tell(say("retrying", unsaved()), "bad");
  else if (troubled) note.hidden = true;
  troubled = Boolean(error);
}

// An input method hands out full-width letters, or only says that it is at work: the key itself is meant.
function named(event) {
  if (event.key.length > 1 && event.key !== "Process") return event.key;
  const letter = event.key === "Process" || event.isComposing ? event.code.replace(/^(Key|Digit)/, "").toLowerCase() : event.key.normalize("NFKC");
  return letter;
}

const desk = new Desk();
document.documentElement.lang = language();
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || !desk.view) return;
  if (event.target instanceof HTMLSelectElement || event.target instanceof HTMLInputElement) return;
  const name = named(event);
  if (event.repeat && !name.startsWith("Arrow")) return event.preventDefault();
  if (desk.press(name) || desk.press(name.length === 1 ? name.toLowerCase() : "")) event.preventDefault();
});
window.addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });
desk.open().catch((error) => tell(error.message, "bad"));
