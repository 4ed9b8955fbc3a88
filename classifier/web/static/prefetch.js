// Pictures of the queue ahead of the person: pages are fetched and thumbnails decoded before they are asked for.

import { get, pictureUrl, settled } from "./api.js";

const DECODED = 2;

export class Supply {
  constructor(query, { page, size, ahead, from = "/api/queue" }) {
    this.query = query;
    this.from = from;
    this.page = page;
    this.size = size;
    this.ahead = ahead;
    this.rows = [];
    this.images = new Map();
    this.given = new Set();
    this.next = undefined;
    this.told = null; // the last answer, whole
    this.fetching = null;
    this.turn = 0;
  }

  get isDry() {
    return this.rows.length === 0 && this.next === null;
  }

  // Resolves when there is something to show, or nothing will come.
  async fill() {
    while (this.rows.length === 0 && this.next !== null) await this.#fetch();
    this.#lookAhead();
  }

  take(number) {
    const taken = this.rows.splice(0, number);
    for (const row of taken) this.given.add(row.picture);
    this.#lookAhead();
    return taken;
  }

  putBack(rows) {
    const again = new Set(rows.map((row) => row.picture));
    this.rows = [...rows, ...this.rows.filter((row) => !again.has(row.picture))];
    this.#lookAhead();
  }

  // What was not given out yet comes in the server's new order; what was put back stays first.
  reorder(change = {}) {
    this.query = { ...this.query, ...change };
    for (const row of this.rows) if (!this.given.has(row.picture)) this.forget(row);
    this.rows = this.rows.filter((row) => this.given.has(row.picture));
    this.next = undefined;
    this.turn += 1;
    this.#lookAhead();
  }

  image(row) {
    let image = this.images.get(row.picture);
    if (image === undefined) {
      image = new Image();
      image.alt = row.name;
      image.draggable = false;
      image.decoding = "async";
      image.addEventListener("error", () => image.classList.add("gone"), { once: true });
      image.src = pictureUrl(row, this.size);
      this.images.set(row.picture, image);
    }
    return image;
  }

  forget(row) {
    this.images.delete(row.picture);
  }

  // Was given out otherwise than in turn, or is done with: it does not come any more.
  drop(rows) {
    const done = new Set(rows.map((row) => row.picture));
    for (const row of rows) {
      this.given.add(row.picture);
      this.forget(row);
    }
    this.rows = this.rows.filter((row) => !done.has(row.picture));
  }

  #lookAhead() {
    settled().then(() => this.#prepare());  // what was said is saved first
    if (this.rows.length < this.page && this.next !== null) this.#fetch().then(() => this.#prepare(), () => undefined);
  }

  // Fetched well ahead; the very next ones are decoded too, so that they are there with the key.
  #prepare() {
    const images = this.rows.slice(0, this.ahead).map((row) => this.image(row));
    for (const image of images.slice(0, DECODED)) image.decode().catch(() => undefined);
  }

  #fetch() {
    this.fetching ??= this.#fetchPage().finally(() => { this.fetching = null; });
    return this.fetching;
  }

  async #fetchPage() {
    const place = this.next === undefined ? {} : { after: JSON.stringify(this.next) };
    const turn = this.turn;
    const answer = await get(this.from, { ...this.query, ...place, limit: this.page });
    if (turn !== this.turn) return;
    this.told = answer;
    const known = new Set(this.rows.map((row) => row.picture));
    this.rows.push(...answer.pictures.filter((row) => !known.has(row.picture) && !this.given.has(row.picture)));
    this.next = answer.next;
  }
}
