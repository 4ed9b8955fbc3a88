// Sixty images that the model takes for one category: mark those that are not, confirm the rest.

import { fetchQueue } from "./api.js";
import { button, make } from "./dom.js";
import { _, inLanguage } from "./i18n.js";
import { Prefetcher } from "./prefetch.js";
import { reasonHeading } from "./single.js";
import { PAGE_SIZE, ThumbnailGrid } from "./thumbnails.js";
import { tileSizeButtons } from "./tile_size.js";

export class Grid extends ThumbnailGrid {
  constructor(app, filter) {
    super(app);
    this.filter = { ...filter, isGrid: true };
    this.prefetcher = new Prefetcher((page) => fetchQueue(this.filter, page), { limit: PAGE_SIZE, size: "small", ahead: PAGE_SIZE });
    this.marks = []; // the answer of each marked cell, null where there is none
  }

  async open() {
    this.drawLoading();
    await this.prefetcher.fill();
    this.#next();
  }

  reorder(change) {
    this.filter = { ...this.filter, ...change };
    this.prefetcher.restart();
  }

  press(name) {
    const category = this.app.categoryOf(name);
    if (this.pressInGrid(name)) return true;
    if (name === "Enter") this.#confirm();
    else if (name === " ") this.#mark(this.current, this.#wrong);
    else if (name === "*") this.#markAll();
    else if (name === "u") this.#mark(this.current, { answer: "none of these", category: null });
    else if (name === "s") this.#mark(this.current, { answer: "skipped", category: null });
    else if (category) this.#mark(this.current, category === this.filter.category ? null : { answer: "right", category });
    else return false;
    return true;
  }

  get shortcuts() {
    return [
      ["⏎", _("confirm what was in view and is not marked; the others come next")],
      ["← ↑ ↓ →", _("move in the grid")],
      ["␣", _("mark as wrong; Shift-click marks all from the current one on")],
      ["+ -", _("larger or smaller tiles")],
      ["*", _("mark all that was in view, or none")],
      ["u", _("none of these categories")],
      ["s", _("skip: it stays where it is")],
      ["PgUp PgDn", _("another category in the grid")],
    ];
  }

  showAgain(items) {
    const { queue, category } = items[0];
    if (category !== this.filter.category || queue !== this.filter.queue) return this.app.show({ queue, category });
    this.prefetcher.putBack([...items, ...this.items]);
    return this.#next();
  }

  async #next() {
    if (this.prefetcher.items.length === 0) await this.prefetcher.fill();
    this.items = this.prefetcher.take(PAGE_SIZE);
    this.marks = this.items.map(() => null);
    this.current = 0;
    if (this.items.length === 0 && this.app.showNextCategory()) return;
    this.draw();
    this.scrollToTop();
  }

  // Answers what was seen or marked; what was not seen comes next, before all others.
  #confirm() {
    if (this.items.length === 0) return;
    const parts = this.partition();
    if (!this.canAnswer(parts)) return;
    const items = parts.answered.map((index) => this.items[index]);
    const answers = parts.answered.map((index) =>
      ({ id: this.items[index].id, ...(this.marks[index] ?? { answer: "right", category: this.filter.category }) }));
    for (const index of [...parts.answered, ...parts.broken]) this.prefetcher.forget(this.items[index]);
    this.prefetcher.putBack(parts.unseen.map((index) => this.items[index]));
    if (answers.length) this.app.answer(answers, () => this.showAgain(items));
    this.items = [];
    if (parts.unseen.length || !this.app.askDrawn(() => this.#next())) this.#next();
  }

  get #wrong() {
    return { answer: "wrong", category: this.filter.category };
  }

  toggleMark(index) {
    this.#mark(index, this.#wrong);
  }

  isMarked(index) {
    return this.marks[index] !== null;
  }

  #mark(index, mark) {
    const isSame = JSON.stringify(this.marks[index]) === JSON.stringify(mark);
    this.marks[index] = isSame ? null : mark;
    this.drawCell(index);
    this.drawConfirm();
  }

  // Marks all that were seen, or none if all of them are marked.
  #markAll() {
    const { answered } = this.partition();
    const isAll = answered.every((index) => this.isMarked(index));
    for (const index of answered) {
      this.marks[index] = isAll ? null : this.#wrong;
      this.drawCell(index);
    }
    this.drawConfirm();
  }

  cell(item, index) {
    const reason = _("{heading}: {text}", { heading: reasonHeading(item), text: inLanguage(item.reason) });
    return make("button", { class: "cell", title: `${item.name}\n${reason}`, "data-image-id": item.id, onclick: (event) => this.click(index, event) },
      this.prefetcher.image(item), make("span", { class: "mark" }));
  }

  drawHead() {
    this.head.replaceChildren(
      make("p", {}, _("Mark what is not {category}; Enter confirms the rest", { category: this.filter.category })),
      this.unseenNote,
      make("div", { class: "actions" }, tileSizeButtons(), this.confirmButton,
        button(_("Back"), () => this.app.undo(), { shortcut: "⌫", disabled: this.app.state.undoSteps === 0 })));
    this.drawConfirm();
  }

  confirmLabel(count) {
    return _("Confirm {count}", { count });
  }

  drawCell(index) {
    const mark = this.marks[index];
    const labels = { wrong: _("wrong"), skipped: _("Skip"), "none of these": _("None of these") };
    this.drawMark(index, mark === null ? "" : labels[mark.answer] ?? `→ ${mark.category}`);
  }
}
