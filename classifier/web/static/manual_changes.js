// A line about what the person did to the library in the file manager: whether it is learned from, asked once.

import { fetchManualChanges, fetchState, sendManualChanges } from "./api.js";
import { notify } from "./dialogs.js";
import { button, make } from "./dom.js";
import { _, count_ } from "./i18n.js";

const line = document.getElementById("manual-changes");

export class ManualChangesLine {
  constructor(app) {
    this.app = app;
  }

  // Looks now, and whenever the person comes back to the page, as from the file manager.
  watch() {
    this.#look();
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
  }

  async #look() {
    const byHand = await fetchManualChanges().catch(() => null); // the next answer reports what is wrong
    if (byHand === null) return;
    this.app.state.byHand = byHand;
    this.draw();
  }

  draw() {
    const parts = partsOf(this.app.state.byHand);
    line.hidden = parts.length === 0;
    if (line.hidden) return;
    line.replaceChildren(
      make("span", {}, _("By you in the library: {changes}. Learn from that?", { changes: parts.join(_(", ")) })),
      button(_("Learn from it"), () => this.#answer(true), { class: "primary" }),
      button(_("Leave it"), () => this.#answer(false)),
    );
  }

  async #answer(isLearned) {
    for (const one of line.querySelectorAll("button")) one.disabled = true;
    try {
      this.app.update(await sendManualChanges(isLearned, this.app.state.byHand));
      notify(isLearned ? _("Learned: these pictures are labels now.") : _("Left as it is; nothing was learned from it."), "good");
    } catch (error) {
      notify(error.message, "bad");
      this.app.update(await fetchState().catch(() => this.app.state));
    }
    this.draw();
  }
}

function partsOf({ moved, added }) {
  const parts = [
    [moved, count_("{count} picture moved", "{count} pictures moved", { count: moved })],
    [added, count_("{count} picture put in", "{count} pictures put in", { count: added })],
  ];
  return parts.filter(([count]) => count > 0).map(([, text]) => text);
}
