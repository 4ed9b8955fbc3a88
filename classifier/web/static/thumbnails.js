// A screen of small pictures of which one is looked at: what every grid has in common. How a cell is marked is the
// grid's. What was neither seen nor marked is not answered: it comes next.

import { make } from "./dom.js";
import { isGone, Seen } from "./visibility.js";
import { count, say } from "./i18n.js";

export class Cells {
  constructor(desk, kind = "") {
    this.desk = desk;
    this.rows = [];
    this.at = 0;
    this.head = make("div", { class: `grid-head ${kind}`.trim() });
    this.cells = make("div", { class: "cells" });
    this.element = make("section", { class: "grid" }, this.head, this.cells);
    this.confirmText = make("span");
    this.confirmButton = make("button", { class: "main", onclick: () => this.press("Enter") });
    this.unseenNote = make("p", { class: "quiet unseen" });
    this.seen = new Seen(this.element, this.head, () => this.drawConfirm());
  }

  loading() {
    this.cells.replaceChildren(make("p", { class: "quiet" }, say("loading")));
  }

  // How far an arrow key goes; 0 for every other key.
  step(name) {
    const columns = getComputedStyle(this.cells).gridTemplateColumns.split(" ").length;
    return { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[name] ?? 0;
  }

  moveTo(number) {
    if (number < 0 || number >= this.rows.length) return;
    const before = this.at;
    this.at = number;
    this.drawCell(before);
    this.drawCell(number);
    this.cells.children[number].scrollIntoView({ block: "nearest" });
  }

  // The numbers of the cells by what an answer makes of them: `seen` ones and those marked one by one are answered,
  // `gone` ones cannot be shown, `unseen` ones stay.
  divided() {
    const parts = { answered: [], gone: [], unseen: [] };
    this.rows.forEach((_, number) => {
      const cell = this.cells.children[number];
      if (this.isMarked(number) || this.seen.has(cell)) parts.answered.push(number);
      else if (isGone(cell.querySelector("img"))) parts.gone.push(number);
      else parts.unseen.push(number);
    });
    return parts;
  }

  // Says what an answer leaves out; whether there is anything to go on with.
  mayAnswer({ answered, gone }) {
    if (answered.length === 0 && gone.length === 0) this.desk.tell(say("notSeen"));
    else if (gone.length) this.desk.tell(say("notShown", count(gone.length)));
    return answered.length + gone.length > 0;
  }

  draw() {
    this.element.classList.toggle("empty", this.rows.length === 0);
    if (this.rows.length === 0) {
      this.head.replaceChildren();
      this.cells.replaceChildren(this.desk.clear());
      return;
    }
    const drawn = this.rows.map((row, number) => this.cell(row, number));
    this.cells.replaceChildren(...drawn);
    this.seen.watch(drawn);
    this.drawHead();
    this.rows.forEach((_, number) => this.drawCell(number));
  }

  // The next pictures begin at the top.
  toTop() {
    this.element.scrollTo({ top: 0 });
  }

  // What Enter would confirm now, and how many come next because they were not in sight.
  drawConfirm() {
    const { answered, gone, unseen } = this.divided();
    const number = answered.filter((one) => !this.isMarked(one)).length;
    this.confirmText.textContent = this.confirmWords(number);
    this.confirmButton.disabled = !this.canConfirm() || answered.length + gone.length === 0;
    this.unseenNote.textContent = unseen.length ? say("unseen", count(unseen.length)) : "";
  }

  canConfirm() {
    return true;
  }

  // Shows whether a cell is looked at, and what it is marked as: empty when it is not.
  show(number, mark) {
    const cell = this.cells.children[number];
    cell.classList.toggle("at", number === this.at);
    cell.classList.toggle("marked", mark !== "");
    cell.setAttribute("aria-pressed", String(mark !== ""));
    cell.lastChild.textContent = mark;
  }
}
