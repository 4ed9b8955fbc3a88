// One picture, large, and a question about it: what the audit and the doubtful labels have in common. Which pictures
// come (`row` is the shown one), what is told of one, and where an answer goes is each one's own.

import { key, make } from "./dom.js";
import { pictureUrl, send } from "./api.js";
import { unseenBecause } from "./visibility.js";
import { say } from "./i18n.js";

export class Question {
  constructor(desk, kind) {
    this.desk = desk;
    this.images = new Map();
    this.unheard = 0;
    this.stage = make("div", { class: "stage", onclick: () => this.#closer() });
    this.side = make("div", { class: "side" });
    this.element = make("section", { class: `single ${kind}` }, this.stage, this.side);
  }

  loading() {
    this.stage.replaceChildren(make("p", { class: "quiet" }, say("loading")));
  }

  press(name) {
    if (name === "z") this.#closer();
    else if (this.row === null) return false;
    else if (name === "Enter" || name === "y") this.#answer("right", this.row.category);
    else if (name === "s") this.#answer("skipped", null);
    else if (name === "u") this.#answer("none of these", null);
    else if (this.desk.category(name)) this.#answer("right", this.desk.category(name));
    else if ((name === " " || name === "n") && this.canBeWrong) this.#answer("wrong", this.row.category);
    else if (name === "n") this.desk.tell(say("sayWhich"));
    else return false;
    return true;
  }

  get keys() {
    return [["⏎ y", "kRight"], this.canBeWrong ? ["␣ n", "kWrong"] : null, ["s", "kSkip"], ["u", "kNone"], ["z", "closer"]].filter(Boolean);
  }

  // What is learned asks no other questions.
  reorder() {}

  // The pictures of these rows are fetched, the others let go.
  keep(rows) {
    this.images = new Map(rows.map((row) => [row.picture, this.images.get(row.picture) ?? large(row)]));
  }

  draw() {
    const { row } = this;
    this.element.classList.toggle("empty", row === null);
    if (row === null) {
      this.stage.replaceChildren(this.unheard ? make("p", { class: "quiet" }, say("loading")) : this.outcome());
      this.side.replaceChildren();
      delete this.element.dataset.picture;
      return;
    }
    this.stage.replaceChildren(this.images.get(row.picture), make("p", { class: "gone-note" }, say("gone")));
    this.side.replaceChildren(this.what(row), this.#categories(row), this.#actions(row));
    this.element.dataset.picture = row.picture;
  }

  backButton() {
    return make("button", { onclick: () => this.back(), disabled: !this.steps }, key("⌫"), make("span", {}, say("back")));
  }

  // What the server makes of it is shown once all that was said is known there; only how many steps stand is known before.
  async send(path, sent) {
    this.unheard += 1;
    let told = null;
    try {
      told = await send(path, sent, { onTrouble: this.desk.trouble });
    } catch (error) {
      this.desk.tell(error.message, "bad");
      told = await this.refused();
    }
    this.unheard -= 1;
    if (told.state) this.desk.become(told.state);
    if (this.unheard === 0) this.become(told);
    else this.count(told);
  }

  // The next one is shown at once; what the server says of it comes with its answer.
  #answer(said, category) {
    const { picture } = this.row;
    const unseen = said === "skipped" ? "" : unseenBecause(this.images.get(picture));
    if (unseen) return this.desk.tell(unseen);
    this.element.classList.remove("close");
    this.pass(picture, said);
    this.draw();
    this.tell([{ picture, said, category }]);
  }

  #closer() {
    if (this.row !== null) this.element.classList.toggle("close");
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
      button("y", this.rightly(row), "main", "Enter"),
      this.canBeWrong ? button("n", say("isWrong"), "", " ") : null,
      button("s", say("skip"), "", "s"),
      button("u", say("none"), "", "u"),
      this.backButton());
  }
}

function large(row) {
  const image = Object.assign(new Image(), { alt: row.name, draggable: false, src: pictureUrl(row, "large") });
  image.addEventListener("error", () => image.classList.add("gone"), { once: true });
  image.decode().catch(() => undefined);
  return image;
}
