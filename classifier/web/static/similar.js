// What is similar to the shown image: the nearest labeled images, and the near-duplicates that wait, which are answered
// together with it if the person chooses so. The shown image is looked up first, then the ones after it.

import { fetchSimilar, fetchSimilarKinds } from "./api.js";
import { notify } from "./dialogs.js";
import { key, make } from "./dom.js";
import { allSaved } from "./http.js";
import { _, count_ } from "./i18n.js";
import { loadImage } from "./prefetch.js";
import { isLoaded } from "./visibility.js";

const AHEAD = 2;
const SHOWN = 4;
const MAX_TOGETHER = 12; // so many are shown, and answered, at once
const RETRY_MS = 1500;

export class SimilarImages {
  // `changed` is called when the number of images that are answered together may have changed.
  constructor(changed) {
    this.changed = changed;
    this.kinds = { neighbors: false, nearDuplicates: false };
    this.isTogether = localStorage.getItem("together") === "yes";
    this.found = new Map(); // image id -> { neighbors, nearDuplicates, images }
    this.answered = new Set();
    this.wanted = [];
    this.isFetching = false;
    this.item = null;
    this.neighbors = make("ol", { class: "neighbors" });
    this.buttonText = make("span");
    this.button = make("button", { onclick: () => this.toggle() }, key("="), this.buttonText);
    this.strip = make("div", { class: "strip" });
    this.nearDuplicates = make("div", { class: "near-duplicates" }, this.button, this.strip);
  }

  async open() {
    this.kinds = await fetchSimilarKinds().catch(() => this.kinds);
  }

  // Shows what is known of an item; what comes later takes the place that is kept for it.
  show(item) {
    this.item = item;
    if (item !== null) this.#draw();
  }

  neighborList() {
    return this.kinds.neighbors ? make("div", {}, make("h2", {}, _("Nearest labeled pictures")), this.neighbors) : null;
  }

  // The near-duplicates that are answered together with the shown image: those that are shown, loaded, and not ruled out
  // for the category.
  answeredTogether(category = this.item?.category) {
    if (!this.isTogether || this.item === null) return [];
    return this.#shown().filter((one) => isLoaded(this.#image(one)) && !one.ruledOut.includes(category));
  }

  // Looks up the shown item and the next ones, once the answers before are saved. Older requests are dropped.
  prefetch(items) {
    if (!this.kinds.neighbors && !this.kinds.nearDuplicates) return;
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

  toggle() {
    if (!this.kinds.nearDuplicates || this.item === null) return;
    this.isTogether = !this.isTogether;
    localStorage.setItem("together", this.isTogether ? "yes" : "no");
    this.#draw();
    this.changed();
    if (!this.nearDuplicates.hidden) return;
    notify(this.isTogether ? _("From now on near-duplicates are answered together") : _("From now on pictures are answered one by one"));
  }

  #waiting() {
    return this.found.get(this.item.id)?.nearDuplicates?.filter(({ id }) => !this.answered.has(id)) ?? [];
  }

  #shown() {
    return this.#waiting().slice(0, this.isTogether ? MAX_TOGETHER : SHOWN);
  }

  #image(one) {
    const { item } = this;
    const { images } = this.found.get(item.id);
    if (!images.has(one.id)) images.set(one.id, thumbnail(one, () => this.#imageLoaded(item)));
    return images.get(one.id);
  }

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
    const { neighbors, nearDuplicates } = await fetchSimilar(item.id);
    const images = new Map(nearDuplicates?.slice(0, SHOWN).map((one) => [one.id, thumbnail(one, () => this.#imageLoaded(item))]));
    this.found.set(item.id, { neighbors: neighbors.map(neighborEntry), nearDuplicates, images });
    if (item !== this.item) return;
    this.#draw();
    this.changed();
    if (nearDuplicates === null) setTimeout(() => { if (item === this.item && this.nearDuplicates.isConnected) this.prefetch([]); }, RETRY_MS);
  }

  #draw() {
    this.neighbors.replaceChildren(...(this.found.get(this.item.id)?.neighbors ?? []));
    const count = this.#waiting().length;
    this.nearDuplicates.hidden = count === 0;
    this.nearDuplicates.classList.toggle("together", this.isTogether);
    this.strip.replaceChildren(...this.#shown().map((one) => this.#image(one)));
    this.button.setAttribute("aria-pressed", String(this.isTogether));
    this.button.title = _("Near-duplicates that wait too: answered together, or one by one");
    this.buttonText.textContent = this.isTogether
      ? _("{count} answered together", { count: this.answeredTogether().length + 1 })
      : count_("+{count} near-duplicate", "+{count} near-duplicates", { count });
  }

  #imageLoaded(item) {
    if (item !== this.item || !this.isTogether) return;
    this.#draw();
    this.changed();
  }
}

// An entry of a list of labeled images: small, with its category and the cosine of the two embeddings.
export const neighborEntry = ({ id, category, cosine, hasFile }) =>
  make("li", {}, make("div", { class: "frame" }, hasFile ? thumbnail({ id, category }) : null),
    make("span", { class: "name", title: category }, category), make("span", { class: "share" }, cosine.toFixed(2)));

function thumbnail({ id, name, category }, loaded = () => undefined) {
  const image = loadImage({ id, name: name ?? category }, "small");
  image.title = image.alt;
  image.fetchPriority = "low";
  image.addEventListener("error", () => image.remove(), { once: true });
  image.addEventListener("load", loaded, { once: true });
  return image;
}
