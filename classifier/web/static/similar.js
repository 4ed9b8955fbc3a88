// What is similar to the shown image: the nearest labeled images, and what waits and is answered together with it if the
// person chooses so: its near-duplicates, the other pages of its post. The shown image is looked up first, then the ones
// after it.

import { fetchSimilar, fetchSimilarKinds } from "./api.js";
import { notify } from "./dialogs.js";
import { key, make } from "./dom.js";
import { allSaved } from "./http.js";
import { _, count_ } from "./i18n.js";
import { loadImage } from "./prefetch.js";
import { isLoaded } from "./visibility.js";

const AHEAD = 2;
const SHOWN = 4;
const MAX_TOGETHER = 12; // so many of a group are shown, and answered, at once
const RETRY_MS = 1500;

const COPIES = {
  shortcut: "=",
  storage: "together",
  title: () => _("Near-duplicates that wait too: answered together, or one by one"),
  more: (count) => count_("+{count} near-duplicate", "+{count} near-duplicates", { count }),
  together: () => _("From now on near-duplicates are answered together"),
};
const PAGES = {
  shortcut: "-",
  storage: "pages-together",
  title: () => _("Pages of the same post that wait too: answered together, or one by one"),
  more: (count) => count_("+{count} page of this post", "+{count} pages of this post", { count }),
  together: () => _("From now on the pages of a post are answered together"),
};

// A group of images that wait, shown small; `press` is called when the person turns it on or off.
class Group {
  constructor(words, press) {
    this.words = words;
    this.isTogether = localStorage.getItem(words.storage) === "yes";
    this.items = [];
    this.text = make("span");
    this.button = make("button", { onclick: press }, key(words.shortcut), this.text);
    this.strip = make("div", { class: "strip" });
    this.element = make("div", { class: "near-duplicates", hidden: true }, this.button, this.strip);
  }

  toggle() {
    this.isTogether = !this.isTogether;
    localStorage.setItem(this.words.storage, this.isTogether ? "yes" : "no");
  }

  // Those that an answer is for too: shown, loaded, and not ruled out for the category.
  answered(category, image) {
    if (!this.isTogether) return [];
    return this.#shown().filter((one) => isLoaded(image(one)) && !one.ruledOut.includes(category));
  }

  draw(items, category, image) {
    this.items = items;
    this.element.hidden = items.length === 0;
    this.element.classList.toggle("together", this.isTogether);
    this.strip.replaceChildren(...this.#shown().map(image));
    this.button.setAttribute("aria-pressed", String(this.isTogether));
    this.button.title = this.words.title();
    this.text.textContent = this.isTogether
      ? _("{count} answered together", { count: this.answered(category, image).length + 1 })
      : this.words.more(items.length);
  }

  #shown() {
    return this.items.slice(0, this.isTogether ? MAX_TOGETHER : SHOWN);
  }
}

export class SimilarImages {
  // `changed` is called when the number of images that are answered together may have changed.
  constructor(changed) {
    this.changed = changed;
    this.kinds = { neighbors: false, nearDuplicates: false };
    this.found = new Map(); // image id -> { neighbors, nearDuplicates, pages, images }
    this.answered = new Set();
    this.wanted = [];
    this.isFetching = false;
    this.item = null;
    this.neighbors = make("ol", { class: "neighbors" });
    this.groups = {
      nearDuplicates: new Group(COPIES, () => this.toggle("nearDuplicates")),
      pages: new Group(PAGES, () => this.toggle("pages")),
    };
  }

  async open() {
    this.kinds = await fetchSimilarKinds().catch(() => this.kinds);
  }

  get groupViews() {
    return Object.values(this.groups).map(({ element }) => element);
  }

  // Shows what is known of an item; what comes later takes the place that is kept for it.
  show(item) {
    this.item = item;
    if (item !== null) this.#draw();
  }

  neighborList() {
    return this.kinds.neighbors ? make("div", {}, make("h2", { title: COSINE() }, _("Nearest labeled pictures")), this.neighbors) : null;
  }

  // What is answered together with the shown image, each once.
  answeredTogether(category = this.item?.category) {
    if (this.item === null) return [];
    const items = Object.values(this.groups).flatMap((group) => group.answered(category, this.#image));
    return [...new Map(items.map((one) => [one.id, one])).values()];
  }

  // Looks up the shown item and the next ones, once the answers before are saved. Older requests are dropped.
  prefetch(items) {
    this.wanted = [this.item, ...items.slice(0, AHEAD)].filter((item) => item && !this.found.get(item.id)?.nearDuplicates);
    allSaved().then(() => this.#fetchWanted());
  }

  drop(items) {
    for (const { id } of items) {
      this.answered.add(id);
      this.found.delete(id);
    }
  }

  showAgain(items) {
    for (const { id } of items) this.answered.delete(id);
    this.found.clear();
  }

  toggle(name) {
    const group = this.groups[name];
    if (this.item === null || (name === "nearDuplicates" && !this.kinds.nearDuplicates)) return;
    group.toggle();
    this.#draw();
    this.changed();
    if (group.element.hidden) notify(group.isTogether ? group.words.together() : _("From now on pictures are answered one by one"));
  }

  #image = (one) => {
    const { item } = this;
    const images = this.found.get(item.id)?.images ?? new Map();
    if (!images.has(one.id)) images.set(one.id, thumbnail(one, () => this.#imageLoaded(item)));
    return images.get(one.id);
  };

  async #fetchWanted() {
    if (this.isFetching) return;
    this.isFetching = true;
    try {
      for (let item = this.wanted.shift(); item; item = this.wanted.shift()) await this.#fetch(item);
    } catch {
      this.wanted = []; // the next image asks again
    } finally {
      this.isFetching = false;
    }
  }

  async #fetch(item) {
    const { neighbors, nearDuplicates, pages } = await fetchSimilar(item.id);
    const first = [nearDuplicates ?? [], pages].flatMap((group) => group.slice(0, SHOWN));
    const images = new Map(first.map((one) => [one.id, thumbnail(one, () => this.#imageLoaded(item))]));
    this.found.set(item.id, { neighbors: neighbors.map(neighborEntry), nearDuplicates, pages, images });
    if (item !== this.item) return;
    this.#draw();
    this.changed();
    if (nearDuplicates === null) setTimeout(() => { if (item === this.item && this.groups.nearDuplicates.element.isConnected) this.prefetch([]); }, RETRY_MS);
  }

  #draw() {
    const found = this.found.get(this.item.id);
    this.neighbors.replaceChildren(...(found?.neighbors ?? []));
    for (const [name, group] of Object.entries(this.groups)) {
      group.draw((found?.[name] ?? []).filter(({ id }) => !this.answered.has(id)), this.item.category, this.#image);
    }
  }

  #imageLoaded(item) {
    if (item !== this.item || !Object.values(this.groups).some(({ isTogether }) => isTogether)) return;
    this.#draw();
    this.changed();
  }
}

// What the number under such an image means.
export const COSINE = () => _("How alike the two look to the model: 1.00 for the same picture");

// An entry of a list of labeled images: small, with its category and the cosine of the two embeddings.
export const neighborEntry = ({ id, category, cosine, hasFile }) =>
  make("li", {}, make("div", { class: "frame" }, hasFile ? thumbnail({ id, category }) : null),
    make("span", { class: "name", title: category }, category), make("span", { class: "share", title: COSINE() }, cosine.toFixed(2)));

function thumbnail({ id, name, category }, loaded = () => undefined) {
  const image = loadImage({ id, name: name ?? category }, "small");
  image.title = image.alt;
  image.fetchPriority = "low";
  image.addEventListener("error", () => image.remove(), { once: true });
  image.addEventListener("load", loaded, { once: true });
  return image;
}
