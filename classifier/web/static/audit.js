// The audit: a random sample of filed images is judged right or wrong, and a bound on the error rate follows.

import { fetchAudit, sendAuditAnswers, sendAuditBegin, sendAuditFile, sendAuditUndo } from "./api.js";
import { notify } from "./dialogs.js";
import { button, make, muted } from "./dom.js";
import { fileButtons } from "./file_buttons.js";
import { skippedText } from "./filing.js";
import { _, count_, formatNumber, inLanguage } from "./i18n.js";
import { SingleItem } from "./single_item.js";

export class Audit extends SingleItem {
  canBeWrong = true;

  constructor(app) {
    super(app, "audit");
    this.audit = null;
  }

  async open() {
    this.drawLoading();
    this.update(await fetchAudit());
  }

  get item() {
    return this.audit?.items[0] ?? null;
  }

  get steps() {
    return this.audit.steps;
  }

  remove() {
    this.audit.items.shift();
  }

  send(answers) {
    return sendAuditAnswers(answers, () => this.steps);
  }

  undo() {
    return this.follow(sendAuditUndo(() => this.steps));
  }

  reload() {
    return fetchAudit();
  }

  updateSteps({ audit }) {
    this.audit.steps = audit.steps;
  }

  update({ audit, filing }) {
    this.audit = audit;
    this.keepImages(audit.items);
    if (filing) {
      const { run, moved, skipped } = filing;
      const text = count_("Run {run}: {count} picture went to _review; {command} takes it back",
        "Run {run}: {count} pictures went to _review; {command} takes it back", { run, count: moved, command: this.app.state.undoCommand });
      notify(text + skippedText(skipped), skipped.length ? "bad" : "good");
    }
    this.draw();
  }

  question(item) {
    const { judged, drawn, until } = this.audit;
    const number = Math.min(judged + 1, drawn);
    return make("div", { class: "details" },
      make("h1", {}, _("{category}: right?", { category: item.category })),
      muted(until ? formatNumber(number) : _("{number} of {total}", { number, total: drawn })),
      make("p", { class: "bound" }, this.#boundText()),
      until && judged ? make("p", {}, this.#untilText()) : null,
      make("h2", {}, _("Why it is filed there")),
      make("p", { class: "reason" }, inLanguage(item.reason)),
      make("p", { class: "muted reason" }, item.name, " ", fileButtons(item)),
      ...this.#offer());
  }

  rightLabel() {
    return _("Right");
  }

  #boundText() {
    const { judged, wrong, skipped, atMost, number, confidence, telling, source } = this.audit;
    if (!atMost && judged) return _("{wrong} of {judged} wrong so far; from {telling} on it says how many of all can be", { wrong, judged, telling });
    if (!atMost) return _("No conclusion yet");
    const bound = _("At most {at_most} wrong, 95% confidence; {wrong} of {judged}", { at_most: atMost, wrong, judged });
    const passed = skipped ? _(", and {count} skipped, counted as wrong", { count: skipped }) : "";
    if (number === 1) return bound + passed;
    return bound + passed + (source
      ? _(" · audit {number} of these decisions, so judged at {confidence}", { number, confidence })
      : _(" · audit {number} of this sort, so judged at {confidence}", { number, confidence }));
  }

  // Of an audit that goes on until an error rate is shown: whether it is, or how many more it takes.
  #untilText() {
    const { until: rate, isShown, isFinished, leftAtThisRate: count, drawn } = this.audit;
    if (isShown) return _("Shown: at most {rate}", { rate });
    if (isFinished) return _("At most {rate} can no longer be shown by the {drawn} pictures drawn", { rate, drawn });
    if (!count) return _("At this rate it will not be shown that at most {rate} are wrong", { rate });
    return _("About {count} more at this rate until at most {rate} is shown", { count, rate });
  }

  // A stricter threshold that is shown to keep the rate, while the audit that can be ended at any time goes on.
  #offer() {
    const { target, offer, source } = this.audit;
    if (!offer || source) return [];
    return [muted(_("{threshold} would keep {target}: {kept} of {filed} stay filed.", { target, ...offer })), this.#thresholdButton()];
  }

  // Once all is answered: the bounds, whether the error rate is kept, and what can be done.
  outcome() {
    const { drawn, isFinished } = this.audit;
    if (drawn > 0 && !isFinished) return muted(_("Loading…"));
    return make("div", { class: "message" }, ...this.#summary(), ...this.#verdict(), ...this.#refileButtons(), this.#newSample(), this.#categoryBounds());
  }

  #summary() {
    const { drawn, filed, earlier, source } = this.audit;
    if (drawn === 0) {
      return [
        make("p", { class: "headline" }, _("How many of the filed pictures are wrong?")),
        source && make("p", {}, _("The last audit, of {date}, is of what the answers at {source} file, and something was filed or moved here since.", { date: earlier, source })),
        earlier && !source ? make("p", {}, _("The last audit, of {date}, is of an earlier sorting: something was filed or moved since. Begin another.", { date: earlier })) : null,
        source ? null : make("p", {}, _("An audit draws a random sample of the filed pictures and asks whether each is right. It shows how many of all can be wrong at most.")),
      ];
    }
    return [
      make("p", { class: "headline" }, source
        ? count_("Of {count} picture filed by the answers at {source}:", "Of {count} pictures filed by the answers at {source}:", { count: filed, source })
        : count_("Of {count} filed picture:", "Of {count} filed pictures:", { count: filed })),
      make("p", { class: "bound" }, this.#boundText()),
      this.audit.until && make("p", {}, this.#untilText()),
    ];
  }

  // Whether the error rate that was asked for is shown to be kept.
  #verdict() {
    const { target, isKept, offer, isGuaranteed, source } = this.audit;
    const lines = [];
    if (!isGuaranteed && isKept !== true && !source) {
      lines.push(_("The last sort gave no guarantee of its error rate: it filed by the model's own estimate. An audit of {count} pictures, none wrong, is one.", { count: this.#sampleSize }));
    }
    if (isKept === true) lines.push(_("{target} is kept.", { target }));
    if (isKept === false && offer && source) lines.push(_("That {target} is kept is not shown; {threshold} would keep it: {kept} of {filed} stay filed: of what is decided to be filed (action is file), take what has confidence >= {threshold}.", { target, ...offer }));
    else if (isKept === false && offer) lines.push(_("That {target} is kept is not shown; {threshold} would keep it: {kept} of {filed} stay filed.", { target, ...offer }));
    if (isKept === false && !offer && this.audit.until) lines.push(_("No threshold is shown to keep {target} either.", { target }));
    else if (isKept === false && !offer) lines.push(_("That {target} is kept is not shown, and no threshold is shown to keep it either: a larger sample may.", { target }));
    return lines.map((text) => make("p", {}, text));
  }

  #refileButtons() {
    const { offer, misfiled, source } = this.audit;
    return [
      offer && !source ? this.#thresholdButton({ class: "primary" }) : null,
      misfiled ? button(_("Put the {count} judged wrong into _review", { count: misfiled }), () => this.follow(sendAuditFile())) : null,
    ];
  }

  #thresholdButton(attributes = {}) {
    return button(_("Put what is below {threshold} into _review", this.audit.offer), () => this.follow(sendAuditFile({ by_threshold: true })), attributes);
  }

  get #sampleSize() {
    const { drawn, suggestedCount, usualCount } = this.audit;
    return drawn ? suggestedCount : usualCount;
  }

  #newSample() {
    const { drawn, offer, filedNow, usualCount, rate, rateText, source, again } = this.audit;
    if (source) {
      return make("div", {}, make("p", { class: "muted" }, _("{command} draws another sample", { command: again })),
        drawn ? make("div", { class: "actions" }, this.undoButton()) : null);
    }
    const field = make("input", { type: "number", min: 1, max: 100000, value: String(this.#sampleSize), "aria-label": _("How many to draw") });
    const begin = () => this.follow(sendAuditBegin({ count: Math.max(1, Number.parseInt(field.value, 10) || usualCount) }));
    const beginUntil = button(_("Audit until at most {rate} is shown", { rate: rateText }), () => this.follow(sendAuditBegin({ until: rate })));
    return make("div", { class: "actions" }, field, make("span", { class: "muted" }, _("of {count} filed", { count: filedNow })),
      button(drawn ? _("Draw a new sample") : _("Begin an audit"), begin, { class: offer ? "" : "primary" }), this.audit.until ? null : beginUntil, drawn ? this.undoButton() : null);
  }

  #categoryBounds() {
    const { categories } = this.audit;
    if (!categories?.length) return null;
    const row = (tag, texts) => make("tr", {}, ...texts.map((text) => make(tag, {}, text)));
    return make("table", { class: "bounds" },
      row("th", [_("Category"), _("Filed"), _("Judged"), _("Wrong"), _("At most wrong")]),
      ...categories.map(({ name, filed, judged, wrong, atMost }) => row("td", [name, ...[filed, judged, wrong].map(formatNumber), atMost])));
  }
}
