// The grids of labeling: which one comes next, and how many clusters nobody has looked at.

import { fetchGrid, fetchGrids } from "./api.js";
import { _ } from "./i18n.js";
import { Prefetcher } from "./prefetch.js";
import { PAGE_SIZE } from "./thumbnails.js";

export const prefetcherOf = (grid) =>
  new Prefetcher((page) => fetchGrid(grid, page), { limit: PAGE_SIZE, size: "small", ahead: PAGE_SIZE });

export const gridId = ({ category, cluster }) => category ?? cluster;

export class GridList {
  // `visited` holds the grids that were passed at any time since the page was opened.
  constructor(visited) {
    this.grids = [];
    this.clusters = { total: 0, named: 0, untouched: [] };
    this.visited = visited;
    this.passed = new Set(); // the grids that come again only after all others
  }

  get length() {
    return this.grids.length;
  }

  async fetch() {
    this.update(await fetchGrids());
  }

  update({ grids, clusters }) {
    this.grids = grids;
    this.clusters = clusters;
  }

  // The same grid in the present list, if it is still there.
  find(grid) {
    return this.grids.find((one) => gridId(one) === gridId(grid));
  }

  // The first grid that was not passed; once all were, they start again. Null if there is none besides `excluded`.
  first(excluded = new Set()) {
    const left = this.grids.filter((one) => !excluded.has(gridId(one)));
    if (left.every((one) => this.passed.has(gridId(one)))) this.passed.clear();
    return left.find((one) => !this.passed.has(gridId(one))) ?? null;
  }

  // So many grids further on, around the end.
  neighbor(grid, step) {
    const index = this.grids.findIndex((one) => gridId(one) === gridId(grid));
    return this.grids[(index + step + this.grids.length) % this.grids.length];
  }

  pass(grid) {
    this.passed.add(gridId(grid));
    this.visited.add(gridId(grid));
  }

  unpass(grid) {
    this.passed.delete(gridId(grid));
  }

  // Loads the grid that probably comes after this one.
  async prefetchAfter(grid) {
    const next = this.grids.find((one) => gridId(one) !== gridId(grid) && !this.passed.has(gridId(one)));
    if (next) await prefetcherOf(next).fill().catch(() => undefined);
  }

  // How many clusters nobody has looked at yet; empty when there is none.
  progressText() {
    const { total, named, untouched } = this.clusters;
    const left = untouched.filter((cluster) => !this.visited.has(cluster)).length;
    const passed = untouched.length - left;
    if (left === 0) return "";
    return passed ? _("{named} of {total} groups named, {passed} passed by; {left} not looked at yet.", { named, total, passed, left })
      : _("{named} of {total} groups named; {left} not looked at yet.", { named, total, left });
  }
}
