// What is learned beside the person: asked for every few seconds, told in a line, and what comes next is put in its order.

import { key, make } from "./dom.js";
import { get, send } from "./api.js";
import { count, inLanguage, limit, percent, say } from "./i18n.js";

const line = document.getElementById("learned");
const EVERY = 3000;

export class Learning {
  constructor(desk) {
    this.desk = desk;
    this.number = 0;
    this.told = null;
  }

  // Look at once, and then again and again as long as there is something to come.
  async watch() {
    for (let state = this.desk.state; ; state = await this.#ask()) {
      if (state) this.#become(state);
      if (["none", "cannot"].includes(this.desk.state.learning.at)) return;
      await new Promise((done) => setTimeout(done, EVERY));
    }
  }

  draw() {
    const { learning, outlook } = this.desk.state;
    const text = this.#text(learning, outlook);
    line.hidden = text === "";
    line.className = ["cannot", "trouble"].includes(learning.at) ? "quiet" : "";
    line.replaceChildren(make("span", {}, text));
    if (this.#canFile()) {
      line.append(make("button", { onclick: () => this.askToFile() }, key("⇧F"), make("span", {}, say("fileThem"))));
    }
    if (learning.at === "learning") line.append(make("span", { class: "quiet" }, say("learning")));
  }

  // Sorting again by what was learned, once the person has read what that means.
  askToFile() {
    if (!this.#canFile()) return;
    const { rule, fileable } = this.desk.state.outlook;
    const by = rule.max_error === null ? say("againByThreshold", limit(rule.threshold))
      : say(rule.promised ? "againByError" : "againByEstimate", percent(rule.max_error));
    this.desk.ask(say("fileThemTitle", count(fileable)), make("div", {}, make("p", {}, by), make("p", {}, say("fileThemBody"))),
      make("button", { class: "main", autofocus: true, onclick: () => this.#file() }, key("⏎"), make("span", {}, say("fileThem"))),
      make("button", { onclick: () => this.desk.unask() }, key("Esc"), make("span", {}, say("cancel"))));
  }

  async #file() {
    this.desk.unask();
    try {
      const answer = await send("/api/file-learned", {}, { onTrouble: () => undefined });
      this.#become(answer.state);
    } catch (error) {
      this.desk.tell(say("notFiled", error.message), "bad");
    }
  }

  #canFile() {
    const { learning, outlook } = this.desk.state;
    return learning.at === "ready" && outlook.verdicts > 0;
  }

  #told(outcome) {
    if (!outcome || outcome.number === this.told) return;
    const isNew = this.told !== null;
    this.told = outcome.number;
    if (!isNew) return;
    if (outcome.notFiled) this.desk.tell(say("notFiled", inLanguage(outcome, "notFiled")), "bad");
    else this.desk.tell(outcomeOf(outcome.filed), "good");
    this.desk.show({});
  }

  async #ask() {
    if (document.hidden) return null;
    try {
      return await get("/api/state");
    } catch {
      return null; // the next decision says what is wrong
    }
  }

  #become(state) {
    const isNew = state.outlook.number !== this.number && this.number !== 0;
    const isFirst = this.number === 0 && state.outlook.number !== 0;
    this.number = state.outlook.number;
    this.desk.become(state);
    this.draw();
    this.#told(state.learning.outcome);
    if (isFirst) this.desk.began();
    if (isNew) this.desk.view.reorder();
  }

  #text(learning, outlook) {
    if (learning.at === "cannot") return say("cannotLearn", inLanguage(learning, "why"));
    if (learning.at === "filing") {
      return say("filingLearned", learning.total ? `${count(learning.done)} / ${count(learning.total)}` : count(learning.done ?? 0));
    }
    if (learning.at === "trouble") return say("troubleLearning", inLanguage(learning, "why"));
    if (!outlook.number || outlook.share === undefined) return learning.at === "starting" ? say("startsLearning") : "";
    const { rule, share: [before, after], fileable, verdicts, new: more } = outlook;
    const by = rule.max_error === null ? say("byThreshold", limit(rule.threshold)) : say(rule.promised ? "byError" : "byEstimate", percent(rule.max_error));
    if (verdicts === 0) return ""; // nothing has come of it yet
    if (more <= 0) return say("learnedFirst", count(verdicts), by, percent(after), count(fileable));
    return say("learnedMore", count(more), by, percent(before), percent(after), count(fileable));
  }
}

// How many are filed, and where an error rate was asked for without a guarantee, that it is an estimate.
function outcomeOf({ filed, strictness: { guaranteed, max_error } }) {
  const done = say("filedLearned", count(filed));
  return guaranteed === false ? `${done}; ${say("byEstimate", percent(max_error))}` : done;
}
