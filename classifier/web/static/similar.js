// What lies near the picture that is shown: the labelled pictures most like it, and those that wait and nearly repeat it,
// which are answered together with it when the person wishes. Asked for one after the other, the shown picture first.

import { key, make } from "./dom.js";
import { get, pictureUrl, settled } from "./api.js";
import { isLoaded } from "./visibility.js";
import { count, say } from "./i18n.js";

const AHEAD = 2;
const STRIP = 4;
const TOGETHER = 12; // so many are shown, and answered, at once
const AGAIN = 1500;

export class Near {
  constructor(desk, changed) {
    this.desk = desk;
    this.changed = changed;
    this.kinds = { labelled: false, alike: false };
    this.isTogether = localStorage.getItem("together") === "yes";
    this.known = new Map();
    this.answered = new Set();
    this.wanted = [];
    this.isAsking = false;
    this.row = null;
    this.labelled = make("ol", { class: "labelled" });
    this.button = make("button", { onclick: () => this.toggle() });
    this.strip = make("div", { class: "strip" });
    this.repeats = make("div", { class: "repeats" }, this.button, this.strip);
  }

  async begin() {
    this.kinds = await get("/api/near").catch(() => this.kinds);
  }

  // Shows what is known of a row by now; what comes later finds its place kept.
  show(row) {
    this.row = row;
    if (row !== null) this.#fill();
  }

  labels() {
    return this.kinds.labelled ? make("div", {}, make("h2", {}, say("nearest")), this.labelled) : null;
  }

  // The rows that nearly repeat the shown one and are answered together with it: those that are shown, and loaded, and
  // of which nobody said that they are not of that category.
  together(category = this.row?.category) {
    if (!this.isTogether || this.row === null) return [];
    return this.#shown().filter((one) => isLoaded(this.#image(one)) && !one.ruled_out.includes(category));
  }

  // Its small picture, beside the row that is shown.
  #image(one) {
    const { row } = this;
    const { images } = this.known.get(row.picture);
    if (!images.has(one.picture)) images.set(one.picture, small(one, () => this.#loaded(row)));
    return images.get(one.picture);
  }

  #shown() {
    return this.#alike().slice(0, this.isTogether ? TOGETHER : STRIP);
  }

  // What is asked about next, once the answer before is saved. What was asked about earlier and is not shown is let be.
  expect(rows) {
    if (!this.kinds.labelled && !this.kinds.alike) return;
    this.wanted = [this.row, ...rows.slice(0, AHEAD)].filter((row) => row && !this.known.get(row.picture)?.alike);
    settled().then(() => this.#ask());
  }

  decided(rows) {
    for (const row of rows) {
      this.answered.add(row.picture);
      this.known.delete(row.picture);
    }
  }

  again(rows) {
    for (const row of rows) this.answered.delete(row.picture);
    this.known.clear();
  }

  toggle() {
    if (!this.kinds.alike || this.row === null) return;
    this.isTogether = !this.isTogether;
    localStorage.setItem("together", this.isTogether ? "yes" : "no");
    this.#fill();
    this.changed();
    if (this.repeats.hidden) this.desk.tell(say(this.isTogether ? "togetherIsOn" : "togetherIsOff"));
  }

  #alike() {
    return this.known.get(this.row.picture)?.alike?.filter((one) => !this.answered.has(one.picture)) ?? [];
  }

  async #ask() {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      for (let row = this.wanted.shift(); row; row = this.wanted.shift()) await this.#askAbout(row);
    } catch {
      this.wanted = []; // the next picture asks again
    } finally {
      this.isAsking = false;
    }
  }

  async #askAbout(row) {
    const { labelled, alike } = await get(`/api/near/${row.picture}`);
    const images = new Map(alike?.slice(0, STRIP).map((one) => [one.picture, small(one, () => this.#loaded(row))]));
    this.known.set(row.picture, { labelled: labelled.map((one) => ({ ...one, image: one.there ? small(one) : null })), alike, images });
    if (row !== this.row) return;
    this.#fill();
    this.changed();
    if (alike === null) setTimeout(() => { if (row === this.row && this.repeats.isConnected) this.expect([]); }, AGAIN); // still looked through
  }

  #fill() {
    const found = this.known.get(this.row.picture);
    this.labelled.replaceChildren(...(found?.labelled ?? []).map(({ image, category, cosine }) =>
      make("li", {}, make("div", { class: "frame" }, image),
        make("span", { class: "name", title: category }, category), make("span", { class: "share" }, cosine.toFixed(2)))));
    const alike = this.#alike();
    this.repeats.hidden = alike.length === 0;
    this.repeats.classList.toggle("on", this.isTogether);
    this.strip.replaceChildren(...this.#shown().map((one) => this.#image(one)));
    this.button.setAttribute("aria-pressed", String(this.isTogether));
    this.button.title = say("togetherHint");
    this.button.replaceChildren(key("="), make("span", {}, this.isTogether ? say("together", count(this.together().length + 1)) : say("repeats", count(alike.length))));
  }

  #loaded(row) {
    if (row !== this.row || !this.isTogether) return;
    this.#fill();
    this.changed();
  }
}

function small(row, loaded = () => undefined) {
  const image = make("img", { alt: row.name ?? row.category, title: row.name ?? row.category, draggable: "false", decoding: "async", fetchpriority: "low" });
  image.addEventListener("error", () => image.remove(), { once: true });
  image.addEventListener("load", loaded, { once: true });
  image.src = pictureUrl(row, "small");
  return image;
}
