// One image at a time, large, with the model's best guesses and a key for each category.

import { fetchQueue } from "./api.js";
import { notify } from "./dialogs.js";
import { button, categoryButton, key, make, muted } from "./dom.js";
import { fileButtons } from "./file_buttons.js";
import { FoldedButtons } from "./folded_buttons.js";
import { _, formatNumber, formatPercent, inLanguage } from "./i18n.js";
import { Prefetcher } from "./prefetch.js";
import { SimilarImages } from "./similar.js";
import { whyNotShown } from "./visibility.js";
import { Zoom } from "./zoom.js";

// The heading of an image's reason, which may be older than the guesses beside it.
export const reasonHeading = ({ isReasonOld }) =>
  (isReasonOld ? _("Why it came here; the model has learned since") : _("Why it is here"));

export class Single {
  constructor(app, filter) {
    this.app = app;
    this.filter = filter;
    this.prefetcher = new Prefetcher((page) => fetchQueue(this.filter, page), { limit: 30, size: "large", ahead: 5 });
    this.similar = new SimilarImages(() => this.#drawAccept());
    this.item = null;
    this.waiting = []; // drawn by chance, and to be shown before all others
    this.buttons = new FoldedButtons();
    this.acceptText = make("span");
    this.acceptButton = make("button", { class: "primary", onclick: () => this.press("Enter") }, key("⏎"), this.acceptText);
    this.stage = make("div", { class: "stage" });
    this.side = make("div", { class: "side" });
    this.element = make("section", { class: "single" }, this.stage, this.side);
    this.zoom = new Zoom(this.element, this.stage, () => this.item);
  }

  async open() {
    this.stage.replaceChildren(muted(_("Loading…")));
    await Promise.all([this.prefetcher.fill(), this.similar.open()]);
    this.next();
  }

  reorder(change) {
    this.filter = { ...this.filter, ...change };
    this.prefetcher.restart();
  }

  press(name) {
    const category = this.app.categoryOf(name);
    if (this.zoom.press(name)) return true;
    if (name === "Enter" && this.item?.category) this.#answer("right", this.item.category);
    else if (name === "n") this.#newCategory();
    else if (name === "s") this.#answer("skipped", null);
    else if (name === "u") this.#answer("none of these", null);
    else if (name === "=" || name === "+") this.similar.toggle("nearDuplicates");
    else if (name === "-") this.similar.toggle("pages");
    else if (name === "." && this.item) this.app.showLike(this.item);
    else if (category) this.#answer("right", category);
    else return false;
    return true;
  }

  get shortcuts() {
    return [
      ["⏎", _("accept the best guess")],
      ["n", _("name a new category and put this picture into it")],
      ["s", _("skip: it stays where it is")],
      ["u", _("none of these categories")],
      ["=", _("answer near-duplicates together, or one by one")],
      ["-", _("answer the pages of a post together, or one by one")],
      [".", _("more like this one, in the whole library")],
      ["z", _("its own size, one pixel to one; drag it or use the arrow keys")],
    ];
  }

  // Asks for a new category, and puts the shown image into it.
  #newCategory() {
    if (this.item === null) return;
    const count = this.#together().length + 1;
    const hint = count > 1 ? _("It becomes a folder of this name, and the {count} pictures that are answered together are put into it.", { count })
      : _("It becomes a folder of this name, and the picture that is shown is put into it.");
    this.app.categories.askName(hint, (name) => this.#answer("right", name));
  }

  showAgain(items) {
    this.similar.showAgain(items);
    const again = [...items, ...(this.item ? [this.item] : [])];
    this.waiting = [...again.filter((item) => this.app.drawn.has(item)), ...this.waiting];
    this.prefetcher.putBack(again.filter((item) => !this.app.drawn.has(item)));
    this.next();
  }

  // Shows what is due of the pictures drawn by chance, or else the next of the queue.
  async next() {
    const { drawn } = this.app;
    if (this.waiting.length) this.item = this.waiting.shift();
    else if (drawn.isDue) this.item = drawn.take();
    else {
      if (this.prefetcher.items.length === 0) await this.prefetcher.fill();
      [this.item = null] = this.prefetcher.take(1);
    }
    this.draw();
    this.similar.prefetch(this.prefetcher.items);
  }

  // Another view is shown: what was drawn by chance and has no answer is asked there.
  leave() {
    for (const item of [this.item, ...this.waiting].reverse()) if (this.app.drawn.has(item)) this.app.drawn.putBack(item);
    this.item = null;
    this.waiting = [];
  }

  get #isDrawn() {
    return this.app.drawn.has(this.item);
  }

  #image(item) {
    return (this.#isDrawn ? this.app.drawn : this).prefetcher.image(item);
  }

  // What is answered together with the shown image; one drawn by chance is answered alone.
  #together(category) {
    return this.#isDrawn ? [] : this.similar.answeredTogether(category);
  }

  // Answers the shown image, and what is answered together with it, as one step.
  #answer(answer, category) {
    if (this.item === null) return;
    const obstacle = answer === "skipped" ? "" : whyNotShown(this.#image(this.item));
    if (obstacle) return notify(obstacle);
    const isDrawn = this.#isDrawn;
    const items = [this.item, ...this.#together(category)];
    this.prefetcher.drop(items);
    this.similar.drop(items);
    this.item = null;
    this.app.answer(items.map(({ id }) => ({ id, answer, category })), () => this.showAgain(items), isDrawn);
    this.next();
  }

  draw() {
    const { item } = this;
    this.zoom.off();
    this.similar.show(item);
    this.element.classList.toggle("empty", item === null);
    if (item === null) {
      this.stage.replaceChildren(this.app.emptyQueue());
      this.side.replaceChildren();
      return;
    }
    this.stage.replaceChildren(this.#image(item), make("p", { class: "broken-note" }, _("This picture is no longer there, or was changed.")));
    this.side.replaceChildren(...[
      this.#details(item), this.similar.neighborList(), this.#guesses(item), this.#categories(item), this.#actions(item),
    ].filter(Boolean));
    this.element.dataset.imageId = item.id;
  }

  #details(item) {
    if (this.#isDrawn) {
      return make("div", { class: "details" },
        make("p", { class: "drawn" }, _("Drawn by chance: it measures the model.")),
        make("h1", { title: item.name }, item.name),
        make("p", { class: "muted" }, `${item.width} × ${item.height} `, fileButtons(item)));
    }
    return make("div", { class: "details" },
      make("h1", { title: item.name }, item.name),
      make("p", { class: "muted" }, `${item.width} × ${item.height} `, fileButtons(item)),
      make("div", { class: "reason-head" }, make("h2", {}, reasonHeading(item)),
        button(_("More like this"), () => this.press("."), { class: "plain copy", title: "." })),
      make("p", { class: "reason" }, inLanguage(item.reason)));
  }

  #guesses({ guesses, category: suggested }) {
    if (guesses.length === 0) {
      return suggested ? muted(_("The model's folder is gone or was trained again, so no probabilities are shown.")) : null;
    }
    const lines = guesses.map(([category, probability]) => {
      const meter = make("meter", { min: 0, max: 1, value: probability });
      return make("li", {}, make("span", { class: "name" }, category), meter, make("span", { class: "share" }, formatPercent(probability)));
    });
    return make("div", { class: "guesses" }, make("h2", {}, _("Best guesses")), make("ol", {}, ...lines));
  }

  // Where only the parent is sure, what is in that parent comes first, the likely ones before the others.
  #categories(item) {
    const isInParent = ({ name }) => item.parent !== "" && (name === item.parent || name.startsWith(`${item.parent}/`));
    const rank = ({ name }) => item.guesses.findIndex(([guess]) => guess === name) + 1 || Number.MAX_VALUE;
    const toButton = (one) => categoryButton(one, () => this.#answer("right", one.name), { class: one.name === item.category ? "suggested" : "" });
    const { categories } = this.app.state;
    const inParent = categories.filter(isInParent).sort((one, other) => rank(one) - rank(other));
    const others = categories.filter((one) => !isInParent(one)).map(toButton);
    this.buttons.replace(...others);
    const first = inParent.length ? [make("h2", {}, _("In {parent}", { parent: item.parent })), make("div", { class: "buttons in-parent" }, ...inParent.map(toButton))] : [];
    return make("div", { class: "categories" }, ...first, make("h2", {}, first.length ? _("Other categories") : _("Categories")), this.buttons.element,
      button(_("New category for this one"), () => this.press("n"), { shortcut: "n", class: "plain" }));
  }

  #actions(item) {
    this.undoButton = button(_("Back"), () => this.app.undo(), { shortcut: "⌫" });
    this.#drawAccept();
    this.drawUndo();
    return make("div", { class: "actions" }, ...(this.#isDrawn ? [] : this.similar.groupViews), item.category ? this.acceptButton : null,
      button(_("Skip"), () => this.press("s"), { shortcut: "s" }),
      button(_("None of these"), () => this.press("u"), { shortcut: "u" }),
      this.undoButton);
  }

  drawUndo() {
    if (this.undoButton) this.undoButton.disabled = this.app.state.undoSteps === 0;
  }

  #drawAccept() {
    const count = this.item ? this.#together().length + 1 : 1;
    const label = _("Accept: {category}", { category: this.item?.category });
    this.acceptText.textContent = count > 1 ? `${label} × ${formatNumber(count)}` : label;
  }
}
