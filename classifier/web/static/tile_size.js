// How large the tiles of a grid are: kept by the browser for the next time.

import { button, make } from "./dom.js";
import { _ } from "./i18n.js";

const SIZES = [72, 96, 132, 180, 240, 320]; // least width in pixels
const KEPT_AS = "tile-size";
const root = document.documentElement;

function show(size) {
  root.style.setProperty("--tile", `${size}px`);
}

function current() {
  const kept = Number(localStorage.getItem(KEPT_AS));
  return SIZES.includes(kept) ? kept : root.clientWidth <= 760 ? 96 : 132;
}

// Makes the tiles larger (1) or smaller (-1).
export function changeTileSize(step) {
  const size = SIZES[Math.min(SIZES.length - 1, Math.max(0, SIZES.indexOf(current()) + step))];
  localStorage.setItem(KEPT_AS, String(size));
  show(size);
}

export function tileSizeButtons() {
  return make("span", { class: "group tile-size" },
    button("−", () => changeTileSize(-1), { title: _("smaller tiles"), "aria-label": _("smaller tiles") }),
    button("+", () => changeTileSize(1), { title: _("larger tiles"), "aria-label": _("larger tiles") }));
}

if (localStorage.getItem(KEPT_AS) !== null) show(current());
