// Grids to be named, for labelling from nothing: what looks alike gets a name once, strangers are marked, Enter confirms.

import { Cells } from "./thumbnails.js";
import { key, make } from "./dom.js";
import { get } from "./api.js";
import { Supply } from "./prefetch.js";
import { count, say } from "./i18n.js";

const PAGE = 60;
const ENOUGH = 20;

const idOf = (grid) => (grid.category === null ? grid.look : grid.category);

export class Naming extends Cells {
  constructor(desk) {
    super(desk, "naming");
    this.grids = [];
    this.groups = { all: 0, named: 0, untouched: [] };
    this.passed = new Set();
    this.turn = 0;
    this.confirmed = [];
    this.hasStrangers = false;
    this.othersButton = make("button", { onclick: () => this.press("PageDown") });
    this.backButton = make("button", { onclick: () => this.desk.back() });
    this.field = this.#nameField();
    this.names = make("datalist", { id: "category-names" });
    this.chips = make("div", { class: "buttons" });
    this.hint = make("p", { class: "quiet" });
    this.grid = null;
    this.name = "";
    this.marks = new Set();
  }

  async open() {
    this.loading();
    await this.#next();
  }

  press(name) {
    const category = this.desk.category(name);
    const step = this.step(name);
    if (step) this.moveTo(this.at + step);
    else if (name === "Enter") this.#enter();
    else if (name === " ") this.#mark(this.at);
    else if (name === "n") this.#typeName();
    else if (name === "*") this.#markAll();
    else if (name === "u") this.#say((row, isMarked) => (isMarked ? null : { picture: row.picture, said: "none of these", category: null }));
    else if (name === "PageDown") this.#turn(1);
    else if (name === "PageUp") this.#turn(-1);
    else if (category && this.grid) this.#call(category);
    else return false;
    return true;
  }

  get keys() {
    return [["⏎", "kConfirmName"], ["n", "kName"], ["← ↑ ↓ →", "kMove"], ["␣", "kStranger"], ["*", "kMarkAll"], ["u", "kNoneOfAll"], ["PgUp PgDn", "kOthers"]];
  }

  // More was learned: other grids may come next; the one that is looked at stays as it is.
  async reorder() {
    const told = await get("/api/grids").catch(() => null);
    if (told === null) return; // the next answer brings the list too
    this.#follow(told);
    if (this.grid === null && this.grids.length) await this.#next();
    else if (this.rows.length) this.#learnedMore();
  }

  // What was taken back waits again in the grid where it was said.
  again() {
    const grid = this.confirmed.pop() ?? null;
    if (grid) this.passed.delete(idOf(grid));
    return this.#next(grid);
  }

  // The grids as they are by now; the wished one, or the first that was not passed by.
  async #next(wished = null) {
    this.#follow(await get("/api/grids"));
    const same = wished && this.grids.find((one) => idOf(one) === idOf(wished));
    return this.#show(same ?? this.#first());
  }

  // What the server says of all grids at this moment.
  #follow({ grids, groups }) {
    this.grids = grids;
    this.groups = groups;
  }

  // The first that was not passed by; when all were, they come round again. Null when there is none.
  #first(but = new Set()) {
    const left = this.grids.filter((one) => !but.has(idOf(one)));
    if (left.every((one) => this.passed.has(idOf(one)))) this.passed.clear();
    return left.find((one) => !this.passed.has(idOf(one))) ?? null;
  }

  // It comes round again when all others were passed too; that it was looked at is kept.
  #pass(grid) {
    this.passed.add(idOf(grid));
    this.desk.looked.add(idOf(grid));
  }

  // Shows a grid. The list may be older than what was learned last: where a grid is empty by now, the next one is shown
  // by the list that came with the answer, so that nothing is done as long as the server knows of a picture that waits.
  async #show(wished) {
    const turn = (this.turn += 1);
    const emptied = new Set();
    this.rows = [];
    let rows = [];
    for (this.grid = wished; this.grid !== null && rows.length === 0;) {
      const supply = this.#supply(this.grid);
      await supply.fill();
      if (turn !== this.turn) return; // another one is wished by now
      this.#follow(supply.told);
      rows = supply.take(PAGE);
      this.supply = supply;
      if (rows.length === 0) this.grid = this.#first(emptied.add(idOf(this.grid)));
    }
    this.rows = rows;
    this.name = this.grid?.category ?? "";
    this.hasStrangers = false;
    this.#begin();
    this.#lookAhead();
  }

  #begin() {
    this.marks.clear();
    this.at = 0;
    this.draw();
    this.toTop();
  }

  // The pictures of the grid that comes after this one are fetched while this one is looked at.
  async #lookAhead() {
    const next = this.grids.find((one) => this.grid && idOf(one) !== idOf(this.grid) && !this.passed.has(idOf(one)));
    if (next) await this.#supply(next).fill().catch(() => undefined);
  }

  #supply(grid) {
    const query = grid.category === null ? { look: grid.look } : { category: grid.category };
    return new Supply(query, { page: PAGE, size: "small", ahead: PAGE, from: "/api/grid" });
  }

  #turn(step) {
    if (this.grid === null || this.grids.length < 2) return;
    const at = this.grids.findIndex((one) => idOf(one) === idOf(this.grid));
    this.#pass(this.grid);
    this.#show(this.grids[(at + step + this.grids.length) % this.grids.length]);
  }

  #call(name) {
    this.name = name;
    this.drawHead();
  }

  confirmWords(number) {
    return this.name === "" ? say("confirm", count(number)) : say("areAll", count(number), this.name);
  }

  // Marked alone, they are left for another grid.
  canConfirm() {
    return this.name !== "" && this.marks.size < this.rows.length;
  }

  isMarked(number) {
    return this.marks.has(number);
  }

  // What was typed becomes the name; a category of its own, when there is none yet.
  async #named() {
    const typed = this.field.value.trim();
    if (typed === "" || this.rows.length === 0) return;
    const same = this.desk.state.categories.find((one) => one.name.toLowerCase() === typed.toLowerCase());
    if (!same && !(await this.desk.makeCategory(typed))) return;
    this.field.blur();
    this.#call(same?.name ?? typed);
  }

  #enter() {
    if (this.rows.length === 0) return;
    if (this.name === "") return this.#typeName();
    const strange = this.grid.category === this.name ? "wrong" : null;
    this.#say((row, isMarked) => {
      if (!isMarked) return { picture: row.picture, said: "right", category: this.name };
      return strange && { picture: row.picture, said: strange, category: this.name };
    });
  }

  // Of what was seen or marked it is said; what was not seen comes next, under the same name.
  #say(answer) {
    if (this.rows.length === 0) return;
    const parts = this.divided();
    if (!this.mayAnswer(parts)) return;
    const answers = parts.answered.map((number) => answer(this.rows[number], this.marks.has(number))).filter(Boolean);
    const { grid } = this;
    this.hasStrangers ||= this.marks.size > 0 || parts.gone.length > 0;
    // What was marked waits in its cluster until the others were seen.
    const isLast = parts.unseen.length === 0;
    if (isLast && (this.hasStrangers || grid.count <= this.rows.length)) this.#pass(grid);
    this.rows = parts.unseen.map((number) => this.rows[number]);
    if (!isLast) this.#begin();
    if (answers.length === 0) return isLast ? this.#next() : undefined;
    this.confirmed.push(grid);
    let refused = null;
    const said = this.desk.say(answers, () => { refused = this.confirmed.pop(); });
    return said.then(() => (isLast || refused ? this.#next(refused) : this.#learnedMore()));
  }

  // How many labels there are is shown anew, unless a name is being typed.
  #learnedMore() {
    this.#drawOthers();
    if (this.rows.length && !this.#isTyping()) this.drawHead();
  }

  #mark(number) {
    if (this.rows.length === 0) return;
    if (!this.marks.delete(number)) this.marks.add(number);
    this.drawCell(number);
    this.drawConfirm();
  }

  // All that were seen; pressed again, none.
  #markAll() {
    const seen = this.divided().answered;
    this.marks = new Set(seen.every((number) => this.marks.has(number)) ? [] : seen);
    this.rows.forEach((_, number) => this.drawCell(number));
    this.drawConfirm();
  }

  // What is typed replaces the name that is there.
  #typeName() {
    this.field.focus();
    this.field.select();
  }

  #isTyping() {
    return document.activeElement === this.field;
  }

  cell(row, number) {
    return make("button", { class: "cell", tabindex: "-1", title: row.name, "data-picture": row.picture,
      onclick: () => { this.moveTo(number); this.#mark(number); } },
      this.supply.image(row), make("span", { class: "mark" }));
  }

  // The field stays in its place, so that the cursor is not lost, and a letter no command, where another grid comes.
  drawHead() {
    if (!this.head.contains(this.field)) this.#buildHead();
    this.confirmButton.replaceChildren(key("⏎"), this.confirmText);
    this.backButton.replaceChildren(key("⌫"), make("span", {}, say("back")));
    this.backButton.disabled = this.desk.state.steps === 0;
    const hint = this.grid.category === null ? say("nameHint") : say("takenHint", this.grid.category);
    this.hint.textContent = `${hint} ${this.#advice()}`;
    this.#drawName();
    this.#drawChips();
    this.#drawOthers();
    this.drawConfirm();
  }

  #buildHead() {
    this.head.replaceChildren(
      make("div", { class: "name-row" },
        make("label", { class: "name-field" }, key("n"), this.field, this.names),
        this.confirmButton, this.othersButton, this.backButton),
      this.chips, this.hint, this.unseenNote);
  }

  #drawOthers() {
    this.othersButton.replaceChildren(key("PgDn"), make("span", {}, say("nextGrid")));
    this.othersButton.disabled = this.grids.length < 2;
  }

  #nameField() {
    const field = make("input", { type: "text", list: "category-names", autocomplete: "off", spellcheck: "false", maxlength: "80",
      onkeydown: (event) => {
        event.stopPropagation();
        if (event.isComposing) return;
        if (event.key === "Enter") this.#named();
        if (event.key === "Escape") { field.value = this.name; field.blur(); }
      },
      onchange: () => { if (!this.#isTyping()) this.#named(); } });
    return field;
  }

  // The grid's name, unless another one is being typed.
  #drawName() {
    const { field } = this;
    const isEdited = this.#isTyping() && field.value !== field.defaultValue;
    field.placeholder = say("whatAreThese");
    field.ariaLabel = say("whatAreThese");
    this.names.replaceChildren(...this.desk.state.categories.map(({ name }) => make("option", { value: name })));
    field.defaultValue = this.name;
    if (isEdited) return;
    field.value = this.name;
    if (this.#isTyping()) field.select();
  }

  // Every category with its key and how many labels it has; pressed, it is the grid's name.
  #drawChips() {
    this.chips.replaceChildren(...this.desk.state.categories.map(({ name, key: letter, said }) =>
      make("button", { class: name === this.name ? "guess" : "", onclick: () => this.#call(name) },
        letter ? key(letter) : null, make("span", {}, name), make("span", { class: "number" }, count(said)))));
  }

  // What would help most next: it is enough when every group was named or passed by and every category has some labels.
  #advice() {
    const { categories } = this.desk.state;
    const poorest = categories.reduce((least, one) => (least === null || one.said < least.said ? one : least), null);
    if (categories.length < 2) return say("adviceTwo");
    const more = poorest.said < ENOUGH ? say("adviceMore", poorest.name, count(poorest.said)) : "";
    return [this.#unlooked(), more].filter(Boolean).join(" ") || say("adviceTrain");
  }

  // How many groups nobody has looked at yet, in words; empty when there is none.
  #unlooked() {
    const { all, named, untouched } = this.groups;
    const unlooked = untouched.filter((look) => !this.desk.looked.has(look)).length;
    const passed = untouched.length - unlooked;
    if (unlooked === 0) return "";
    return say(passed ? "groupsPassed" : "groupsNamed", count(named), count(all), count(unlooked), count(passed));
  }

  drawCell(number) {
    this.show(number, this.marks.has(number) ? say("stranger") : "");
  }
}
