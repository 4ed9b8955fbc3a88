// Label issues: labels that the model finds likely wrong. An answer overrides the label when the model is trained again.

import { fetchLabelIssues, sendIssueAnswers, sendIssueUndo } from "./api.js";
import { button, make, muted } from "./dom.js";
import { fileButtons } from "./file_buttons.js";
import { _ } from "./i18n.js";
import { SingleItem } from "./single_item.js";

export class LabelIssues extends SingleItem {
  constructor(app) {
    super(app, "label-issues");
    this.issues = null;
    this.skipped = new Set(); // shown again when the view is opened again
  }

  async open() {
    this.drawLoading();
    this.update({ issues: await fetchLabelIssues() });
  }

  get item() {
    return this.issues?.items.find(({ id }) => !this.skipped.has(id)) ?? null;
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
    this.draw();
  }

  question(item) {
    const { category, likely, confidence, name } = item;
    const { left, total } = this.issues;
    const rounded = (Math.floor(confidence * 100) / 100).toFixed(2);
    return make("div", { class: "details" },
      make("h1", {}, _("Labeled {category}; the model takes it for {likely} ({confidence})", { category, likely, confidence: rounded })),
      muted(_("{left} of {total} left", { left, total })),
      make("p", { class: "muted reason" }, name, " ", fileButtons(item)));
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
