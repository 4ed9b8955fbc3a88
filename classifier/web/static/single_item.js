// One large image and a question about it: what the audit and the label issues share. A subclass has the images, the
// question and the requests.

import { notify } from "./dialogs.js";
import { button, categoryButton, make, muted } from "./dom.js";
import { FoldedButtons } from "./folded_buttons.js";
import { _ } from "./i18n.js";
import { loadImage } from "./prefetch.js";
import { whyNotShown } from "./visibility.js";
import { Zoom } from "./zoom.js";

/**
 * A subclass has `item` (the shown one, or null), `steps` (how many answers can be taken back), and the methods
 * `remove(id, answer)`, `send(answers)`, `undo()`, `reload()`, `updateSteps(result)`, `update(result)`, `question(item)`,
 * `rightLabel(item)` and `outcome()` (what is shown once all is answered).
 */
export class SingleItem {
  canBeWrong = false; // whether "wrong" is an answer, without the right category

  constructor(app, kind) {
    this.app = app;
    this.images = new Map();
    this.pending = 0;
    this.buttons = new FoldedButtons();
    this.stage = make("div", { class: "stage" });
    this.side = make("div", { class: "side" });
    this.element = make("section", { class: `single ${kind}` }, this.stage, this.side);
    this.zoom = new Zoom(this.element, this.stage, () => this.item);
  }

  drawLoading() {
    this.stage.replaceChildren(muted(_("Loading…")));
  }

  press(name) {
    if (this.zoom.press(name)) return true;
    if (this.item === null) return false;
    else if (name === "Enter" || name === "y") this.#answer("right", this.item.category);
    else if (name === "s") this.#answer("skipped", null);
    else if (name === "u") this.#answer("none of these", null);
    else if (this.app.categoryOf(name)) this.#answer("right", this.app.categoryOf(name));
    else if ((name === " " || name === "n") && this.canBeWrong) this.#answer("wrong", this.item.category);
    else if (name === "n") notify(_("Press the key of the right category, or u for none of these"));
    else return false;
    return true;
  }

  get shortcuts() {
    return [
      ["⏎ y", _("right")],
      ...(this.canBeWrong ? [["␣ n", _("wrong")]] : []),
      ["s", _("skip: it stays where it is")],
      ["u", _("none of these categories")],
      ["z", _("its own size, one pixel to one; drag it or use the arrow keys")],
    ];
  }

  // A new ranking does not change these questions.
  reorder() {}

  // Loads the images of these items, and lets go of all others.
  keepImages(items) {
    this.images = new Map(items.map((item) => [item.id, this.images.get(item.id) ?? largeImage(item)]));
  }

  draw() {
    const { item } = this;
    this.zoom.off();
    this.element.classList.toggle("empty", item === null);
    if (item === null) {
      this.stage.replaceChildren(this.pending ? muted(_("Loading…")) : this.outcome());
      this.side.replaceChildren();
      delete this.element.dataset.imageId;
      return;
    }
    this.stage.replaceChildren(this.images.get(item.id), make("p", { class: "broken-note" }, _("This picture is no longer there, or was changed.")));
    this.side.replaceChildren(this.question(item), this.#categories(item), this.#actions(item));
    this.element.dataset.imageId = item.id;
  }

  undoButton() {
    return button(_("Back"), () => this.undo(), { shortcut: "⌫", disabled: !this.steps });
  }

  // Takes up the server's answer. While later requests are pending, only the number of steps is.
  async follow(response) {
    this.pending += 1;
    let result;
    try {
      result = await response;
    } catch (error) {
      notify(error.message, "bad");
      result = await this.reload();
    }
    this.pending -= 1;
    if (result.state) this.app.update(result.state);
    if (this.pending === 0) this.update(result);
    else this.updateSteps(result);
  }

  // Shows the next image at once, before the server answers.
  #answer(answer, category) {
    const { id } = this.item;
    const obstacle = answer === "skipped" ? "" : whyNotShown(this.images.get(id));
    if (obstacle) return notify(obstacle);
    this.remove(id, answer);
    this.draw();
    this.follow(this.send([{ id, answer, category }]));
  }

  #categories(item) {
    const others = this.app.state.categories.filter(({ name }) => name !== item.category).map((one) =>
      categoryButton(one, () => this.#answer("right", one.name), { class: one.name === item.likely ? "suggested" : "" }));
    this.buttons.replace(...others);
    return make("div", { class: "categories" }, make("h2", {}, _("If wrong: it is rather")), this.buttons.element);
  }

  #actions(item) {
    return make("div", { class: "actions" },
      button(this.rightLabel(item), () => this.press("Enter"), { shortcut: "y", class: "primary" }),
      this.canBeWrong ? button(_("Wrong"), () => this.press(" "), { shortcut: "n" }) : null,
      button(_("Skip"), () => this.press("s"), { shortcut: "s" }),
      button(_("None of these"), () => this.press("u"), { shortcut: "u" }),
      this.undoButton());
  }
}

function largeImage(item) {
  const image = loadImage(item, "large");
  image.decode().catch(() => undefined);
  return image;
}
