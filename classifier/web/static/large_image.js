// The current image of a grid, large, over the grid: the arrow keys go on, the keys of the categories work as in the grid.

import { button, categoryButton, make } from "./dom.js";
import { fileButtons } from "./file_buttons.js";
import { _, inLanguage } from "./i18n.js";
import { loadImage } from "./prefetch.js";
import { Zoom } from "./zoom.js";

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export class LargeImage {
  // `item` returns the current item of `grid`, or null.
  constructor(grid, item) {
    this.grid = grid;
    this.item = item;
    this.stage = make("div", { class: "stage" });
    this.side = make("div", { class: "side" });
    this.element = make("section", { class: "single large", hidden: true }, this.stage, this.side);
    this.zoom = new Zoom(this.element, this.stage, item);
  }

  get isClosed() {
    return this.element.hidden;
  }

  open() {
    this.element.hidden = false;
    this.draw();
  }

  close() {
    this.zoom.off();
    this.element.hidden = true;
  }

  // Whether the key does anything while the image is large.
  press(name) {
    if (this.isClosed) return false;
    if (this.zoom.press(name)) return true;
    if (name === "Enter" || name === "Escape") this.close();
    else if (STEPS[name]) this.grid.moveTo(this.grid.current + STEPS[name]);
    else return false;
    return true;
  }

  draw() {
    const item = this.item();
    if (this.isClosed || item === null) return;
    this.zoom.off();
    this.element.dataset.imageId = item.id;
    this.stage.replaceChildren(loadImage(item, "large"), make("p", { class: "broken-note" }, _("This picture is no longer there, or was changed.")));
    this.side.replaceChildren(this.#details(item), this.#categories(item), this.#actions());
  }

  #details(item) {
    return make("div", { class: "details" },
      make("h1", { title: item.name }, item.name),
      make("p", { class: "muted" }, `${item.width} × ${item.height} `, fileButtons(item)),
      make("h2", {}, _("Why it is filed there")),
      make("p", { class: "reason" }, inLanguage(item.reason)));
  }

  #categories({ category, becomes }) {
    const now = becomes ?? category;
    const buttons = this.grid.app.state.categories.map((one) =>
      categoryButton(one, () => this.grid.move(one.name), { class: one.name === now ? "suggested" : "" }));
    return make("div", { class: "categories" }, make("h2", {}, _("Categories")), make("div", { class: "buttons" }, ...buttons));
  }

  #actions() {
    return make("div", { class: "actions" },
      button(_("Close"), () => this.close(), { shortcut: "⏎", class: "primary" }),
      button(_("More like this"), () => this.grid.showLike(), { shortcut: "." }),
      button(_("None of these"), () => this.grid.move(""), { shortcut: "u" }),
      button(_("Back"), () => this.grid.app.undo(), { shortcut: "⌫", disabled: this.grid.app.state.undoSteps === 0 }));
  }
}
