// Sixty pictures that the model takes for one category: mark what is not, confirm the rest.

import { Cells } from "./thumbnails.js";
import { key, make } from "./dom.js";
import { Supply } from "./prefetch.js";
import { count, reasonOf, say, whyOf } from "./i18n.js";

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
    else if (name === " ") this.#mark(this.at, this.#wrong);
    else if (name === "*") this.#markAll();
    else if (name === "u") this.#mark(this.at, { said: "none of these", category: null });
    else if (name === "s") this.#mark(this.at, { said: "skipped", category: null });
    else if (category) this.#mark(this.at, category === this.query.category ? null : { said: "right", category });
    else return false;
    return true;
  }

  get keys() {
    return [["⏎", "kConfirm"], ["← ↑ ↓ →", "kMove"], ["␣", "kMark"], ["*", "kMarkAll"], ["u", "kNone"], ["s", "kSkip"], ["PgUp PgDn", "kNextCategory"]];
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
    this.toTop();
  }

  // What was seen, or marked, is answered; what was not seen comes next, before all others.
  #confirm() {
    if (this.rows.length === 0) return;
    const parts = this.divided();
    if (!this.mayAnswer(parts)) return;
    const rows = parts.answered.map((number) => this.rows[number]);
    const answers = parts.answered.map((number) =>
      ({ picture: this.rows[number].picture, ...(this.marks[number] ?? { said: "right", category: this.query.category }) }));
    for (const number of [...parts.answered, ...parts.gone]) this.supply.forget(this.rows[number]);
    this.supply.putBack(parts.unseen.map((number) => this.rows[number]));
    if (answers.length) this.desk.say(answers, () => this.again(rows));
    this.rows = [];
    this.#next();
  }

  get #wrong() {
    return { said: "wrong", category: this.query.category };
  }

  isMarked(number) {
    return this.marks[number] !== null;
  }

  #mark(number, mark) {
    const same = JSON.stringify(this.marks[number]) === JSON.stringify(mark);
    this.marks[number] = same ? null : mark;
    this.drawCell(number);
    this.drawConfirm();
  }

  // All that were seen; pressed again, none.
  #markAll() {
    const seen = this.divided().answered;
    const isAll = seen.every((number) => this.isMarked(number));
    for (const number of seen) {
      this.marks[number] = isAll ? null : this.#wrong;
      this.drawCell(number);
    }
    this.drawConfirm();
  }

  cell(row, number) {
    return make("button", { class: "cell", title: `${row.name}\n${whyOf(row)}: ${reasonOf(row)}`, "data-picture": row.picture,
      onclick: () => { this.moveTo(number); this.#mark(number, this.#wrong); } },
      this.supply.image(row), make("span", { class: "mark" }));
  }

  drawHead() {
    this.confirmButton.replaceChildren(key("⏎"), this.confirmText);
    this.head.replaceChildren(
      make("p", {}, say("gridHint", this.query.category)),
      this.unseenNote,
      make("div", { class: "actions" },
        this.confirmButton,
        make("button", { onclick: () => this.desk.back(), disabled: this.desk.state.steps === 0 }, key("⌫"), make("span", {}, say("back")))));
    this.drawConfirm();
  }

  confirmWords(number) {
    return say("confirm", count(number));
  }

  drawCell(number) {
    const mark = this.marks[number];
    const words = { wrong: say("wrong"), skipped: say("skip"), "none of these": say("none") };
    this.show(number, mark === null ? "" : words[mark.said] ?? `→ ${mark.category}`);
  }
}
