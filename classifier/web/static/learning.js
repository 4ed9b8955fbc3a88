// The learner beside the page: its status is polled and shown in a line, and a new ranking reorders what comes next.

import { fetchState, sendFileLearned } from "./api.js";
import { cancelButton, closeDialog, notify, openDialog } from "./dialogs.js";
import { button, make } from "./dom.js";
import { notFiledText } from "./filing.js";
import { _, count_, formatPercent, inLanguage } from "./i18n.js";

const POLL_MS = 3000;
const IDLE_POLL_MS = 15000; // while nothing is learned, until a sort brings a model
const line = document.getElementById("learning");

export class LearningStatus {
  constructor(app) {
    this.app = app;
    this.ranking = 0; // the number of the newest one that the page knows
    this.outcome = null; // the number of the last filing that was reported
  }

  // Polls from now on, unless nothing is ever learned here.
  async watch() {
    for (let state = this.app.state; ; state = await this.#poll()) {
      if (state) this.#update(state);
      const { status } = this.app.state.learning;
      if (status === "none") return;
      await new Promise((resolve) => setTimeout(resolve, status === "cannot" ? IDLE_POLL_MS : POLL_MS));
    }
  }

  draw() {
    const { status } = this.app.state.learning;
    const text = this.#text();
    line.hidden = text === "";
    line.className = ["cannot", "trouble"].includes(status) ? "muted" : "";
    line.replaceChildren(make("span", {}, text));
    if (this.#canFile() && this.app.state.ranking.fileable > 0) line.append(button(_("File them"), () => this.askToFile(), { shortcut: "⇧F" }));
    if (status === "learning") line.append(make("span", { class: "muted" }, _("learning…")));
  }

  // Asks whether to sort again with what was learned.
  askToFile() {
    if (!this.#canFile()) return;
    const { rule, fileable: count } = this.app.state.ranking;
    const title = count_("Sort again with what was learned? About {count} more picture would be filed.",
      "Sort again with what was learned? About {count} more pictures would be filed.", { count });
    const consequences = _("Every folder that this model sorted is sorted again, by what is known of its pictures; your decisions stand. A picture that was filed before may move where the model now thinks otherwise. One run a folder; {command} takes it back.", { command: this.app.state.undoCommand });
    openDialog(title, make("div", {}, make("p", {}, strictnessText(rule)), make("p", {}, consequences)),
      button(_("File them"), () => this.#file(), { shortcut: "⏎", class: "primary", autofocus: true }), cancelButton());
  }

  async #file() {
    closeDialog();
    try {
      this.#update(await sendFileLearned());
    } catch (error) {
      notify(notFiledText(error.message), "bad");
    }
  }

  #canFile() {
    const { learning, ranking } = this.app.state;
    return learning.status === "ready" && ranking.answers > 0;
  }

  async #poll() {
    if (document.hidden) return null;
    return fetchState().catch(() => null); // the next answer reports what is wrong
  }

  #update(state) {
    const { number } = state.ranking;
    const before = this.ranking;
    this.ranking = number;
    this.app.update(state);
    this.draw();
    this.#report(state.learning.outcome);
    if (before === 0 && number !== 0) this.app.useFirstRanking();
    if (before !== 0 && number !== before) this.app.view.reorder();
  }

  // Notifies of a filing that ended while the page was open.
  #report(outcome) {
    if (!outcome || outcome.number === this.outcome) return;
    const isFirst = this.outcome === null;
    this.outcome = outcome.number;
    if (isFirst) return;
    if (outcome.notFiled) notify(notFiledText(inLanguage(outcome.notFiled)), "bad");
    else notify(filedText(outcome.filed, this.app.state.undoCommand), "good");
    this.app.show({});
  }

  #text() {
    const { learning: { status, reason, done, total }, ranking } = this.app.state;
    if (status === "cannot") return _("Nothing is learned here: {reason}", { reason: inLanguage(reason) });
    if (status === "trouble") return _("Learning does not go on: {reason}. Your decisions are still saved.", { reason: inLanguage(reason) });
    if (status === "filing" && total) return _("Sorting again with what was learned… {done} / {total}", { done, total });
    if (status === "filing" && done) return _("Sorting again with what was learned… {done}", { done });
    if (status === "filing") return _("Sorting again with what was learned: the head is fitted and saved first…");
    if (status === "starting" && this.app.state.isLabeling) return ""; // the grid says what learning waits for
    if (status === "starting") return _("The model learns from your decisions while you go on; this starts in a moment.");
    const learned = ranking.number && ranking.share !== undefined ? rankingText(ranking) : "";
    // The line stays while anything is learned: a picture does not jump under the eyes.
    return learned || (["learning", "ready"].includes(status) ? _("The model learns from your decisions while you go on.") : "");
  }
}

// What the answers changed; empty while nothing has changed.
function rankingText({ rule, share: [before, after], fileable, answers, newAnswers }) {
  if (answers === 0) return "";
  const isFirst = newAnswers <= 0;
  const params = { count: isFirst ? answers : newAnswers, rule: ruleText(rule), before: formatPercent(before), after: formatPercent(after) };
  const change = isFirst
    ? count_("{count} answer learned: {after} of all pictures could be filed {rule}", "{count} answers learned: {after} of all pictures could be filed {rule}", params)
    : count_("+{count} answer: of all pictures could be filed {rule}: {before} → {after}", "+{count} answers: of all pictures could be filed {rule}: {before} → {after}", params);
  return change + count_("; {count} picture could be filed now", "; {count} pictures could be filed now", { count: fileable });
}

// A threshold in three digits; in all of them where three would round it to 1.
const formatThreshold = (share) => (share < 0.9995 ? Number(share.toFixed(3)) : share);

const estimateText = (maxError) => _("at most {rate} wrong asked, an estimate, no guarantee", { rate: formatPercent(maxError) });

function ruleText({ max_error: maxError, threshold, promised }) {
  if (maxError === null) return _("at threshold {threshold}", { threshold: String(formatThreshold(threshold)) });
  return promised ? _("at {rate} error (estimated)", { rate: formatPercent(maxError) }) : estimateText(maxError);
}

function strictnessText({ max_error: maxError, threshold, promised }) {
  if (maxError === null) return _("As last time, what is at least {threshold} sure is filed.", { threshold: String(formatThreshold(threshold)) });
  const rate = formatPercent(maxError);
  return promised
    ? _("The error rate of {rate} is guaranteed anew where the labels drawn by chance are enough; else the model's own estimate decides.", { rate })
    : _("At most {rate} wrong asked, an estimate, no guarantee: the labels were picked, not drawn by chance, or this network has learned from them. The audit gives a guarantee.", { rate });
}

// How many are filed, and whether their error rate is only an estimate.
function filedText({ filed, strictness: { guaranteed, max_error: maxError } }, command) {
  const text = count_("Sorted again: {count} more picture is filed; {command} takes it back",
    "Sorted again: {count} more pictures are filed; {command} takes it back", { count: filed, command });
  return guaranteed === false ? _("{text}; {estimate}", { text, estimate: estimateText(maxError) }) : text;
}
