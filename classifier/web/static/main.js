// The review page: which view is shown, what a key does in every view, and the answers that are sent.

import { fetchLabelIssues, fetchState, fetchTags, sendAnswers, sendNewCategory, sendRename, sendUndo } from "./api.js";
import { Audit } from "./audit.js";
import { CategoriesDialog, hideNotification, isDialogOpen, notify, shortcutsDialog } from "./dialogs.js";
import { emptyQueue } from "./empty_queue.js";
import { Drawn, DrawnView } from "./drawn.js";
import { Filed } from "./filed.js";
import { askToFile } from "./filing.js";
import { Grid } from "./grid.js";
import { allSaved, onConnection, unsavedCount } from "./http.js";
import { _, count_, language, switchLanguage } from "./i18n.js";
import { Labeling } from "./labeling.js";
import { LabelIssues } from "./label_issues.js";
import { LearningStatus } from "./learning.js";
import { ManualChangesLine } from "./manual_changes.js";
import { SampleReading } from "./sample_reading.js";
import { Single } from "./single.js";
import { QUEUES, Toolbar } from "./toolbar.js";

const SEPARATE = { filed: Filed, audit: Audit, label_issues: LabelIssues }; // queues with a view of their own, outside all filters
const SINGLE_ONLY = ["skipped", "audit", "label_issues"];
const viewElement = document.getElementById("view");

class App {
  constructor() {
    this.state = null;
    this.view = null;
    this.filter = { view: "single", queue: "review", order: "confidence", category: "", folder: "", rating: "", tag: "" };
    this.filedFilter = { category: "", order: "newest", like: null };
    this.labelIssues = null;
    this.tags = null; // those by which the queue can be limited
    this.emptiedCategories = new Set(); // of the grid
    this.visitedGrids = new Set(); // of labeling
    this.drawn = new Drawn(this);
    this.learning = new LearningStatus(this);
    this.manualChanges = new ManualChangesLine(this);
    this.toolbar = new Toolbar(this);
    this.categories = new CategoriesDialog({
      categories: () => this.state.categories, create: (name) => this.createCategory(name), rename: (old, name) => this.#rename(old, name),
    });
  }

  async open() {
    this.state = await fetchState();
    if (this.state.ranking.number) this.filter.order = "informative";
    document.title = `${this.state.library} · illsort`;
    this.drawn.open();
    this.labelIssues = await fetchLabelIssues().catch(() => null);
    await this.show(this.#opening(location.hash.slice(1)));
    const { missing: count } = this.state;
    if (count) {
      notify(count_("{count} filed picture was deleted or changed in the library, or lost the original; illsort status tells them apart",
        "{count} filed pictures were deleted or changed in the library, or lost the original; illsort status tells them apart", { count }));
    }
    this.manualChanges.watch();
    this.learning.watch();
    if (!this.state.isLabeling) this.tags = await fetchTags().catch(() => null);
  }

  // What is shown first: the queue that the address names, or the doubtful labels where they are pictures of the library.
  #opening(queue) {
    if (Object.hasOwn(QUEUES, queue)) return { queue };
    if (this.labelIssues?.leftHere) return { queue: "label_issues" };
    return this.state.isLabeling ? { view: "grid" } : {};
  }

  // Whether the queue has a view of its own.
  get isSeparate() {
    return this.filter.queue in SEPARATE;
  }

  get isSingleOnly() {
    return SINGLE_ONLY.includes(this.filter.queue);
  }

  // Shows another view, queue, order, category or folder.
  async show(change) {
    this.view?.leave?.();
    this.filter = { ...this.filter, ...change };
    if (this.filter.view === "grid" && !this.state.isLabeling && !this.isSeparate) this.#chooseGridCategory();
    this.view = this.#newView();
    this.toolbar.draw();
    viewElement.replaceChildren(this.view.element);
    await allSaved();
    await this.view.open();
    if (!this.state.isLabeling && !this.isSeparate) this.toolbar.updateFolders();
  }

  #newView() {
    if (this.state.isLabeling && !this.state.ranking.number && this.filter.view === "grid") return new SampleReading(this);
    if (this.isSeparate) return new SEPARATE[this.filter.queue](this);
    if (this.filter.view === "single") return new Single(this, this.filter);
    return this.state.isLabeling ? new Labeling(this) : new Grid(this, this.filter);
  }

  // Asks about the pictures drawn by chance that are due, then calls `back`. Whether there are any.
  askDrawn(back) {
    if (!this.drawn.isDue) return false;
    const view = new DrawnView(this, this.view, back);
    this.returnTo(view);
    view.open();
    return true;
  }

  // Shows a view as it was.
  returnTo(view) {
    this.view = view;
    viewElement.replaceChildren(view.element);
  }

  openQueue(queue) {
    this.show({ queue, category: "", ...(SINGLE_ONLY.includes(queue) ? { view: "single" } : {}) });
  }

  // Shows what in the whole library is like an image.
  showLike(item) {
    this.filedFilter.like = item;
    this.openQueue("filed");
  }

  openView(view) {
    this.show({ view, ...(view === "single" ? { category: "" } : {}) });
  }

  // Takes the new state of the server, and shows what it changes.
  update(state) {
    const before = this.state;
    this.state = state;
    this.toolbar.draw();
    if (!before.ranking.number && state.ranking.number) this.drawn.open(); // a sample was read to its end
    if (emptyQueueBasis(before) !== emptyQueueBasis(state)) this.redrawIfEmpty();
    const isAnswered = before.newestAnnotation !== state.newestAnnotation && this.labelIssues?.total;
    if (labelIssueBasis(before) !== labelIssueBasis(state) || isAnswered) this.#fetchLabelIssues();
  }

  updateLabelIssues(issues) {
    this.labelIssues = issues;
    this.toolbar.draw();
  }

  async #fetchLabelIssues() {
    await allSaved();
    if (this.filter.queue === "label_issues" || unsavedCount()) return;
    const issues = await fetchLabelIssues().catch(() => null);
    if (issues !== null && this.filter.queue !== "label_issues") this.updateLabelIssues(issues);
  }

  // The first ranking has come: its order applies from the next image on.
  useFirstRanking() {
    if (this.filter.order !== "confidence") return;
    this.filter.order = "informative";
    this.view.reorder({ order: "informative" });
    this.toolbar.draw();
  }

  categoryOf(letter) {
    return this.state.categories.find(({ key }) => key === letter)?.name;
  }

  // Sends answers; `putBack` is called if they are refused. `isDrawn` is whether the one picture was drawn by chance.
  answer(answers, putBack, isDrawn = false) {
    this.emptiedCategories.clear();
    const sent = sendAnswers(answers, isDrawn);
    this.drawn.count(answers, isDrawn);
    return sent.then((state) => {
      this.update(state);
      this.view.drawUndo?.();
    }, (error) => {
      this.drawn.uncount(answers);
      putBack();
      notify(_("Not saved: {error}", { error: error.message }), "bad");
    });
  }

  // Takes back the last step: answers, or the new name of a category.
  async undo() {
    this.emptiedCategories.clear();
    let before = 0;
    try {
      const { items, state } = await sendUndo(() => (before = this.state.undoSteps));
      this.update(state);
      this.drawn.uncount(items);
      if (items.length) this.view.showAgain(items);
      else if (before) this.show({}); // a name; or it was taken back already, and the server's answer was lost
      if (items.length) notify(_("Taken back: {count}", { count: items.length }));
      else notify(state.undoSteps < before ? _("The old name is back") : _("Nothing to take back"));
    } catch (error) {
      notify(error.message, "bad");
    }
  }

  async createCategory(name) {
    const isDone = await this.#changeCategories(sendNewCategory(name));
    if (isDone && this.filter.queue === "filed") this.view.drawHead(); // it has the buttons of all categories
    return isDone;
  }

  async #rename(old, name) {
    if (!(await this.#changeCategories(sendRename(old, name)))) return false;
    await this.show({ category: "" });
    notify(_("{old} is called {new} now", { old, new: name }));
    return true;
  }

  // Whether the change was done.
  async #changeCategories(response) {
    try {
      this.update(await response);
      return true;
    } catch (error) {
      notify(error.message, "bad");
      return false;
    }
  }

  // Goes to the next category of the grid with anything left; false if there is none.
  showNextCategory() {
    this.emptiedCategories.add(this.filter.category);
    const category = this.#waitingCategories().find((name) => !this.emptiedCategories.has(name));
    if (category === undefined) return false;
    this.show({ category });
    return true;
  }

  #waitingCategories() {
    return Object.keys(this.state.waiting[this.filter.queue] ?? {}).filter(Boolean);
  }

  #chooseGridCategory() {
    if (!["review", "unknown"].includes(this.filter.queue)) this.filter.queue = "review";
    const names = this.#waitingCategories();
    if (!names.includes(this.filter.category)) this.filter.category = names[0] ?? this.state.categories[0]?.name ?? "";
  }

  // What a view shows when it has no image left.
  emptyQueue() {
    return emptyQueue(this);
  }

  redrawIfEmpty() {
    if (this.view && !this.isSeparate && this.view.element.classList.contains("empty")) this.view.draw();
  }

  showShortcuts() {
    shortcutsDialog({ ofView: this.view.shortcuts, ofPage: this.#shortcuts(), categories: this.state.categories });
  }

  #shortcuts() {
    const { isLabeling } = this.state;
    return [
      ["⌫", _("take back, any number of steps")],
      this.isSingleOnly || this.isSeparate ? null : ["g", _("grid or single")],
      isLabeling || this.isSeparate ? null : ["o", _("another order: the next one of the list")],
      ["f", _("file what was decided")],
      isLabeling ? null : ["⇧F", _("sort again with what was learned")],
      ["c", _("the categories: create, rename, merge")],
      ["?", _("this list")],
    ].filter(Boolean);
  }

  // Whether the key does anything.
  press(name) {
    const { isLabeling, ranking } = this.state;
    const isGrid = this.filter.view === "grid" && !isLabeling && !this.isSeparate;
    if (name === "?") this.showShortcuts();
    else if (name === "Backspace") (this.view.undo ? this.view : this).undo();
    else if (name === "g" && this.filter.queue !== "filed") this.#toggleView();
    else if (name === "o" && !isLabeling && !this.isSeparate) this.#nextOrder();
    else if (name === "f") askToFile(this);
    else if (name === "F" && ranking.number && !isLabeling) this.learning.askToFile();
    else if (name === "c") this.categories.list();
    else if (name === "PageDown" && isGrid) this.#turnCategory(1);
    else if (name === "PageUp" && isGrid) this.#turnCategory(-1);
    else return this.view.press(name);
    return true;
  }

  #toggleView() {
    if (this.isSingleOnly) return notify(_("{queue}: one by one only, there is no grid", { queue: _(QUEUES[this.filter.queue]) }));
    return this.openView(this.filter.view === "grid" ? "single" : "grid");
  }

  #turnCategory(step) {
    const names = this.#waitingCategories();
    if (names.length) this.show({ category: names[(names.indexOf(this.filter.category) + step + names.length) % names.length] });
  }

  #nextOrder() {
    const orders = this.toolbar.orders();
    const order = orders[(orders.indexOf(this.filter.order) + 1) % orders.length];
    this.show({ order });
    notify(this.toolbar.orderName(order));
  }

  switchLanguage() {
    switchLanguage();
    document.documentElement.lang = language();
    hideNotification();
    this.toolbar.draw();
    this.learning.draw();
    this.view.draw();
  }
}

// The parts of the state on which the message of an empty queue depends, and those on which the label issues depend.
const emptyQueueBasis = ({ waiting, skipped, toFile, trainCommand }) => JSON.stringify([waiting, skipped, toFile, trainCommand]);
const labelIssueBasis = ({ learning, categories }) => JSON.stringify([learning.outcome?.number, categories.map(({ name }) => name)]);

// The key that was pressed. An input method reports full-width letters, or only "Process": then the physical key counts.
function keyName(event) {
  if (event.key.length > 1 && event.key !== "Process") return event.key;
  return event.key === "Process" || event.isComposing ? event.code.replace(/^(Key|Digit)/, "").toLowerCase() : event.key.normalize("NFKC");
}

function watchConnection() {
  let isLost = false;
  onConnection((error) => {
    const count = unsavedCount();
    if (error) {
      notify(count_("The server does not answer; {count} decision is sent again until it does",
        "The server does not answer; {count} decisions are sent again until it does", { count }), "bad");
    } else if (isLost) hideNotification();
    isLost = Boolean(error);
  });
}

const app = new App();
watchConnection();
document.documentElement.lang = language();
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isDialogOpen() || !app.view) return;
  if (event.target instanceof HTMLSelectElement || event.target instanceof HTMLInputElement) return;
  const name = keyName(event);
  if (event.repeat && !name.startsWith("Arrow")) return event.preventDefault();
  if (app.press(name) || app.press(name.length === 1 ? name.toLowerCase() : "")) event.preventDefault();
});
window.addEventListener("beforeunload", (event) => { if (unsavedCount()) event.preventDefault(); });
app.open().catch((error) => notify(error.message, "bad"));
