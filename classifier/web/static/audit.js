// The audit: is this rightly filed? A random sample is judged, and a bound on the error rate follows.

import { make } from "./dom.js";
import { get } from "./api.js";
import { Question } from "./single_item.js";
import { count, reasonOf, say, stayed } from "./i18n.js";

export class Audit extends Question {
  constructor(desk) {
    super(desk, "audit");
    this.audit = null;
    this.canBeWrong = true;
  }

  async open() {
    this.loading();
    this.become(await get("/api/audit"));
  }

  get row() {
    return this.audit?.pictures[0] ?? null;
  }

  get steps() {
    return this.audit.steps;
  }

  pass() {
    this.audit.pictures.shift();
  }

  tell(answers) {
    return this.send("/api/audit/say", () => ({ answers, steps: this.steps }));
  }

  back() {
    return this.send("/api/audit/back", () => ({ steps: this.steps }));
  }

  refused() {
    return get("/api/audit");
  }

  count({ audit }) {
    this.audit.steps = audit.steps;
  }

  become({ audit, run, moved, left }) {
    this.audit = audit;
    this.keep(audit.pictures);
    if (run !== undefined) {
      this.desk.tell(say("auditFiled", run, count(moved)) + stayed(left), left.length ? "bad" : "good");
    }
    this.draw();
  }

  what(row) {
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
    const again = this.audit.number > 1 ? ` · ${say("auditAgain", count(this.audit.number), this.audit.confidence)}` : "";
    return say("auditBound", most, count(wrong), count(asked)) + (skipped ? say("auditSkipped", count(skipped)) : "") + again;
  }

  rightly() {
    return say("right");
  }

  // Once all is answered: the bounds, whether the error rate is kept, and what can be done.
  outcome() {
    const { drawn, finished, target, kept, misfiled, offer, enough, usual, there, filed, guaranteed } = this.audit;
    const lines = [];
    if (drawn === 0) lines.push(make("p", { class: "large" }, say("auditNone")), make("p", {}, say("auditWhat")));
    else if (!finished) return make("p", { class: "quiet" }, say("loading"));
    else lines.push(make("p", { class: "large" }, say("auditOf", count(filed))), make("p", { class: "bound" }, this.#bound()));
    if (!guaranteed && kept !== true) lines.push(make("p", {}, say("auditGuarantee", count(drawn ? enough : usual))));
    if (kept === true) lines.push(make("p", {}, say("auditKept", target)));
    if (kept === false) lines.push(make("p", {}, offer ? say("auditOffer", target, offer.threshold, count(offer.kept), count(offer.filed)) : say("auditMissed", target)));
    if (offer) lines.push(make("button", { class: "main", onclick: () => this.send("/api/audit/file", { by_threshold: true }) }, say("auditByThreshold", offer.threshold)));
    if (misfiled) lines.push(make("button", { onclick: () => this.send("/api/audit/file", {}) }, say("auditMisfiled", count(misfiled))));
    const number = make("input", { type: "number", min: 1, max: 100000, value: String(drawn ? enough : usual), "aria-label": say("auditCount") });
    const draw = () => this.send("/api/audit/begin", { count: Math.max(1, Number.parseInt(number.value, 10) || usual) });
    lines.push(make("div", { class: "actions" }, number, make("span", { class: "quiet" }, say("auditThere", count(there))), make("button", { class: offer ? "" : "main", onclick: draw }, say("auditDraw")), drawn ? this.backButton() : null));
    return make("div", { class: "clear" }, ...lines, this.#categories());
  }

  // The bound of each category, by itself.
  #categories() {
    const { categories } = this.audit;
    if (!categories?.length) return null;
    const head = ["which", "auditFiledHere", "auditJudged", "auditWrong", "auditAtMost"].map((name) => make("th", {}, say(name)));
    const cells = ({ name, filed, asked, wrong, at_most: most }) => [name, count(filed), count(asked), count(wrong), most];
    const rows = categories.map((one) => make("tr", {}, ...cells(one).map((text) => make("td", {}, text))));
    return make("table", { class: "bounds" }, make("tr", {}, ...head), ...rows);
  }
}
