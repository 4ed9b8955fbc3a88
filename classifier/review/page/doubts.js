// Labels that the model doubts: is this label right? What is said goes before the label when the model is trained again.

import { key, make } from "./dom.js";
import { get, pictureUrl, send } from "./net.js";
import { count, say } from "./words.js";

export const readDoubts = async () => (await get("/api/doubts")).doubts;

export class Doubts {
  constructor(desk) {
    this.desk = desk;
    this.doubts = null;
    this.passed = new Set();
    this.unheard = 0;
    this.images = new Map();
    this.stage = make("div", { class: "stage", onclick: () => this.#closer() });
    this.side = make("div", { class: "side" });
    this.element = make("section", { class: "single doubts" }, this.stage, this.side);
  }

  async open() {
    this.stage.replaceChildren(make("p", { class: "quiet" }, say("loading")));
    this.#become(await readDoubts());
  }

  // What was skipped is asked again when one comes back to it.
  get row() {
    return this.doubts?.pictures.find(({ picture }) => !this.passed.has(picture)) ?? null;
  }

  press(name) {
    const category = this.desk.category(name);
    if (name === "z") this.#closer();
    else if (this.row === null) return false;
    else if (name === "Enter") this.#answer("right", this.row.category);
    else if (name === "s") this.#answer("skipped", null);
    else if (name === "u") this.#answer("none of these", null);
    else if (category) this.#answer("right", category);
    else return false;
    return true;
  }

  // What is learned doubts no other labels before the next training.
  reorder() {}

  back() {
    this.passed.clear();
    return this.#send("/api/doubts/back", () => ({ steps: this.doubts.steps }));
  }

  #closer() {
    if (this.row !== null) this.element.classList.toggle("close");
  }

  #answer(said, category) {
    this.element.classList.remove("close");
    const { picture } = this.row;
    // The next one is shown at once; what the server says of it comes with its answer.
    if (said === "skipped") this.passed.add(picture);
    else this.doubts.left -= 1;
    this.doubts.pictures = this.doubts.pictures.filter((one) => one.picture !== picture);
    this.draw();
    this.#send("/api/doubts/say", { answers: [{ picture, said, category }] });
  }

  async #send(path, sent) {
    this.unheard += 1;
    let told = null;
    try {
      told = await send(path, sent, { onTrouble: this.desk.trouble });
    } catch (error) {
      this.desk.tell(error.message, "bad");
      this.passed.clear();
      told = { doubts: await readDoubts() };
    }
    this.unheard -= 1;
    if (told.state) this.desk.become(told.state);
    this.doubts.steps = told.doubts.steps;
    if (this.unheard === 0) this.#become(told.doubts);  // what was said meanwhile is not known there yet
  }

  #become(doubts) {
    this.doubts = doubts;
    this.desk.doubt(doubts);
    const images = new Map(doubts.pictures.map((row) => [row.picture, this.images.get(row.picture) ?? this.#image(row)]));
    this.images = images;
    this.draw();
  }

  #image(row) {
    const image = Object.assign(new Image(), { alt: row.name, draggable: false, src: pictureUrl(row, "large") });
    image.addEventListener("error", () => image.classList.add("gone"), { once: true });
    image.decode().catch(() => undefined);
    return image;
  }

  draw() {
    const { row } = this;
    this.element.classList.toggle("empty", row === null);
    if (row === null) {
      this.stage.replaceChildren(this.unheard ? make("p", { class: "quiet" }, say("loading")) : this.#outcome());
      this.side.replaceChildren();
      delete this.element.dataset.picture;
      return;
    }
    this.stage.replaceChildren(this.images.get(row.picture), make("p", { class: "gone-note" }, say("gone")));
    this.side.replaceChildren(this.#what(row), this.#categories(row), this.#actions(row));
    this.element.dataset.picture = row.picture;
  }

  #what(row) {
    const sure = (Math.floor(row.confidence * 100) / 100).toFixed(2);
    return make("div", { class: "what" },
      make("h1", {}, say("doubt", row.category, row.likely, sure)),
      make("p", { class: "quiet" }, say("doubtsLeft", count(this.doubts.left), count(this.doubts.of))),
      make("p", { class: "quiet reason" }, row.name));
  }

  #categories(row) {
    const others = this.desk.state.categories.filter(({ name }) => name !== row.category).map(({ name, key: letter }) =>
      make("button", { class: name === row.likely ? "guess" : "", onclick: () => this.#answer("right", name) },
        letter ? key(letter) : null, make("span", {}, name)));
    return make("div", { class: "categories" }, make("h2", {}, say("auditRather")), make("div", { class: "buttons" }, ...others));
  }

  #actions(row) {
    const button = (letter, text, kind, press) => make("button", { class: kind, onclick: () => this.press(press) }, key(letter), make("span", {}, text));
    return make("div", { class: "actions" },
      button("⏎", say("doubtRight", row.category), "main", "Enter"),
      button("s", say("skip"), "", "s"),
      button("u", say("none"), "", "u"),
      this.#backButton());
  }

  #backButton() {
    return make("button", { onclick: () => this.back(), disabled: !this.doubts.steps }, key("⌫"), make("span", {}, say("back")));
  }

  #outcome() {
    const { left, steps, option } = this.doubts;
    const again = () => { this.passed.clear(); this.draw(); };
    return make("div", { class: "clear" },
      make("p", { class: "large" }, left ? say("doubtsSkipped", count(left)) : say("doubtsClear")),
      steps ? make("p", {}, say("doubtsThen")) : null,
      steps ? make("code", {}, option) : null,
      make("div", { class: "actions" },
        left ? make("button", { class: "main", onclick: again }, say("doubtsAgain")) : null, this.#backButton()));
  }
}
