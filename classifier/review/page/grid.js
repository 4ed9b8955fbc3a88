// Sixty pictures that the model takes for one category: mark what is not, confirm the rest.

import { Cells } from "./cells.js";
import { key, make } from "./dom.js";
import { Supply } from "./supply.js";
import { count, reasonOf, say } from "./words.js";

const PAGE = 60;

export class Grid extends Cells {
  constructor(desk, query) {
    super(desk);
    this.query = query;
    this.supply = new Supply({ ...query, grid: "1" }, { page: PAGE, size: "small", ahead: PAGE });
    this.marks = [];
  }

  async open() {
    this.loading();
    await this.supply.fill();
    this.#next();
  }

  reorder(change) {
    this.supply.reorder(change);
  }

  press(name) {
    const category = this.desk.category(name);
    const step = this.step(name);
    if (step) this.moveTo(this.at + step);
    else if (name === "Enter") this.#confirm();
    else if (name === " ") this.#mark(this.at, { said: "wrong", category: this.query.category });
    else if (name === "u") this.#mark(this.at, { said: "none of these", category: null });
    else if (name === "s") this.#mark(this.at, { said: "skipped", category: null });
    else if (category) this.#mark(this.at, category === this.query.category ? null : { said: "right", category });
    else return false;
    return true;
  }

  again(rows) {
    const { tray, category } = rows[0];
    if (category !== this.query.category || tray !== this.query.tray) return this.desk.show({ tray, category });
    this.supply.putBack([...rows, ...this.rows]);
    return this.#next();
  }

  async #next() {
    if (this.supply.rows.length === 0) await this.supply.fill();
    this.rows = this.supply.take(PAGE);
    this.marks = this.rows.map(() => null);
    this.at = 0;
    if (this.rows.length === 0 && this.desk.advance()) return;
    this.draw();
    scrollTo({ top: 0 });
  }

  #confirm() {
    const rows = this.rows;
    if (rows.length === 0) return;
    const answers = rows.map((row, number) =>
      ({ picture: row.picture, ...(this.marks[number] ?? { said: "right", category: this.query.category }) }));
    for (const row of rows) this.supply.forget(row);
    this.desk.say(answers, () => this.again(rows));
    this.rows = [];
    this.#next();
  }

  #mark(number, mark) {
    const same = JSON.stringify(this.marks[number]) === JSON.stringify(mark);
    this.marks[number] = same ? null : mark;
    this.drawCell(number);
    this.drawHead();
  }

  cell(row, number) {
    return make("button", { class: "cell", title: `${row.name}\n${reasonOf(row)}`, "data-picture": row.picture,
      onclick: () => { this.moveTo(number); this.#mark(number, { said: "wrong", category: this.query.category }); } },
      this.supply.image(row), make("span", { class: "mark" }));
  }

  drawHead() {
    const left = this.marks.filter((mark) => mark === null).length;
    this.head.replaceChildren(
      make("p", {}, say("gridHint", this.query.category)),
      make("div", { class: "actions" },
        make("button", { class: "main", onclick: () => this.press("Enter") }, key("⏎"), make("span", {}, say("confirm", count(left)))),
        make("button", { onclick: () => this.desk.back(), disabled: this.desk.state.steps === 0 }, key("⌫"), make("span", {}, say("back")))));
  }

  drawCell(number) {
    const mark = this.marks[number];
    const words = { wrong: say("wrong"), skipped: say("skip"), "none of these": say("none") };
    this.show(number, mark === null ? "" : words[mark.said] ?? `→ ${mark.category}`);
  }
}
