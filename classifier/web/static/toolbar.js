// The bar at the top: the queues and how much waits in each, the view, and what limits and orders the queue.

import { fetchFolders } from "./api.js";
import { button, make } from "./dom.js";
import { askToFile, fileLabel } from "./filing.js";
import { base } from "./http.js";
import { _, count_, formatNumber, language, N_ } from "./i18n.js";
import { hasTagFilter, tagButton } from "./tag_filter.js";

const bar = document.getElementById("toolbar");
const INDENT = "\u2003";

export const QUEUES = {
  review: N_("Waiting"), unknown: N_("Unknown"), skipped: N_("Skipped"), filed: N_("Filed"), audit: N_("Audit"), label_issues: N_("Doubtful labels"),
};
const VIEWS = { single: N_("Single"), grid: N_("Grid") };
const ORDERS = {
  informative: N_("Most useful first"), similar: N_("Similar together"), confidence: N_("Least confident first"),
  category: N_("By category"), folder: N_("By folder"), newest: N_("Newest first"),
};
const RANKED = ["informative", "similar"]; // need a ranking

export class Toolbar {
  constructor(app) {
    this.app = app;
    this.folders = [];
    this.unlistedFolders = 0;
    this.version = 0;
  }

  draw() {
    const focused = document.activeElement?.id;
    const { state } = this.app;
    bar.replaceChildren(...[
      base ? make("a", { class: "home-link", href: "../", title: _("All steps") }, "‹", make("span", {}, _("All steps"))) : null,
      make("strong", { class: "library", title: state.library }, state.library),
      make("div", { class: "group", role: "group" }, ...this.#queueButtons()),
      this.app.filter.queue === "filed" ? null : make("div", { class: "group", role: "group" }, ...this.#viewButtons()),
      ...(state.isLabeling || this.app.isSeparate ? [] : this.#filters()),
      make("div", { class: "toolbar-end" },
        button(fileLabel(state.toFile), () => askToFile(this.app), { shortcut: "f", class: "primary file", disabled: state.toFile === 0 }),
        button(_("Categories"), () => this.app.categories.list(), { shortcut: "c", class: "plain categories-button", title: _("Categories") }),
        button(_("Keys"), () => this.app.showShortcuts(), { shortcut: "?", class: "plain keys-button" }),
        button(language() === "zh" ? "English" : "中文", () => this.app.switchLanguage(), { class: "plain", id: "language" })),
    ].filter(Boolean));
    bar.classList.toggle("full", this.#offers("label_issues") || bar.querySelector("#choose-folder") !== null);
    if (focused) document.getElementById(focused)?.focus();
  }

  // How many wait in a queue; null if that is not known.
  countOf(queue) {
    const { state, labelIssues } = this.app;
    if (queue === "audit" || queue === "filed") return null;
    if (queue === "label_issues") return labelIssues?.left ?? null;
    if (queue === "skipped") return state.skipped;
    return Object.values(state.waiting[queue] ?? {}).reduce((sum, count) => sum + count, 0);
  }

  orders() {
    return Object.keys(ORDERS).filter((order) => this.app.state.ranking.number || !RANKED.includes(order));
  }

  orderName(order) {
    return _(ORDERS[order]);
  }

  // Fetches the folders of the crawl around the chosen one, and draws them.
  async updateFolders() {
    const version = (this.version += 1);
    const found = await fetchFolders(this.app.filter).catch(() => null);
    if (found === null || version !== this.version) return;
    this.folders = found.folders;
    this.unlistedFolders = found.more;
    this.draw();
  }

  #queueButtons() {
    const { filter } = this.app;
    return Object.keys(QUEUES).filter((queue) => this.#offers(queue)).map((queue) =>
      tab(_(QUEUES[queue]), () => this.app.openQueue(queue), { isOn: queue === filter.queue, count: this.countOf(queue) }));
  }

  #viewButtons() {
    const { filter } = this.app;
    return Object.keys(VIEWS).map((view) =>
      tab(_(VIEWS[view]), () => this.app.openView(view), { isOn: view === filter.view, disabled: view === "grid" && this.app.isSingleOnly }));
  }

  // Label issues are offered when the model of the last sort has some.
  #offers(queue) {
    return queue !== "label_issues" || queue === this.app.filter.queue || Boolean(this.app.labelIssues?.total);
  }

  #filters() {
    const { category, order, folder } = this.app.filter;
    const folders = this.#folderOptions();
    return [
      this.#choice("category", _("Category"), category, this.#categoryOptions(), (value) => this.app.show({ category: value })),
      this.#choice("order", _("Order"), order, this.orders().map((one) => [one, this.orderName(one)]), (value) => this.app.show({ order: value })),
      folders && this.#choice("folder", _("Folder of the crawl"), folder, folders, (value) => this.app.show({ folder: value === "more" ? "" : value })),
      tagButton(this.app),
    ];
  }

  #choice(name, label, value, options, change) {
    const list = make("select", { id: `choose-${name}`, "aria-label": label, onchange: (event) => { event.target.blur(); change(event.target.value); } },
      ...options.map(([optionValue, text]) => make("option", { value: optionValue }, text)));
    list.value = value;
    list.title = list.selectedOptions[0]?.textContent.trim() ?? ""; // a narrow window cuts it off
    return list;
  }

  // How many there are of each category is known for all folders and tags together only.
  #categoryOptions() {
    const { state, filter } = this.app;
    const waiting = state.waiting[filter.queue] ?? {};
    const names = state.categories.map(({ name }) => [name, filter.folder === "" && !hasTagFilter(filter) ? withCount(name, waiting[name] ?? 0) : name]);
    return filter.view === "grid" ? names : [["", _("All categories")], ...names];
  }

  // null if all that waits comes from one folder.
  #folderOptions() {
    if (this.folders.length === 0 && this.app.filter.folder === "") return null;
    const lines = this.folders.map(([number, name, depth, waiting]) => [String(number), INDENT.repeat(depth - 1) + withCount(name, waiting)]);
    if (this.unlistedFolders) {
      lines.push(["more", count_("{count} smaller one is not shown", "{count} smaller ones are not shown", { count: this.unlistedFolders })]);
    }
    return [["", _("All folders")], ...lines];
  }
}

const withCount = (name, count) => `${name} (${formatNumber(count)})`;

function tab(text, onclick, { isOn, count = null, disabled = false }) {
  const made = button(text, onclick, { "aria-pressed": String(isOn), disabled });
  if (count !== null) made.append(make("span", { class: count ? "number" : "number zero" }, formatNumber(count)));
  return made;
}
