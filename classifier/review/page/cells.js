// A screen of small pictures of which one is looked at: what every grid has in common. How a cell is marked is the grid's.

import { make } from "./dom.js";
import { say } from "./words.js";

export class Cells {
  constructor(desk, kind = "") {
    this.desk = desk;
    this.rows = [];
    this.at = 0;
    this.head = make("div", { class: `grid-head ${kind}`.trim() });
    this.cells = make("div", { class: "cells" });
    this.element = make("section", { class: "grid" }, this.head, this.cells);
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

  draw() {
    this.element.classList.toggle("empty", this.rows.length === 0);
    if (this.rows.length === 0) {
      this.head.replaceChildren();
      this.cells.replaceChildren(this.desk.clear());
      return;
    }
    this.drawHead();
    this.cells.replaceChildren(...this.rows.map((row, number) => this.cell(row, number)));
    this.rows.forEach((_, number) => this.drawCell(number));
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
