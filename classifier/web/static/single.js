// One picture at a time, large, with the best guesses and a key for each category.

import { key, make } from "./dom.js";
import { Near } from "./similar.js";
import { unseenBecause } from "./visibility.js";
import { Supply } from "./prefetch.js";
import { count, percent, reasonOf, say, whyOf } from "./i18n.js";

export class Single {
  constructor(desk, query) {
    this.desk = desk;
    this.supply = new Supply(query, { page: 30, size: "large", ahead: 5 });
    this.near = new Near(desk, () => this.#drawAccept());
    this.row = null;
    this.accept = make("span");
    this.backButton = make("button", { onclick: () => desk.back() });
    this.stage = make("div", { class: "stage", onclick: () => this.closer() });
    this.side = make("div", { class: "side" });
    this.element = make("section", { class: "single" }, this.stage, this.side);
  }

  async open() {
    this.stage.replaceChildren(make("p", { class: "quiet" }, say("loading")));
    await Promise.all([this.supply.fill(), this.near.begin()]);
    this.#next();
  }

  reorder(change) {
    this.supply.reorder(change);
  }

  press(name) {
    const category = this.desk.category(name);
    if (name === "Enter" && this.row?.category) this.#decide("right", this.row.category);
    else if (name === "n") this.#newCategory();
    else if (name === "s") this.#decide("skipped", null);
    else if (name === "u") this.#decide("none of these", null);
    else if (name === "z") this.closer();
    else if (name === "=" || name === "+") this.near.toggle();
    else if (category) this.#decide("right", category);
    else return false;
    return true;
  }

  get keys() {
    return [["⏎", "kAccept"], ["n", "kNewHere"], ["s", "kSkip"], ["u", "kNone"], ["=", "kTogether"], ["z", "closer"]];
  }

  // Named, it is a category, and what is shown is put into it.
  #newCategory() {
    if (this.row === null) return;
    const others = this.near.together().length;
    this.desk.newCategory(others ? say("newHereTogether", count(others + 1)) : say("newHere"), (made) => this.#decide("right", made));
  }

  again(rows) {
    const shown = this.row ? [this.row] : [];
    this.near.again(rows);
    this.supply.putBack([...rows, ...shown]);
    this.#next();
  }

  closer() {
    this.element.classList.toggle("close");
  }

  async #next() {
    if (this.supply.rows.length === 0) await this.supply.fill();
    [this.row = null] = this.supply.take(1);
    this.draw();
    this.near.expect(this.supply.rows);
  }

  // Said of the shown picture, and of those that nearly repeat it where they are answered together: one step.
  #decide(said, category) {
    if (this.row === null) return;
    const unseen = said === "skipped" ? "" : unseenBecause(this.supply.image(this.row));
    if (unseen) return this.desk.tell(unseen);
    const rows = [this.row, ...this.near.together(category)];
    this.element.classList.remove("close");
    this.supply.drop(rows);
    this.near.decided(rows);
    const answers = rows.map(({ picture }) => ({ picture, said, category }));
    this.desk.say(answers, () => this.again(rows)).then(() => this.#drawBack());
    this.#next();
  }

  draw() {
    const row = this.row;
    this.near.show(row);
    this.element.classList.toggle("empty", row === null);
    if (row === null) {
      this.stage.replaceChildren(this.desk.clear());
      this.side.replaceChildren();
      return;
    }
    const image = this.supply.image(row);
    this.stage.replaceChildren(image, make("p", { class: "gone-note" }, say("gone")));
    this.side.replaceChildren(...[this.#what(row), this.near.labels(), this.#guesses(row), this.#categories(row), this.#actions(row)].filter(Boolean));
    this.element.dataset.picture = row.picture;
  }

  #what(row) {
    return make("div", { class: "what" },
      make("h1", { title: row.name }, row.name),
      make("p", { class: "quiet" }, `${row.width} × ${row.height}`),
      make("h2", {}, whyOf(row)),
      make("p", { class: "reason" }, reasonOf(row)));
  }

  #guesses(row) {
    if (row.guesses.length === 0) return row.category ? make("p", { class: "quiet" }, say("noGuesses")) : null;
    const lines = row.guesses.map(([category, share]) => {
      const fill = make("meter", { min: 0, max: 1 });
      fill.value = share;
      return make("li", {}, make("span", { class: "name" }, category), fill, make("span", { class: "share" }, percent(share)));
    });
    return make("div", { class: "guesses" }, make("h2", {}, say("guesses")), make("ol", {}, ...lines));
  }

  #categories(row) {
    const buttons = this.desk.state.categories.map(({ name, key: letter }) =>
      make("button", { class: name === row.category ? "guess" : "", onclick: () => this.#decide("right", name) },
        letter ? key(letter) : null, make("span", {}, name)));
    buttons.push(make("button", { class: "plain", onclick: () => this.press("n") }, key("n"), make("span", {}, say("newForThis"))));
    return make("div", { class: "categories" }, make("h2", {}, say("allCategories")), make("div", { class: "buttons" }, ...buttons));
  }

  #actions(row) {
    const button = (letter, text, kind, press) => make("button", { class: kind, onclick: () => this.press(press) }, key(letter), make("span", {}, text));
    this.#drawAccept();
    this.#drawBack();
    return make("div", { class: "actions" }, this.near.repeats,
      row.category ? make("button", { class: "main", onclick: () => this.press("Enter") }, key("⏎"), this.accept) : null,
      button("s", say("skip"), "", "s"),
      button("u", say("none"), "", "u"),
      this.backButton);
  }

  #drawBack() {
    this.backButton.replaceChildren(key("⌫"), make("span", {}, say("back")));
    this.backButton.disabled = this.desk.state.steps === 0;
  }

  #drawAccept() {
    const others = this.near.together().length;
    this.accept.textContent = `${say("accept")}: ${this.row?.category}${others ? ` × ${count(others + 1)}` : ""}`;
  }
}
