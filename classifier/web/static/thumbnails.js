// A grid of thumbnails with one current cell: what the grids of a category and of a cluster share. A subclass decides
// how a cell is marked. What was neither seen nor marked is not answered: it comes next.

import { key, make, muted } from "./dom.js";
import { notify } from "./dialogs.js";
import { _, count_ } from "./i18n.js";
import { changeTileSize } from "./tile_size.js";
import { isBroken, VisibilityTracker } from "./visibility.js";

export const PAGE_SIZE = 60;

export class ThumbnailGrid {
  constructor(app, kind = "") {
    this.app = app;
    this.items = [];
    this.current = 0;
    this.head = make("div", { class: `grid-head ${kind}`.trim() });
    this.cells = make("div", { class: "cells" });
    this.element = make("section", { class: "grid" }, this.head, this.cells);
    this.confirmText = make("span");
    this.confirmButton = make("button", { class: "primary", onclick: () => this.press("Enter") }, key("⏎"), this.confirmText);
    this.unseenNote = make("p", { class: "muted unseen" });
    this.visibility = new VisibilityTracker(this.element, this.head, () => this.drawConfirm());
  }

  drawLoading() {
    this.cells.replaceChildren(muted(_("Loading…")));
  }

  // Whether the key does anything in any grid.
  pressInGrid(name) {
    const step = this.stepOf(name);
    if (step) this.moveTo(this.current + step);
    else if (name === "+" || name === "=") changeTileSize(1);
    else if (name === "-") changeTileSize(-1);
    else return false;
    return true;
  }

  // A click marks a cell or takes its mark away; with Shift all from the current cell to this one are marked.
  click(index, { shiftKey }) {
    if (!shiftKey) {
      this.moveTo(index);
      this.toggleMark(index);
      return;
    }
    const [first, last] = [Math.min(this.current, index), Math.max(this.current, index)];
    for (let one = first; one <= last; one += 1) if (!this.isMarked(one)) this.toggleMark(one);
    this.moveTo(index);
  }

  // How many cells an arrow key moves; 0 for every other key.
  stepOf(name) {
    const columns = getComputedStyle(this.cells).gridTemplateColumns.split(" ").length;
    return { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[name] ?? 0;
  }

  moveTo(index) {
    if (index < 0 || index >= this.items.length) return;
    const before = this.current;
    this.current = index;
    this.drawCell(before);
    this.drawCell(index);
    this.cells.children[index].scrollIntoView({ block: "nearest" });
  }

  // The indices of the cells by what confirming does: those seen or marked are `answered`, `broken` ones cannot be shown,
  // `unseen` ones stay.
  partition() {
    const parts = { answered: [], broken: [], unseen: [] };
    this.items.forEach((_item, index) => {
      const cell = this.cells.children[index];
      if (this.isMarked(index) || this.visibility.hasSeen(cell)) parts.answered.push(index);
      else if (isBroken(cell.querySelector("img"))) parts.broken.push(index);
      else parts.unseen.push(index);
    });
    return parts;
  }

  // Whether there is anything to answer; notifies of what is left out.
  canAnswer({ answered, broken }) {
    if (answered.length === 0 && broken.length === 0) notify(_("No picture was in view long enough to be confirmed"));
    else if (broken.length) notify(count_("{count} picture cannot be shown and was not answered", "{count} pictures cannot be shown and were not answered", { count: broken.length }));
    return answered.length + broken.length > 0;
  }

  draw() {
    this.element.classList.toggle("empty", this.items.length === 0);
    if (this.items.length === 0) {
      this.head.replaceChildren();
      this.cells.replaceChildren(this.app.emptyQueue());
      return;
    }
    const cells = this.items.map((item, index) => this.cell(item, index));
    this.cells.replaceChildren(...cells);
    this.visibility.watch(cells);
    this.drawHead();
    this.items.forEach((_item, index) => this.drawCell(index));
  }

  scrollToTop() {
    this.element.scrollTo({ top: 0 });
  }

  // How many Enter would confirm now, and how many come next because they were not in view.
  drawConfirm() {
    const { answered, broken, unseen } = this.partition();
    this.confirmText.textContent = this.confirmLabel(answered.filter((index) => !this.isMarked(index)).length);
    this.confirmButton.disabled = !this.canConfirm() || answered.length + broken.length === 0;
    this.unseenNote.textContent = unseen.length
      ? count_("{count} was not in view yet: shown next", "{count} were not in view yet: shown next", { count: unseen.length }) : "";
  }

  canConfirm() {
    return true;
  }

  // Shows whether a cell is current, and its mark; empty without one.
  drawMark(index, mark) {
    const cell = this.cells.children[index];
    cell.classList.toggle("current", index === this.current);
    cell.classList.toggle("marked", mark !== "");
    cell.setAttribute("aria-pressed", String(mark !== ""));
    cell.lastChild.textContent = mark;
  }
}
