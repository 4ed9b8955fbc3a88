// Filing what was decided: the question before, and what came of it.

import { sendFile } from "./api.js";
import { cancelButton, closeButton, closeDialog, notify, openDialog } from "./dialogs.js";
import { button, make, muted } from "./dom.js";
import { base } from "./http.js";
import { _, count_, inLanguage } from "./i18n.js";

const MIN_LABELS = 2; // of each of two categories, for a model to be trained

export const fileLabel = (count) => _("File {count}", { count });

const trainingTitle = () => (base ? _("These labels are ready to train on") : _("These labels become a model with"));

// The command that trains; where the page was opened from the home page, below the button that goes on there.
const trainingCommand = (command) => (base ? [muted(_("In a terminal, this does the same:")), make("code", {}, command)] : [make("code", {}, command)]);

const trainingButton = (attributes = {}) =>
  (base ? button(_("Go on to Train"), () => { location.href = "../#train"; }, { class: "primary go-train", ...attributes }) : null);

export const canTrain = ({ categories }) => categories.filter(({ labelCount }) => labelCount >= MIN_LABELS).length >= 2;

// What an empty queue of labeling says of training.
export const trainingLines = (command) => [make("p", {}, trainingTitle()), trainingButton(), ...trainingCommand(command)];

export const notFiledText = (error) => _("Not filed: {error}. Your decisions are kept, and the next sort files them too.", { error });

// The files that could not be moved, to put after what was done: how many, the first by name, and why.
export function skippedText(files) {
  if (files.length === 0) return "";
  const names = files.slice(0, 3).map(({ name }) => name).join(", ") + (files.length > 3 ? ", …" : "");
  const reason = inLanguage(files[0].reason);
  return _(" · not moved, and where they were: {count} ({names}): {reason}", { count: files.length, names, reason });
}

export function askToFile(app) {
  const count = app.state.toFile;
  if (count === 0) return notify(_("No decision waits to be filed"));
  return openDialog(count_("File {count} decision?", "File {count} decisions?", { count }),
    make("p", {}, whatFilingDoes(app.state)),
    button(fileLabel(count), () => file(app), { shortcut: "⏎", class: "primary", autofocus: true }), cancelButton());
}

function whatFilingDoes({ takesOriginals, undoCommand: command }) {
  return takesOriginals ? _("The pictures move to their folders, as one run. {command} takes it back.", { command })
    : _("They go to their folders in this library, as one run; the unsorted pictures stay where they are. {command} takes it back.", { command });
}

async function file(app) {
  closeDialog();
  notify(_("Filing…"));
  try {
    const { run, moved, skipped, state } = await sendFile();
    app.update(state);
    const done = run === null ? _("All of it is filed") : count_("Run {run}: {count} picture was filed; {command} takes it back",
      "Run {run}: {count} pictures were filed; {command} takes it back", { run, count: moved, command: app.state.undoCommand });
    notify(done + skippedText(skipped), skipped.length ? "bad" : "good");
    app.view.filesChanged?.();
  } catch (error) {
    notify(notFiledText(error.message), "bad");
  }
  if (app.state.isLabeling) offerTraining(app);
  app.redrawIfEmpty();
}

// Offers to train a model, once two categories have some labels.
function offerTraining({ state }) {
  if (!canTrain(state)) return;
  const buttons = [trainingButton({ autofocus: true }), closeButton({ autofocus: !base })].filter(Boolean);
  openDialog(trainingTitle(), make("div", { class: "form" }, ...trainingCommand(state.trainCommand)), ...buttons);
}
