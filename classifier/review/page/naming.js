// Grids to be named, for labelling from nothing: what looks alike gets a name once, strangers are marked, Enter confirms.

import { Cells } from "./cells.js";
import { key, make } from "./dom.js";
import { get } from "./net.js";
import { Supply } from "./supply.js";
import { count, say } from "./words.js";

const PAGE = 60;
const ENOUGH = 20;

const idOf = (grid) => (grid.category === null ? grid.look : grid.category);

export class Naming extends Cells {
  constructor(desk) {
    super(desk, "naming");
    this.grids = [];
    this.passed = new Set();
    this.confirmed = [];
    this.grid = null;
    this.name = "";
    this.marks = new Set();
  }

  async open() {
    this.loading();
    await this.#next();
  }

  press(name) {
    const category = this.desk.category(name);
    const step = this.step(name);
    if (step) this.moveTo(this.at + step);
    else if (name === "Enter") this.#enter();
    else if (name === " ") this.#mark(this.at);
    else if (name === "n") this.#field()?.focus();
    else if (name === "*") this.#markAll();
    else if (name === "u") this.#say((row) => ({ picture: row.picture, said: "none of these", category: null }));
    else if (name === "PageDown") this.#turn(1);
    else if (name === "PageUp") this.#turn(-1);
    else if (category && this.grid) this.#call(category);
    else return false;
    return true;
  }

  // More was learned: other grids may come next; the one that is looked at stays as it is.
  async reorder() {
    this.grids = (await get("/api/grids")).grids;
  }

  // What was taken back waits again in the grid where it was said.
  again() {
    const grid = this.confirmed.pop() ?? null;
    if (grid) this.passed.delete(idOf(grid));
    return this.#next(grid);
  }

  // The grids as they are by now; the wished one, or the first that was not passed by.
  async #next(wished = null) {
    this.grids = (await get("/api/grids")).grids;
    if (!this.grids.some((one) => !this.passed.has(idOf(one)))) this.passed.clear();
    const same = wished && this.grids.find((one) => idOf(one) === idOf(wished));
    return this.#show(same ?? this.grids.find((one) => !this.passed.has(idOf(one))) ?? null);
  }

  async #show(grid) {
    this.grid = grid;
    this.name = grid?.category ?? "";
    this.rows = [];
    if (grid !== null) {
      this.supply = this.#supply(grid);
      await this.supply.fill();
      this.rows = this.supply.take(PAGE);
    }
    this.marks.clear();
    this.at = 0;
    this.draw();
    scrollTo({ top: 0 });
    this.#lookAhead();
  }

  // The pictures of the grid that comes after this one are fetched while this one is looked at.
  async #lookAhead() {
    const next = this.grids.find((one) => one !== this.grid && !this.passed.has(idOf(one)));
    if (next) await this.#supply(next).fill();
  }

  #supply(grid) {
    const query = grid.category === null ? { look: grid.look } : { category: grid.category };
    return new Supply(query, { page: PAGE, size: "small", ahead: PAGE, from: "/api/grid" });
  }

  #turn(step) {
    if (this.grid === null || this.grids.length < 2) return;
    const at = this.grids.findIndex((one) => idOf(one) === idOf(this.grid));
    this.passed.add(idOf(this.grid));
    this.#show(this.grids[(at + step + this.grids.length) % this.grids.length]);
  }

  #call(name) {
    this.name = name;
    this.drawHead();
  }

  // What was typed becomes the name; a category of its own, when there is none yet.
  async #named() {
    const typed = this.#field().value.trim();
    if (typed === "") return;
    const same = this.desk.state.categories.find((one) => one.name.toLowerCase() === typed.toLowerCase());
    if (!same && !(await this.desk.makeCategory(typed))) return;
    this.#field()?.blur();
    this.#call(same?.name ?? typed);
  }

  #enter() {
    if (this.rows.length === 0) return;
    if (this.name === "") return this.#field()?.focus();
    const strange = this.grid.category === this.name ? "wrong" : null;
    this.#say((row, isMarked) => {
      if (!isMarked) return { picture: row.picture, said: "right", category: this.name };
      return strange && { picture: row.picture, said: strange, category: this.name };
    });
  }

  #say(answer) {
    const answers = this.rows.map((row, number) => answer(row, this.marks.has(number))).filter(Boolean);
    if (answers.length === 0) return this.#turn(1);
    const grid = this.grid;
    // What was marked waits in its cluster until the others were seen.
    if (this.marks.size > 0 || grid.count <= this.rows.length) this.passed.add(idOf(grid));
    this.rows = [];
    this.confirmed.push(grid);
    let refused = null;
    return this.desk.say(answers, () => { refused = this.confirmed.pop(); }).then(() => this.#next(refused));
  }

  #mark(number) {
    if (this.rows.length === 0) return;
    if (!this.marks.delete(number)) this.marks.add(number);
    this.drawCell(number);
    this.drawHead();
  }

  #markAll() {
    const all = this.marks.size < this.rows.length;
    this.marks = new Set(all ? this.rows.keys() : []);
    this.rows.forEach((_, number) => this.drawCell(number));
    this.drawHead();
  }

  #field() {
    return this.head.querySelector("input");
  }

  cell(row, number) {
    return make("button", { class: "cell", tabindex: "-1", title: row.name, "data-picture": row.picture,
      onclick: () => { this.moveTo(number); this.#mark(number); } },
      this.supply.image(row), make("span", { class: "mark" }));
  }

  drawHead() {
    const left = this.rows.length - this.marks.size;
    const hint = this.grid.category === null ? say("nameHint") : say("takenHint", this.grid.category);
    this.head.replaceChildren(
      make("div", { class: "name-row" },
        this.#nameField(),
        make("button", { class: "main", onclick: () => this.press("Enter"), disabled: this.name === "" || left === 0 }, key("⏎"),
          make("span", {}, this.name === "" ? say("confirm", count(left)) : say("areAll", count(left), this.name))),
        make("button", { onclick: () => this.press("PageDown"), disabled: this.grids.length < 2 }, key("PgDn"), make("span", {}, say("nextGrid"))),
        make("button", { onclick: () => this.desk.back(), disabled: this.desk.state.steps === 0 }, key("⌫"), make("span", {}, say("back")))),
      this.#chips(),
      make("p", { class: "quiet" }, `${hint} ${this.#advice()}`));
  }

  #nameField() {
    const names = make("datalist", { id: "category-names" }, ...this.desk.state.categories.map(({ name }) => make("option", { value: name })));
    const field = make("input", { type: "text", value: this.name, placeholder: say("whatAreThese"), "aria-label": say("whatAreThese"),
      list: "category-names", autocomplete: "off", spellcheck: "false", maxlength: "80", disabled: this.grid.category !== null,
      onkeydown: (event) => {
        event.stopPropagation();
        if (event.isComposing) return;
        if (event.key === "Enter") this.#named();
        if (event.key === "Escape") { field.value = this.name; field.blur(); }
      },
      onchange: () => { if (document.activeElement !== field) this.#named(); } });
    return make("label", { class: "name-field" }, key("n"), field, names);
  }

  // Every category with its key and how many labels it has; pressed, it is the grid's name.
  #chips() {
    return make("div", { class: "buttons" }, ...this.desk.state.categories.map(({ name, key: letter, said }) =>
      make("button", { class: name === this.name ? "guess" : "", disabled: this.grid.category !== null, onclick: () => this.#call(name) },
        letter ? key(letter) : null, make("span", {}, name), make("span", { class: "number" }, count(said)))));
  }

  // What would help most next.
  #advice() {
    const poorest = this.desk.state.categories.reduce((least, one) => (least === null || one.said < least.said ? one : least), null);
    if (this.desk.state.categories.length < 2) return say("adviceTwo");
    return poorest.said < ENOUGH ? say("adviceMore", poorest.name, count(poorest.said)) : say("adviceTrain");
  }

  drawCell(number) {
    this.show(number, this.marks.has(number) ? say("stranger") : "");
  }
}
