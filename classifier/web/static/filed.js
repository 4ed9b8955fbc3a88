// What is filed, in a grid: a person looks through it, and moves what is wrong with the key of its category. It keeps its
// place, with the new category on it, until it is filed. Also what in the whole library is most like one image.

import { fetchFiled, fetchMostAlike, sendKeepCopies } from "./api.js";
import { notify } from "./dialogs.js";
import { button, categoryButton, make, muted } from "./dom.js";
import { FoldedButtons } from "./folded_buttons.js";
import { _, count_, formatNumber, inLanguage, N_ } from "./i18n.js";
import { LargeImage } from "./large_image.js";
import { Prefetcher } from "./prefetch.js";
import { PAGE_SIZE, ThumbnailGrid } from "./thumbnails.js";
import { tileSizeButtons } from "./tile_size.js";
import { isLoaded } from "./visibility.js";

const ORDERS = { newest: N_("Newest first"), confidence: N_("Least confident first"), copies: N_("Copies, in _duplicates") };
const NEAR = 800; // pixels below what is in view, within which the next page is added
const MAX_ANSWERS = 200; // in one request

const folderOf = ({ queue, category }) =>
  (queue === "file" ? category : queue === "unknown" ? _("Unknown") : queue === "duplicate" ? _("Copy: {category}", { category }) : _("Waiting: {category}", { category }));

export class Filed extends ThumbnailGrid {
  constructor(app) {
    super(app, "filed");
    this.scroller = this.element;
    this.counts = {};
    this.chosen = new Set();
    this.prefetcher = null;
    this.version = 0; // of what is shown
    this.adding = null; // the version to which a page is being added
    this.buttons = new FoldedButtons();
    this.hint = muted("");
    this.undoButton = button("", () => this.app.undo(), { shortcut: "⌫" });
    this.end = make("div", { class: "end" });
    this.scroller.append(this.end);
    this.large = new LargeImage(this, () => this.items[this.current] ?? null);
    this.element = make("div", { class: "filed-view" }, this.scroller, this.large.element);
    this.scroller.addEventListener("scroll", () => this.#moreIfNear(), { passive: true });
  }

  // The category, the order, and the image whose like are shown: kept while the page is open.
  get filter() {
    return this.app.filedFilter;
  }

  async open() {
    const version = (this.version += 1);
    this.items = [];
    this.chosen.clear();
    this.current = 0;
    this.large.close();
    this.drawLoading();
    this.prefetcher = new Prefetcher((page) => this.#fetch(page), { limit: PAGE_SIZE, size: "small", ahead: PAGE_SIZE });
    await this.prefetcher.fill();
    if (version !== this.version) return;
    this.items = this.prefetcher.take(PAGE_SIZE);
    this.draw();
    this.scrollToTop();
    this.#moreIfNear();
  }

  scrollToTop() {
    this.scroller.scrollTo({ top: 0 });
  }

  reorder() {}

  filesChanged() {
    return this.open();
  }

  show(change) {
    this.app.filedFilter = { ...this.filter, ...change };
    return this.open();
  }

  async #fetch(page) {
    const { like } = this.filter;
    if (!like) {
      const found = await fetchFiled(this.filter, page);
      this.counts = found.counts;
      return found;
    }
    return { items: await fetchMostAlike(like.id), next: null };
  }

  #moreIfNear() {
    if (this.end.getBoundingClientRect().top < this.scroller.getBoundingClientRect().bottom + NEAR) this.#more();
  }

  // Adds the next page below.
  async #more() {
    const { version, prefetcher } = this;
    if (this.items.length === 0 || this.adding === version) return;
    this.adding = version;
    await prefetcher.fill().catch(() => undefined);
    if (version !== this.version) return;
    this.adding = null;
    const items = prefetcher.take(PAGE_SIZE);
    const first = this.items.length;
    this.items.push(...items);
    this.cells.append(...items.map((item, place) => this.cell(item, first + place)));
    items.forEach((_item, place) => this.drawCell(first + place));
    if (items.length) this.#moreIfNear();
  }

  press(name) {
    const category = this.app.categoryOf(name);
    if (this.items.length === 0) return name === "Escape" && this.#leave();
    if (this.large.press(name)) return true;
    if (this.pressInGrid(name)) return true;
    if (name === "Enter") this.large.open();
    else if (name === " ") this.toggleMark(this.current);
    else if (name === ".") this.showLike();
    else if (name === "o") this.#nextOrder();
    else if (name === "u") this.move("");
    else if (name === "n") this.#newCategory();
    else if (name === "Escape") return this.#leave();
    else if (category) this.move(category);
    else return false;
    return true;
  }

  get shortcuts() {
    return [
      ["← ↑ ↓ →", _("move in the grid")],
      ["⏎", _("the picture large, and back; z there shows its own size")],
      ["␣", _("mark, to move several at once; Shift-click marks all from the current one on")],
      ["n", _("name a new category for this picture, or for those that are marked")],
      ["u", _("none of these categories")],
      [".", _("more like this one, in the whole library")],
      ["o", _("another order: the next one of the list")],
      ["+ -", _("larger or smaller tiles")],
      ["Esc", _("take all marks away; or back to what is filed")],
    ];
  }

  moveTo(index) {
    super.moveTo(index);
    this.large.draw();
    if (index >= this.items.length - 1) this.#more();
  }

  toggleMark(index) {
    if (!this.chosen.delete(index)) this.chosen.add(index);
    this.drawCell(index);
    this.#drawHint();
  }

  isMarked(index) {
    return this.chosen.has(index);
  }

  // Takes away all marks, or else leaves what is like an image. Whether it did anything.
  #leave() {
    if (this.chosen.size) this.#unmark();
    else if (this.filter.like) this.show({ like: null });
    else return false;
    return true;
  }

  #unmark() {
    const indices = [...this.chosen];
    this.chosen.clear();
    for (const index of indices) this.drawCell(index);
    this.#drawHint();
  }

  // What is like an image has one order, the most like first.
  #nextOrder() {
    if (this.filter.like) return;
    const orders = Object.keys(ORDERS);
    const order = orders[(orders.indexOf(this.filter.order) + 1) % orders.length];
    this.show({ order });
    notify(_(ORDERS[order]));
  }

  showLike() {
    this.show({ like: this.items[this.current] });
  }

  #newCategory() {
    const hint = _("It becomes a folder of this name; the picture, or those that are marked, go there when you file.");
    this.app.categories.askName(hint, (name) => this.move(name));
  }

  // Says of the marked images, or of the current one, of which category they are; "" for none of them.
  move(category) {
    const wanted = this.chosen.size && this.large.isClosed ? [...this.chosen] : [this.current];
    const shown = wanted.filter((index) => isLoaded(this.cells.children[index].querySelector("img")));
    if (shown.length < wanted.length) notify(_("A picture that is not shown is not moved"), "bad");
    const items = shown.map((index) => this.items[index]).filter((item) => this.#isMove(item, category));
    this.#unmark();
    const before = items.map(({ becomes }) => becomes);
    for (const item of items) item.becomes = item.queue === "file" && item.category === category ? null : category;
    const answer = category === "" ? { answer: "none of these", category: null } : { answer: "right", category };
    const putBack = () => { items.forEach((item, place) => { item.becomes = before[place]; }); this.#drawCells(); };
    for (let first = 0; first < items.length; first += MAX_ANSWERS) {
      this.app.answer(items.slice(first, first + MAX_ANSWERS).map(({ id }) => ({ id, ...answer })), putBack).then(() => this.#drawUndo());
    }
    this.#drawCells();
    this.moveTo(Math.min(Math.max(...wanted) + 1, this.items.length - 1));
  }

  // Whether saying so of an image changes anything.
  #isMove({ queue, category: own, becomes }, category) {
    return becomes === null ? queue !== (category === "" ? "unknown" : "file") || own !== category : becomes !== category;
  }

  // What was taken back is where it was before.
  showAgain(items) {
    const again = new Map(items.map((item) => [item.id, item]));
    this.items = this.items.map((item) => again.get(item.id) ?? item);
    this.#drawCells();
    this.#drawUndo();
    this.large.draw();
  }

  draw() {
    this.drawHead();
    const isEmpty = this.items.length === 0;
    this.cells.replaceChildren(...(isEmpty ? [this.#emptyMessage()] : this.items.map((item, index) => this.cell(item, index))));
    this.cells.classList.toggle("none", isEmpty);
    this.#drawCells();
    this.large.draw();
  }

  #emptyMessage() {
    return make("p", { class: "message" }, this.filter.like ? _("What is like it is not known: no sort of this library has read it.")
      : this.filter.category ? _("Nothing is filed in {category}.", this.filter)
      : this.filter.order === "copies" ? _("There are no copies in _duplicates.") : _("Nothing is filed yet."));
  }

  #drawCells() {
    this.items.forEach((_item, index) => this.drawCell(index));
  }

  cell(item, index) {
    return make("button", { class: "cell", title: `${item.name}\n${folderOf(item)}\n${inLanguage(item.reason)}`, "data-image-id": item.id,
      onclick: (event) => this.click(index, event), ondblclick: () => this.large.open() },
    this.prefetcher.image(item), make("span", { class: "folder" }), make("span", { class: "mark" }));
  }

  drawCell(index) {
    const item = this.items[index];
    if (!item) return;
    const { becomes } = item;
    this.drawMark(index, this.chosen.has(index) ? "✓" : becomes === null ? "" : `→ ${becomes || _("None of these")}`);
    const cell = this.cells.children[index];
    cell.classList.toggle("leaving", becomes !== null);
    cell.querySelector(".folder").textContent = this.filter.category && !this.filter.like ? "" : folderOf(item);
  }

  drawHead() {
    const { like } = this.filter;
    this.head.replaceChildren(...[
      make("div", { class: "filed-row" }, ...(like ? this.#likeRow(like) : this.#choices()),
        this.items.length ? tileSizeButtons() : null,
        this.items.length ? button(_("Large"), () => this.press("Enter"), { shortcut: "⏎" }) : null,
        this.items.length ? button(_("More like this"), () => this.press("."), { shortcut: "." }) : null,
        this.items.length && !like && this.filter.order === "copies" ? button(_("Keep all copies"), () => this.#keepCopies()) : null,
        this.undoButton),
      this.items.length ? this.buttons.element : null, this.items.length ? this.hint : null].filter(Boolean));
    this.buttons.replace(...this.app.state.categories.map((one) => categoryButton(one, () => this.move(one.name))),
      button(_("New category"), () => this.press("n"), { shortcut: "n", class: "plain" }),
      button(_("None of these"), () => this.move(""), { shortcut: "u", class: "plain" }));
    this.#drawHint();
    this.#drawUndo();
  }

  // The marked copies, or the current one, with all of their groups.
  async #keepCopies() {
    const indices = this.chosen.size ? [...this.chosen] : [this.current];
    const count = await sendKeepCopies(indices.map((index) => this.items[index].id).slice(0, MAX_ANSWERS));
    this.#unmark();
    notify(count_("{count} picture is filed by itself from the next sort on", "{count} pictures are filed each by itself from the next sort on", { count }));
  }

  #likeRow({ name }) {
    return [button(_("All that is filed"), () => this.show({ like: null }), { shortcut: "Esc" }),
      make("p", { class: "like-name", title: name }, _("In the whole library, the most like first: {name}", { name }))];
  }

  #choices() {
    const { category, order } = this.filter;
    const total = Object.values(this.counts).reduce((sum, count) => sum + count, 0);
    const categories = Object.entries(this.counts).map(([name, count]) => [name, `${name} (${formatNumber(count)})`]);
    return [
      choice("filed-category", _("Category"), category, [["", _("All categories ({count})", { count: formatNumber(total) })], ...categories],
        (value) => this.show({ category: value })),
      choice("filed-order", _("Order"), order, Object.entries(ORDERS).map(([value, text]) => [value, _(text)]), (value) => this.show({ order: value })),
    ];
  }

  #drawHint() {
    this.hint.textContent = this.chosen.size
      ? count_("{count} is marked: press the key of its category.", "{count} are marked: press the key of their category.", { count: this.chosen.size })
      : _("A category's key says where the current picture belongs, or those that you mark. They move when you file.");
  }

  #drawUndo() {
    this.undoButton.lastChild.textContent = _("Back");
    this.undoButton.disabled = this.app.state.undoSteps === 0;
  }
}

function choice(id, label, value, options, change) {
  const list = make("select", { id, "aria-label": label, onchange: (event) => { event.target.blur(); change(event.target.value); } },
    ...options.map(([optionValue, text]) => make("option", { value: optionValue }, text)));
  list.value = value;
  return list;
}
