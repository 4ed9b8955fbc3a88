// What a view shows when it has no image left: what waits elsewhere, and what can be done.

import { button, make, muted } from "./dom.js";
import { askToFile, canTrain, fileLabel, trainingLines } from "./filing.js";
import { allSaved, unsavedCount } from "./http.js";
import { _, count_ } from "./i18n.js";
import { hasTagFilter } from "./tag_filter.js";

// It says that nothing waits only once everything is saved.
export function emptyQueue(app) {
  if (unsavedCount()) {
    allSaved().then(() => app.redrawIfEmpty());
    return make("div", { class: "message" }, muted(_("Saving…")));
  }
  const { filter, filter: { queue, folder }, state: { skipped, isLabeling, trainCommand } } = app;
  const count = countLeft(app);
  return make("div", { class: "message" },
    make("p", { class: "headline" }, headline(app, count)),
    count ? leftActions(app) : null,
    folder === "" ? null : button(_("All folders"), () => app.show({ folder: "" })),
    hasTagFilter(filter) ? button(_("All ratings and tags"), () => app.show({ rating: "", tag: "" })) : null,
    isOneCategory(app) ? button(_("All categories"), () => app.show({ category: "" })) : null,
    skipped && queue !== "skipped"
      ? make("p", {}, count_("{count} was skipped: look under Skipped.", "{count} were skipped: look under Skipped.", { count: skipped })) : null,
    ...filingLines(app),
    isAllDecided(app, count) ? nextActions(app) : null,
    ...(isLabeling && !count && canTrain(app.state) ? trainingLines(trainCommand) : []));
}

function headline({ filter, filter: { folder } }, count) {
  if (count) return count_("{count} more waits here.", "{count} more wait here.", { count });
  if (hasTagFilter(filter)) return _("Nothing of this rating or tag waits here.");
  return folder === "" ? _("Nothing waits here.") : _("Nothing of this folder waits here.");
}

function leftActions(app) {
  return make("div", { class: "actions" },
    button(_("Look at them"), () => app.show({}), { class: "primary" }),
    app.filter.view === "grid" ? button(_("One by one"), () => app.openView("single"), { shortcut: "g" }) : null);
}

// Whether this library has nothing left to decide or to file.
const isAllDecided = ({ filter, state }, count) =>
  !state.isLabeling && count === 0 && state.toFile === 0 && filter.queue === "review" && filter.folder === "" && !hasTagFilter(filter);

function nextActions(app) {
  return make("div", { class: "actions" },
    button(_("Look at what is filed"), () => app.openQueue("filed")),
    button(_("Check a sample of it"), () => app.openQueue("audit")));
}

function filingLines(app) {
  const { toFile: count } = app.state;
  if (count === 0) return [];
  return [
    make("p", {}, count_("{count} decision waits to be filed.", "{count} decisions wait to be filed.", { count })),
    button(fileLabel(count), () => askToFile(app), { shortcut: "f", class: "primary" }),
  ];
}

const isOneCategory = ({ filter }) => filter.category !== "" && filter.view === "single";

// How many wait in this queue though none is shown; 0 for a part of it, of which that is not known.
function countLeft(app) {
  const { queue, folder, category } = app.filter;
  if (folder !== "" || queue === "skipped" || hasTagFilter(app.filter)) return 0;
  return isOneCategory(app) ? app.state.waiting[queue][category] ?? 0 : app.toolbar.countOf(queue);
}
