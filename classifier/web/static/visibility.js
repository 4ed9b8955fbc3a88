// Which cells of a grid were in view: mostly visible for a moment, with the image loaded. Only these are confirmed.
// What the sticky head covers is not in view.

import { _ } from "./i18n.js";

const VISIBLE_SHARE = 0.7; // of a cell's height
const MOMENT_MS = 150;
const THRESHOLDS = Array.from({ length: 21 }, (_value, step) => step / 20);
const imageOf = (cell) => cell.querySelector("img");

export class VisibilityTracker {
  #root;
  #head;
  #changed;
  #observer = null;
  #cells = [];
  #seen = new Set();
  #visible = new Map(); // cell -> timer

  // `changed` is called whenever one more cell was seen.
  constructor(root, head, changed) {
    this.#root = root;
    this.#head = head;
    this.#changed = changed;
    new ResizeObserver(() => this.#observe()).observe(head);
  }

  // Tracks these cells from now on, none of which was seen yet.
  watch(cells) {
    for (const timer of this.#visible.values()) clearTimeout(timer);
    this.#visible.clear();
    this.#seen.clear();
    this.#cells = cells;
    for (const cell of cells) {
      const image = imageOf(cell);
      image.addEventListener("load", () => this.#startTimer(cell), { once: true });
      image.addEventListener("error", () => this.#changed(), { once: true });
    }
    this.#observe();
  }

  hasSeen(cell) {
    return this.#seen.has(cell);
  }

  // An observer's margin is fixed, but the head's height changes: each height needs an observer of its own.
  #observe() {
    this.#observer?.disconnect();
    const top = Math.round(this.#head.getBoundingClientRect().height);
    this.#observer = new IntersectionObserver((entries) => entries.forEach((entry) => this.#update(entry)),
      { root: this.#root, rootMargin: `${-top}px 0px 0px 0px`, threshold: THRESHOLDS });
    for (const cell of this.#cells) if (!this.#seen.has(cell)) this.#observer.observe(cell);
  }

  #update({ target, boundingClientRect, intersectionRect, rootBounds }) {
    // A cell higher than the window only has to fill it.
    const height = Math.min(boundingClientRect.height, rootBounds?.height ?? boundingClientRect.height);
    clearTimeout(this.#visible.get(target));
    this.#visible.delete(target);
    if (height <= 0 || intersectionRect.height < VISIBLE_SHARE * height) return;
    this.#visible.set(target, 0);
    this.#startTimer(target);
  }

  #startTimer(cell) {
    if (!this.#visible.has(cell) || !isLoaded(imageOf(cell))) return;
    clearTimeout(this.#visible.get(cell));
    this.#visible.set(cell, setTimeout(() => this.#markSeen(cell), MOMENT_MS));
  }

  #markSeen(cell) {
    if (document.hidden || !isLoaded(imageOf(cell))) return;
    this.#seen.add(cell);
    this.#visible.delete(cell);
    this.#observer.unobserve(cell);
    this.#changed();
  }
}

export const isLoaded = (image) => image.complete && image.naturalWidth > 0;

export const isBroken = (image) => image.classList.contains("broken");

// Why an image cannot be answered because it is not shown; empty when it is shown.
export function whyNotShown(image) {
  if (isBroken(image)) return _("This picture cannot be shown, so it is not answered: s skips it");
  return isLoaded(image) ? "" : _("The picture is still loading");
}
