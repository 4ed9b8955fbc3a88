// The questions of illsort audit: is this rightly filed? One audit, begun here or in the terminal, and what follows so far.

import { key, make } from "./dom.js";
import { get, pictureUrl, send } from "./net.js";
import { count, reasonOf, say } from "./words.js";

export class Audit {
  constructor(desk) {
    this.desk = desk;
    this.audit = null;
    this.images = new Map();
    this.stage = make("div", { class: "stage", onclick: () => this.#closer() });
    this.side = make("div", { class: "side" });
    this.element = make("section", { class: "single audit" }, this.stage, this.side);
  }

  async open() {
    this.stage.replaceChildren(make("p", { class: "quiet" }, say("loading")));
    this.#become(await get("/api/audit"));
  }

  get row() {
    return this.audit?.pictures[0] ?? null;
  }

  press(name) {
    const category = this.desk.category(name);
    if (name === "z") this.#closer();
    else if (this.row === null) return false;
    else if (name === "Enter") this.#answer("right", this.row.category);
    else if (name === " ") this.#answer("wrong", this.row.category);
    else if (name === "s") this.#answer("skipped", null);
    else if (name === "u") this.#answer("none of these", null);
    else if (category) this.#answer("right", category);
    else return false;
    return true;
  }

  // What is learned changes no sample.
  reorder() {}

  back() {
    return this.#send("/api/audit/back", () => ({ steps: this.audit.steps }));
  }

  #closer() {
    if (this.row !== null) this.element.classList.toggle("close");
  }

  #answer(said, category) {
    this.element.classList.remove("close");
    const { picture } = this.row;
    // The next one is shown at once; what the server says of it comes with its answer.
    this.audit.pictures.shift();
    if (this.row !== null) this.draw();
    this.#send("/api/audit/say", { answers: [{ picture, said, category }] });
  }

  async #send(path, sent) {
    try {
      this.#become(await send(path, sent, { onTrouble: this.desk.trouble }));
    } catch (error) {
      this.desk.tell(error.message, "bad");
      this.#become(await get("/api/audit"));
    }
  }

  #become({ audit, state, run, moved, left }) {
    this.audit = audit;
    for (const row of audit.pictures) this.#image(row);
    if (run !== undefined) {
      const stayed = left.length ? ` · ${say("left", left.length, left[0].why)}` : "";
      this.desk.tell(say("auditFiled", run, count(moved)) + stayed, stayed ? "bad" : "good");
    }
    this.desk.become(state);
    this.draw();
  }

  #image(row) {
    if (!this.images.has(row.picture)) {
      const image = Object.assign(new Image(), { alt: row.name, draggable: false, src: pictureUrl(row, "large") });
      image.addEventListener("error", () => image.classList.add("gone"), { once: true });
      image.decode().catch(() => undefined);
      this.images.set(row.picture, image);
    }
    return this.images.get(row.picture);
  }

  draw() {
    const { row } = this;
    this.element.classList.toggle("empty", row === null);
    if (row === null) {
      this.stage.replaceChildren(this.#outcome());
      this.side.replaceChildren();
      delete this.element.dataset.picture;
      return;
    }
    this.stage.replaceChildren(this.#image(row), make("p", { class: "gone-note" }, say("gone")));
    this.side.replaceChildren(this.#what(row), this.#categories(row), this.#actions(row));
    this.element.dataset.picture = row.picture;
  }

  #what(row) {
    const { asked, drawn } = this.audit;
    return make("div", { class: "what" },
      make("h1", {}, say("auditQuestion", row.category)),
      make("p", { class: "quiet" }, say("auditProgress", count(Math.min(asked + 1, drawn)), count(drawn))),
      make("p", { class: "bound" }, this.#bound()),
      make("h2", {}, say("whyFiled")),
      make("p", { class: "reason" }, reasonOf(row)),
      make("p", { class: "quiet reason" }, row.name));
  }

  #bound() {
    const { asked, wrong, skipped, at_most: most } = this.audit;
    if (!most) return say("auditNothing");
    return say("auditBound", most, count(wrong), count(asked)) + (skipped ? say("auditSkipped", count(skipped)) : "");
  }

  #categories(row) {
    const others = this.desk.state.categories.filter(({ name }) => name !== row.category).map(({ name, key: letter }) =>
      make("button", { onclick: () => this.#answer("right", name) }, letter ? key(letter) : null, make("span", {}, name)));
    return make("div", { class: "categories" }, make("h2", {}, say("auditRather")), make("div", { class: "buttons" }, ...others));
  }

  #actions() {
    const button = (letter, text, kind, press) => make("button", { class: kind, onclick: () => this.press(press) }, key(letter), make("span", {}, text));
    return make("div", { class: "actions" },
      button("⏎", say("right"), "main", "Enter"),
      button("␣", say("isWrong"), "", " "),
      button("s", say("skip"), "", "s"),
      button("u", say("none"), "", "u"),
      this.#backButton());
  }

  #backButton() {
    return make("button", { onclick: () => this.back(), disabled: !this.audit.steps }, key("⌫"), make("span", {}, say("back")));
  }

  // What the terminal says at the end: whether what was asked for is kept, and what can be done.
  #outcome() {
    const { drawn, finished, target, kept, misfiled, offer, enough, usual, filed } = this.audit;
    const lines = [];
    if (drawn === 0) lines.push(make("p", { class: "large" }, say("auditNone")), make("p", {}, say("auditWhat")));
    else if (!finished) return make("p", { class: "quiet" }, say("loading"));
    else lines.push(make("p", { class: "large" }, say("auditOf", count(filed))), make("p", { class: "bound" }, this.#bound()));
    if (kept === true) lines.push(make("p", {}, say("auditKept", target)));
    if (kept === false) lines.push(make("p", {}, offer ? say("auditOffer", target, offer.threshold, count(offer.kept), count(offer.filed)) : say("auditMissed", target)));
    if (offer) lines.push(make("button", { class: "main", onclick: () => this.#send("/api/audit/file", { by_threshold: true }) }, say("auditByThreshold", offer.threshold)));
    if (misfiled) lines.push(make("button", { onclick: () => this.#send("/api/audit/file", {}) }, say("auditMisfiled", count(misfiled))));
    const number = make("input", { type: "number", min: 1, max: 100000, value: String(drawn ? enough : usual), "aria-label": say("auditCount") });
    const draw = () => this.#send("/api/audit/begin", { count: Math.max(1, Number.parseInt(number.value, 10) || usual) });
    lines.push(make("div", { class: "actions" }, number, make("button", { class: offer ? "" : "main", onclick: draw }, say("auditDraw")), drawn ? this.#backButton() : null));
    return make("div", { class: "clear" }, ...lines);
  }
}
