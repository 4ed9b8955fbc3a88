// Which tiles a person has seen: those that stood mostly in sight for a moment, with their picture loaded. Only these
// are confirmed. What the sticky head covers is not in sight.

import { say } from "./i18n.js";

const SHARE = 0.7; // of a tile's height
const MOMENT = 150; // milliseconds
const imageOf = (tile) => tile.querySelector("img");
const STEPS = Array.from({ length: 21 }, (_, step) => step / 20);

export class Seen {
  #root;
  #head;
  #changed;
  #observer = null;
  #tiles = [];
  #seen = new Set();
  #inSight = new Map();

  // `changed` is called whenever one more tile was seen.
  constructor(root, head, changed) {
    this.#root = root;
    this.#head = head;
    this.#changed = changed;
    new ResizeObserver(() => this.#observe()).observe(head);
  }

  // From now on these tiles are looked at; none of them was seen yet.
  watch(tiles) {
    for (const timer of this.#inSight.values()) clearTimeout(timer);
    this.#inSight.clear();
    this.#seen.clear();
    this.#tiles = tiles;
    for (const tile of tiles) {
      const image = imageOf(tile);
      image.addEventListener("load", () => this.#wait(tile), { once: true });
      image.addEventListener("error", () => this.#changed(), { once: true });
    }
    this.#observe();
  }

  has(tile) {
    return this.#seen.has(tile);
  }

  // The margin of an observer is fixed, and the head grows and shrinks.
  #observe() {
    this.#observer?.disconnect();
    const top = Math.round(this.#head.getBoundingClientRect().height);
    this.#observer = new IntersectionObserver((entries) => entries.forEach((entry) => this.#move(entry)),
      { root: this.#root, rootMargin: `${-top}px 0px 0px 0px`, threshold: STEPS });
    for (const tile of this.#tiles) if (!this.#seen.has(tile)) this.#observer.observe(tile);
  }

  #move({ target, boundingClientRect, intersectionRect, rootBounds }) {
    // Of a tile higher than the window it is enough to fill that.
    const whole = Math.min(boundingClientRect.height, rootBounds?.height ?? boundingClientRect.height);
    clearTimeout(this.#inSight.get(target));
    this.#inSight.delete(target);
    if (whole <= 0 || intersectionRect.height < SHARE * whole) return;
    this.#inSight.set(target, 0);
    this.#wait(target);
  }

  #wait(tile) {
    if (!this.#inSight.has(tile) || !isLoaded(imageOf(tile))) return;
    clearTimeout(this.#inSight.get(tile));
    this.#inSight.set(tile, setTimeout(() => this.#see(tile), MOMENT));
  }

  #see(tile) {
    if (document.hidden || !isLoaded(imageOf(tile))) return;
    this.#seen.add(tile);
    this.#inSight.delete(tile);
    this.#observer.unobserve(tile);
    this.#changed();
  }
}

export const isLoaded = (image) => image.complete && image.naturalWidth > 0;

// Whether it cannot be shown at all.
export const isGone = (image) => image.classList.contains("gone");

// Why nothing can be said of a picture that is not shown; empty when it is.
export function unseenBecause(image) {
  if (isGone(image)) return say("goneSkip");
  return isLoaded(image) ? "" : say("stillLoading");
}
