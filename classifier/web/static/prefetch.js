// The images of a queue, fetched ahead: pages of items, and their thumbnails, decoded before they are shown.

import { allSaved, imageUrl } from "./http.js";

const DECODED = 2;

export class Prefetcher {
  // `fetchPage({ after, limit })` resolves to { items, next }; the images of so many items `ahead` are loaded.
  constructor(fetchPage, { limit, size, ahead }) {
    this.fetchPage = fetchPage;
    this.limit = limit;
    this.size = size;
    this.ahead = ahead;
    this.items = [];
    this.lastPage = null;
    this.images = new Map();
    this.taken = new Set();
    this.after = undefined; // null at the end
    this.fetching = null;
    this.version = 0;
  }

  // Resolves when there is something to show, or nothing will come.
  async fill() {
    while (this.items.length === 0 && this.after !== null) await this.#fetch();
    this.#fetchAhead();
  }

  take(count) {
    const items = this.items.splice(0, count);
    for (const item of items) this.taken.add(item.id);
    this.#fetchAhead();
    return items;
  }

  putBack(items) {
    const ids = new Set(items.map(({ id }) => id));
    this.items = [...items, ...this.items.filter(({ id }) => !ids.has(id))];
    this.#fetchAhead();
  }

  // Fetches anew, in the server's present order, what was not taken yet; what was put back stays first.
  restart() {
    for (const item of this.items) if (!this.taken.has(item.id)) this.forget(item);
    this.items = this.items.filter(({ id }) => this.taken.has(id));
    this.after = undefined;
    this.version += 1;
    this.#fetchAhead();
  }

  image(item) {
    let image = this.images.get(item.id);
    if (image === undefined) {
      image = loadImage(item, this.size);
      this.images.set(item.id, image);
    }
    return image;
  }

  forget({ id }) {
    this.images.delete(id);
  }

  // Removes items that were answered out of turn.
  drop(items) {
    const ids = new Set(items.map(({ id }) => id));
    for (const item of items) {
      this.taken.add(item.id);
      this.forget(item);
    }
    this.items = this.items.filter(({ id }) => !ids.has(id));
  }

  #fetchAhead() {
    allSaved().then(() => this.#load()); // answers are sent before images are asked for
    if (this.items.length < this.limit && this.after !== null) this.#fetch().then(() => this.#load(), () => undefined);
  }

  // Loads the images of the next items, and decodes the very next ones.
  #load() {
    const images = this.items.slice(0, this.ahead).map((item) => this.image(item));
    for (const image of images.slice(0, DECODED)) image.decode().catch(() => undefined);
  }

  #fetch() {
    this.fetching ??= this.#fetchNext().finally(() => { this.fetching = null; });
    return this.fetching;
  }

  async #fetchNext() {
    const { version } = this;
    const page = await this.fetchPage({ after: this.after, limit: this.limit });
    if (version !== this.version) return this.#fetchNext(); // restarted meanwhile
    this.lastPage = page;
    const known = new Set(this.items.map(({ id }) => id));
    this.items.push(...page.items.filter(({ id }) => !known.has(id) && !this.taken.has(id)));
    this.after = page.next;
  }
}

// An image element that gets the class `broken` if it cannot be shown.
export function loadImage({ id, name }, size) {
  const image = Object.assign(new Image(), { alt: name, draggable: false, decoding: "async" });
  image.addEventListener("error", () => image.classList.add("broken"), { once: true });
  image.src = imageUrl(id, size);
  return image;
}
