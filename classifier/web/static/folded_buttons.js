// Buttons that are cut where they would take too much room, and one below that shows the others.

import { button, make } from "./dom.js";
import { _, count_ } from "./i18n.js";

export class FoldedButtons {
  constructor() {
    this.isOpen = false;
    this.buttons = make("div", { class: "buttons" });
    this.more = button("", () => this.#toggle(), { class: "more", hidden: true });
    this.element = make("div", { class: "folded" }, this.buttons, this.more);
    new ResizeObserver(() => this.#drawMore()).observe(this.buttons);
  }

  replace(...buttons) {
    this.buttons.replaceChildren(...buttons);
    this.#drawMore();
  }

  #toggle() {
    this.isOpen = !this.isOpen;
    this.element.classList.toggle("open", this.isOpen);
    this.buttons.scrollTop = 0;
    this.#drawMore();
  }

  #drawMore() {
    const { bottom } = this.buttons.getBoundingClientRect();
    const count = [...this.buttons.children].filter((one) => one.getBoundingClientRect().bottom > bottom + 1).length;
    this.more.hidden = !this.isOpen && count === 0;
    this.more.lastChild.textContent = this.isOpen ? _("Fewer") : _("{count} more", { count });
  }
}
