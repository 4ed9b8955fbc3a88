// The shown image at its own size, one pixel to one, moved by dragging or by the arrow keys.

import { make } from "./dom.js";
import { imageUrl } from "./http.js";

const ARROW_STEP = 120; // pixels
const CLICK_DISTANCE = 4; // further than this, a press is a drag
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Zoom {
  #element;
  #stage;
  #item;
  #drag = null;

  // `item` returns the shown item, or null.
  constructor(element, stage, item) {
    this.#element = element;
    this.#stage = stage;
    this.#item = item;
    stage.addEventListener("pointerdown", (event) => this.#begin(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#end(event));
    stage.addEventListener("pointercancel", () => { this.#drag = null; });
    stage.addEventListener("dragstart", (event) => event.preventDefault());
  }

  get isOn() {
    return this.#element.classList.contains("zoomed");
  }

  // Whether the key does anything.
  press(name) {
    if (name === "z") this.toggle();
    else if (!this.isOn) return false;
    else if (name === "Escape") this.off();
    else if (ARROWS[name]) this.#stage.scrollBy({ left: ARROWS[name][0] * ARROW_STEP, top: ARROWS[name][1] * ARROW_STEP });
    else return false;
    return true;
  }

  // Around this place of the image, as shares of its sides.
  toggle(x = 0.5, y = 0.5) {
    const item = this.#item();
    if (this.isOn) return this.off();
    if (item === null) return undefined;
    this.#element.classList.add("zoomed");
    const image = make("img", { class: "actual", alt: "", src: imageUrl(item.id, "full") });
    image.addEventListener("load", () => {
      image.classList.add("loaded"); // until then the fitted one stays
      this.#stage.scrollTo({ left: x * image.naturalWidth - this.#stage.clientWidth / 2, top: y * image.naturalHeight - this.#stage.clientHeight / 2 });
    });
    this.#stage.append(image);
    return undefined;
  }

  off() {
    this.#element.classList.remove("zoomed");
    this.#stage.querySelector(".actual")?.remove();
  }

  #begin(event) {
    if (event.button === 0) this.#drag = { x: event.clientX, y: event.clientY, left: this.#stage.scrollLeft, top: this.#stage.scrollTop, isMoved: false };
  }

  #move({ clientX, clientY }) {
    if (!this.#drag) return;
    const [right, down] = [clientX - this.#drag.x, clientY - this.#drag.y];
    this.#drag.isMoved ||= Math.hypot(right, down) > CLICK_DISTANCE;
    if (this.isOn && this.#drag.isMoved) this.#stage.scrollTo({ left: this.#drag.left - right, top: this.#drag.top - down });
  }

  #end({ clientX, clientY, target }) {
    const wasClick = this.#drag && !this.#drag.isMoved;
    this.#drag = null;
    if (!wasClick || target.closest("button, input, a")) return;
    this.toggle(...placeIn(this.#stage.querySelector("img"), clientX, clientY));
  }
}

// Where a point of the window lies in an image that is fitted into its box, as shares of its sides, 0 to 1.
function placeIn(image, clientX, clientY) {
  if (!image?.naturalWidth) return [0.5, 0.5];
  const box = image.getBoundingClientRect();
  const scale = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
  const share = (at, start, length, natural) => Math.min(1, Math.max(0, 0.5 + (at - start - length / 2) / (natural * scale)));
  return [share(clientX, box.left, box.width, image.naturalWidth), share(clientY, box.top, box.height, image.naturalHeight)];
}
