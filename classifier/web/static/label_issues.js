// Labels that the model doubts: is this label right? What is said goes before the label when the model is trained again.

import { make } from "./dom.js";
import { get } from "./api.js";
import { Question } from "./single_item.js";
import { count, say } from "./i18n.js";

export const readDoubts = async () => (await get("/api/doubts")).doubts;

export class Doubts extends Question {
  constructor(desk) {
    super(desk, "doubts");
    this.doubts = null;
    this.passed = new Set();
  }

  async open() {
    this.loading();
    this.become({ doubts: await readDoubts() });
  }

  // What was skipped is asked again when one comes back to it.
  get row() {
    return this.doubts?.pictures.find(({ picture }) => !this.passed.has(picture)) ?? null;
  }

  get steps() {
    return this.doubts.steps;
  }

  pass(picture, said) {
    if (said === "skipped") this.passed.add(picture);
    else this.doubts.left -= 1;
    this.doubts.pictures = this.doubts.pictures.filter((one) => one.picture !== picture);
  }

  tell(answers) {
    return this.send("/api/doubts/say", { answers });
  }

  back() {
    this.passed.clear();
    return this.send("/api/doubts/back", () => ({ steps: this.steps }));
  }

  async refused() {
    this.passed.clear();
    return { doubts: await readDoubts().catch(() => this.doubts) };
  }

  count({ doubts }) {
    this.doubts.steps = doubts.steps;
  }

  become({ doubts }) {
    this.doubts = doubts;
    this.desk.doubt(doubts);
    this.keep(doubts.pictures);
    this.draw();
  }

  what(row) {
    const sure = (Math.floor(row.confidence * 100) / 100).toFixed(2);
    return make("div", { class: "what" },
      make("h1", {}, say("doubt", row.category, row.likely, sure)),
      make("p", { class: "quiet" }, say("doubtsLeft", count(this.doubts.left), count(this.doubts.of))),
      make("p", { class: "quiet reason" }, row.name));
  }

  rightly(row) {
    return say("doubtRight", row.category);
  }

  outcome() {
    const { left, steps, option } = this.doubts;
    const again = () => { this.passed.clear(); this.draw(); };
    return make("div", { class: "clear" },
      make("p", { class: "large" }, left ? say("doubtsSkipped", count(left)) : say("doubtsClear")),
      steps ? make("p", {}, say("doubtsThen")) : null,
      steps ? make("code", {}, option) : null,
      make("div", { class: "actions" },
        left ? make("button", { class: "main", onclick: again }, say("doubtsAgain")) : null, this.backButton()));
  }
}
