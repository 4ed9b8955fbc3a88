// Label issues: labels that the model finds likely wrong. An answer overrides the label when the model is trained again.

import { fetchIssueNeighbors, fetchLabelIssues, sendIssueAnswers, sendIssueUndo } from "./api.js";
import { button, make, muted } from "./dom.js";
import { fileButtons } from "./file_buttons.js";
import { _, formatPercent } from "./i18n.js";
import { COSINE, neighborEntry } from "./similar.js";
import { SingleItem } from "./single_item.js";

const AHEAD = 2; // images whose neighbors are looked up, the shown one included

export class LabelIssues extends SingleItem {
  constructor(app) {
    super(app, "label-issues");
    this.issues = null;
    this.skipped = new Set(); // shown again when the view is opened again
    this.compared = new Map(); // image id -> a list of neighbors for each of the two categories, filled when they come
  }

  async open() {
    this.drawLoading();
    this.update({ issues: await fetchLabelIssues() });
  }

  get item() {
    return this.#open()[0] ?? null;
  }

  #open() {
    return this.issues?.items.filter(({ id }) => !this.skipped.has(id)) ?? [];
  }

  get steps() {
    return this.issues.steps;
  }

  remove(id, answer) {
    if (answer === "skipped") this.skipped.add(id);
    else this.issues.left -= 1;
    this.issues.items = this.issues.items.filter((one) => one.id !== id);
  }

  send(answers) {
    return sendIssueAnswers(answers);
  }

  undo() {
    this.skipped.clear();
    return this.follow(sendIssueUndo(() => this.steps));
  }

  async reload() {
    this.skipped.clear();
    return { issues: await fetchLabelIssues().catch(() => this.issues) };
  }

  updateSteps({ issues }) {
    this.issues.steps = issues.steps;
  }

  update({ issues }) {
    this.issues = issues;
    this.app.updateLabelIssues(issues);
    this.keepImages(issues.items);
    // An answer may have changed the label of a neighbor.
    for (const id of this.compared.keys()) if (id !== this.item?.id) this.compared.delete(id);
    this.draw();
    this.#open().slice(0, AHEAD).forEach((item) => this.#comparison(item));
  }

  question(item) {
    const { category, likely, confidence, name } = item;
    const { left, total } = this.issues;
    return make("div", { class: "details" },
      make("h1", {}, _("Labeled {category}; the model takes it for {likely}", { category, likely })),
      muted(_("{share} likely to be {likely}, by a model that did not learn this label", { share: formatPercent(confidence), likely })),
      muted(_("{left} of {total} left", { left, total })),
      make("p", { class: "muted reason" }, name, " ", fileButtons(item)),
      ...this.#comparison(item).flatMap((list, place) =>
        [make("h2", { title: COSINE() }, _("Nearest labeled {category}, and how alike", { category: [category, likely][place] })), list]));
  }

  // The labeled images nearest to this one, of its own category and of the likely one.
  #comparison({ id }) {
    if (!this.compared.has(id)) {
      const lists = [0, 1].map(() => make("ol", { class: "neighbors large" }));
      this.compared.set(id, lists);
      fetchIssueNeighbors(id).then((found) => found.forEach((neighbors, place) => lists[place].replaceChildren(
        ...(neighbors.length ? neighbors.map(neighborEntry) : [make("li", { class: "muted" }, _("None"))]))), () => this.compared.delete(id));
    }
    return this.compared.get(id);
  }

  rightLabel({ category }) {
    return _("Right: it is {category}", { category });
  }

  outcome() {
    const { left, steps, option } = this.issues;
    const askAgain = () => { this.skipped.clear(); this.draw(); };
    return make("div", { class: "message" },
      make("p", { class: "headline" }, left ? _("Skipped: {count}", { count: left }) : _("No doubtful label is left.")),
      steps ? make("p", {}, _("Your answers override the labels when you train again with")) : null,
      steps ? make("code", {}, option) : null,
      make("div", { class: "actions" }, left ? button(_("Look at them again"), askAgain, { class: "primary" }) : null, this.undoButton()));
  }
}
