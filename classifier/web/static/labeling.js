// Labeling from nothing, grid by grid: images that look alike get a name once, those that differ are marked, Enter
// confirms the rest.

import { button, categoryButton, key, make } from "./dom.js";
import { FoldedButtons } from "./folded_buttons.js";
import { gridId, GridList, prefetcherOf } from "./grid_list.js";
import { _, count_, formatNumber } from "./i18n.js";
import { PAGE_SIZE, ThumbnailGrid } from "./thumbnails.js";
import { tileSizeButtons } from "./tile_size.js";

const ENOUGH_LABELS = 20; // of each category

export class Labeling extends ThumbnailGrid {
  constructor(app) {
    super(app, "labeling");
    this.grids = new GridList(app.visitedGrids);
    this.confirmed = []; // the grid of each step, for what is taken back
    this.version = 0;
    this.grid = null;
    this.name = "";
    this.marks = new Set();
    this.hadMarks = false; // whether anything of this grid was marked or is broken
    this.prefetcher = null;
    this.othersButton = button("", () => this.press("PageDown"), { shortcut: "PgDn" });
    this.undoButton = button("", () => this.app.undo(), { shortcut: "⌫" });
    this.field = this.#nameField();
    this.names = make("datalist", { id: "category-names" });
    this.buttons = new FoldedButtons();
    this.hint = make("p", { class: "muted" });
  }

  async open() {
    this.drawLoading();
    await this.#next();
  }

  press(name) {
    const category = this.app.categoryOf(name);
    if (this.pressInGrid(name)) return true;
    if (name === "Enter") this.#confirm();
    else if (name === " ") this.#mark(this.current);
    else if (name === "n") this.#focusField();
    else if (name === "*") this.#markAll();
    else if (name === "u") this.#answer((isMarked) => (isMarked ? null : { answer: "none of these", category: null }));
    else if (name === "PageDown") this.#turn(1);
    else if (name === "PageUp") this.#turn(-1);
    else if (category && this.grid) this.#setName(category);
    else return false;
    return true;
  }

  get shortcuts() {
    return [
      ["⏎", _("put all that was in view and is not marked into the named category")],
      ["n", _("what these are: type a name")],
      ["← ↑ ↓ →", _("move in the grid")],
      ["␣", _("mark as different; Shift-click marks all from the current one on")],
      ["+ -", _("larger or smaller tiles")],
      ["*", _("mark all that was in view, or none")],
      ["u", _("what is not marked belongs to none of these categories")],
      ["PgUp PgDn", _("another group")],
    ];
  }

  // After a new ranking the next grids may differ; the shown one stays.
  async reorder() {
    try {
      await this.grids.fetch();
    } catch {
      return; // the next answer brings the list too
    }
    if (this.grid === null && this.grids.length) await this.#next();
    else if (this.items.length) this.#redrawHead();
  }

  // What was taken back waits again in the grid where it was answered.
  showAgain() {
    const grid = this.confirmed.pop() ?? null;
    if (grid) this.grids.unpass(grid);
    return this.#next(grid);
  }

  // Shows the preferred grid if it still exists, else the next one.
  async #next(preferred = null) {
    await this.grids.fetch();
    return this.#show((preferred && this.grids.find(preferred)) ?? this.grids.first());
  }

  // Shows a grid. The list may be older than the ranking: if the grid is empty, the next one of the list that came with
  // it is shown, so that the page never claims to be done while the server has an image that waits.
  async #show(wanted) {
    const version = (this.version += 1);
    const empty = new Set();
    let items = [];
    this.items = [];
    for (this.grid = wanted; this.grid !== null && items.length === 0;) {
      const prefetcher = prefetcherOf(this.grid);
      await prefetcher.fill();
      if (version !== this.version) return; // another grid was asked for meanwhile
      this.grids.update(prefetcher.lastPage);
      items = prefetcher.take(PAGE_SIZE);
      this.prefetcher = prefetcher;
      if (items.length === 0) this.grid = this.grids.first(empty.add(gridId(this.grid)));
    }
    this.items = items;
    this.name = this.grid?.category ?? "";
    this.hadMarks = false;
    this.#start();
    if (this.grid) this.grids.prefetchAfter(this.grid);
  }

  #start() {
    this.marks.clear();
    this.current = 0;
    this.draw();
    this.scrollToTop();
  }

  #turn(step) {
    if (this.grid === null || this.grids.length < 2) return;
    this.grids.pass(this.grid);
    this.#show(this.grids.neighbor(this.grid, step));
  }

  #setName(name) {
    this.name = name;
    this.drawHead();
  }

  confirmLabel(count) {
    return this.name === "" ? _("Confirm {count}", { count }) : count_("{count} is {category}", "{count} are {category}", { count, category: this.name });
  }

  // Marks alone answer nothing: the marked ones are left for another grid.
  canConfirm() {
    return this.name !== "" && this.marks.size < this.items.length;
  }

  toggleMark(index) {
    this.#mark(index);
  }

  isMarked(index) {
    return this.marks.has(index);
  }

  // Takes the typed name, and creates the category if there is none of this name.
  async #submitName() {
    const typed = this.field.value.trim();
    if (typed === "" || this.items.length === 0) return;
    const same = this.app.state.categories.find(({ name }) => name.toLowerCase() === typed.toLowerCase());
    if (!same && !(await this.app.createCategory(typed))) return;
    this.field.blur();
    this.#setName(same?.name ?? typed);
  }

  #confirm() {
    if (this.items.length === 0) return;
    if (this.name === "") return this.#focusField();
    const isPrediction = this.grid.category === this.name;
    this.#answer((isMarked) => {
      if (!isMarked) return { answer: "right", category: this.name };
      return isPrediction ? { answer: "wrong", category: this.name } : null;
    });
  }

  // Answers what was seen or marked; `answerOf(isMarked)` is the answer, null for none. What was not seen comes next,
  // under the same name. The grid comes again only if there may be more of its images.
  #answer(answerOf) {
    if (this.items.length === 0) return;
    const parts = this.partition();
    if (!this.canAnswer(parts)) return;
    const answers = parts.answered.map((index) => ({ id: this.items[index].id, ...answerOf(this.marks.has(index)) })).filter(({ answer }) => answer);
    const { grid } = this;
    const isLast = parts.unseen.length === 0;
    this.hadMarks ||= this.marks.size > 0 || parts.broken.length > 0;
    if (isLast && (this.hadMarks || grid.count <= this.items.length)) this.grids.pass(grid);
    this.items = parts.unseen.map((index) => this.items[index]);
    if (!isLast) this.#start();
    if (answers.length === 0) return isLast ? this.#next() : undefined;
    this.confirmed.push(grid);
    let refused = null;
    const answered = this.app.answer(answers, () => { refused = this.confirmed.pop(); });
    if (isLast && this.app.askDrawn(() => this.#next(refused))) return answered;
    return answered.then(() => (isLast || refused ? this.#next(refused) : this.#redrawHead()));
  }

  // Shows the new counts, unless a name is being typed.
  #redrawHead() {
    this.#drawOthers();
    if (this.items.length && !this.#isTyping()) this.drawHead();
  }

  #mark(index) {
    if (this.items.length === 0) return;
    if (!this.marks.delete(index)) this.marks.add(index);
    this.drawCell(index);
    this.drawConfirm();
  }

  // Marks all that were seen, or none if all of them are marked.
  #markAll() {
    const { answered } = this.partition();
    this.marks = new Set(answered.every((index) => this.marks.has(index)) ? [] : answered);
    this.items.forEach((_item, index) => this.drawCell(index));
    this.drawConfirm();
  }

  // A proposed name is typed already: Enter takes it, whatever else is typed replaces it.
  #focusField() {
    if (this.field.value === "") this.field.value = this.#proposals[0] ?? "";
    this.field.focus();
    this.field.select(); // what is typed replaces the name
  }

  // What a tagger proposes to call an unnamed grid.
  get #proposals() {
    return this.grid?.category === null ? this.grid.names : [];
  }

  #isTyping() {
    return document.activeElement === this.field;
  }

  cell(item, index) {
    return make("button", { class: "cell", tabindex: "-1", title: item.name, "data-image-id": item.id,
      onclick: (event) => this.click(index, event) }, this.prefetcher.image(item), make("span", { class: "mark" }));
  }

  drawCell(index) {
    this.drawMark(index, this.marks.has(index) ? _("different") : "");
  }

  // The field stays in the document from grid to grid: it keeps the cursor, and what is typed does not become a command.
  drawHead() {
    if (!this.head.contains(this.field)) this.#buildHead();
    this.undoButton.lastChild.textContent = _("Back");
    this.undoButton.disabled = this.app.state.undoSteps === 0;
    const { category } = this.grid;
    const hint = category === null ? _("These look alike. Name them, mark those that differ, Enter confirms the rest.")
      : _("Taken for {category}, the most confident first. Mark what is not; Enter confirms the rest.", { category });
    const proposals = this.#proposals.length ? _("By its tags: {names}.", { names: this.#proposals.join(_(", ")) }) : "";
    this.hint.textContent = [hint, proposals, this.#advice()].filter(Boolean).join(" ");
    this.#drawName();
    this.buttons.replace(...this.app.state.categories.map((one) => this.#nameButton(one)));
    this.#drawOthers();
    this.drawConfirm();
  }

  #buildHead() {
    this.head.replaceChildren(
      make("div", { class: "name-row" },
        make("label", { class: "name-field" }, key("n"), this.field, this.names),
        this.confirmButton, this.othersButton, this.undoButton, tileSizeButtons()),
      this.buttons.element, this.hint, this.unseenNote);
  }

  #drawOthers() {
    this.othersButton.lastChild.textContent = _("Others");
    this.othersButton.disabled = this.grids.length < 2;
  }

  #nameField() {
    const field = make("input", { type: "text", list: "category-names", autocomplete: "off", spellcheck: "false", maxlength: "80",
      onkeydown: (event) => {
        event.stopPropagation();
        if (event.isComposing) return;
        if (event.key === "Enter") this.#submitName();
        if (event.key === "Escape") { field.value = this.name; field.blur(); }
      },
      onchange: () => { if (!this.#isTyping()) this.#submitName(); } });
    return field;
  }

  // Shows the grid's name, unless another one is being typed.
  #drawName() {
    const { field } = this;
    const isEdited = this.#isTyping() && field.value !== field.defaultValue;
    field.placeholder = field.ariaLabel = _("What are these?");
    const offered = new Set([...this.#proposals, ...this.app.state.categories.map(({ name }) => name)]);
    this.names.replaceChildren(...[...offered].map((value) => make("option", { value })));
    field.defaultValue = this.name;
    if (isEdited) return;
    field.value = this.name;
    if (this.#isTyping()) field.select();
  }

  #nameButton(category) {
    const { name, labelCount } = category;
    const chosen = categoryButton(category, () => this.#setName(name), { class: name === this.name ? "suggested" : "" });
    chosen.append(make("span", { class: "number" }, formatNumber(labelCount)));
    return chosen;
  }

  // What would help most next. It is enough once every cluster was named or passed and every category has some labels.
  #advice() {
    const { categories } = this.app.state;
    if (categories.length < 2) return _("Name two categories to begin with.");
    const { name: category, labelCount: count } = categories.reduce((least, one) => (one.labelCount < least.labelCount ? one : least));
    const more = count < ENOUGH_LABELS
      ? count_("More of {category} would help most: {count} label.", "More of {category} would help most: {count} labels.", { category, count }) : "";
    return [this.grids.progressText(), more].filter(Boolean).join(" ") || _("Enough to train: f files it and shows the command.");
  }
}
