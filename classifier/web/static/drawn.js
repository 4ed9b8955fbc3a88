// Pictures drawn by chance, asked one by one among the others: only they tell how often the model errs.

import { fetchDrawn } from "./api.js";
import { allSaved } from "./http.js";
import { Prefetcher } from "./prefetch.js";
import { Single } from "./single.js";

// Which are asked next, and how many of them are due.
export class Drawn {
  constructor(app) {
    this.app = app;
    this.due = 0;
    this.ids = new Set(); // those that were shown
    this.prefetcher = new Prefetcher((page) => allSaved().then(() => fetchDrawn(page)), { limit: 10, size: "large", ahead: 3 });
  }

  // Fetches the next ones anew, so that they are there when they are due.
  open() {
    if (this.app.state.chanceShare > 0) this.prefetcher.restart();
  }

  // Counts answers that are being sent, and asks no more about what they are of. Where none is left by them, the next
  // ones are fetched; where the server has none either, no answer asks for them again.
  count(answers, isDrawn) {
    const ids = new Set(answers.map(({ id }) => id));
    const before = this.prefetcher.items;
    this.prefetcher.items = before.filter(({ id }) => !ids.has(id));
    this.#add(answers.length, isDrawn);
    if (before.length && this.prefetcher.items.length === 0) this.open();
  }

  // Counts what was taken back or refused, which may be the next in the order of chance again.
  uncount(items) {
    for (const item of items) this.#add(-1, this.has(item));
    this.open();
  }

  #add(count, isDrawn) {
    const { chanceShare } = this.app.state;
    this.due = Math.max(0, this.due + (isDrawn ? -count : (count * chanceShare) / (1 - chanceShare)));
  }

  get isDue() {
    return this.due >= 1 && this.prefetcher.items.length > 0;
  }

  take() {
    const [item] = this.prefetcher.take(1);
    this.ids.add(item.id);
    if (this.prefetcher.items.length === 0) this.prefetcher.restart();
    return item;
  }

  // What was not answered is asked first again.
  putBack(item) {
    this.prefetcher.putBack([item]);
  }

  has(item) {
    return item !== null && this.ids.has(item.id);
  }
}

// Asks what is due between two grids; `back` shows the next grid.
export class DrawnView extends Single {
  constructor(app, view, back) {
    super(app, app.filter);
    this.view = view;
    this.back = back;
  }

  async open() {
    await this.similar.open();
    this.next();
  }

  reorder(change) {
    this.view.reorder(change);
  }

  // What was taken back is shown where it was asked.
  showAgain(items) {
    if (this.app.view !== this) return items.forEach((item) => this.app.drawn.putBack(item)); // refused after it was left
    if (items.every((item) => this.app.drawn.has(item))) return super.showAgain(items);
    this.leave();
    this.app.returnTo(this.view);
    return this.view.showAgain(items);
  }

  async next() {
    if (this.waiting.length === 0 && !this.app.drawn.isDue) {
      this.app.returnTo(this.view);
      return this.back();
    }
    return super.next();
  }
}
