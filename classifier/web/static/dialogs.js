// Notifications and dialogs: the list of keys, and the categories, which are created, renamed and merged there.

import { button, key, make, muted } from "./dom.js";
import { _, formatNumber } from "./i18n.js";

const notification = document.getElementById("notification");
const dialog = document.getElementById("dialog");
let hiding = 0;

// `kind` is empty, "good" or "bad"; an error stays longer.
export function notify(text, kind = "") {
  (dialog.open ? dialog : document.body).append(notification); // beneath a dialog it would be dimmed
  notification.style.setProperty("--view-top", `${document.getElementById("view").getBoundingClientRect().top}px`);
  notification.textContent = text;
  notification.className = kind;
  notification.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(hideNotification, kind === "bad" ? 15000 : 5000);
}

export function hideNotification() {
  notification.hidden = true;
}

export function openDialog(title, body, ...buttons) {
  document.body.append(notification);
  dialog.replaceChildren(make("h1", {}, title), body, make("div", { class: "actions" }, ...buttons));
  if (!dialog.open) dialog.showModal();
}

export const closeDialog = () => dialog.close();
export const isDialogOpen = () => dialog.open;
export const cancelButton = () => button(_("Cancel"), closeDialog, { shortcut: "Esc" });
export const closeButton = (attributes = {}) => button(_("Close"), closeDialog, { shortcut: "Esc", ...attributes });

// Lists keys as [letters, what they do], those of the view and those that every view has, beside the categories'.
export function shortcutsDialog({ ofView, ofPage, categories }) {
  const line = ([letters, text]) =>
    make("li", {}, make("span", { class: "letters" }, ...letters.split(" ").map(key)), make("span", {}, text));
  const heading = (text) => make("li", {}, make("h2", {}, text));
  const ofCategories = categories.filter((one) => one.key).map((one) => line([one.key, one.name]));
  openDialog(_("Keys"), make("div", { class: "keys" },
    make("ul", {}, heading(_("In this view")), ...ofView.map(line), heading(_("Everywhere")), ...ofPage.map(line)),
    make("ul", {}, heading(_("Put it into this category")), ...ofCategories)), closeButton({ autofocus: true }));
}

// `categories` returns them; `create(name)` and `rename(old, name)` resolve to whether it was done.
// The categories, each after the folders around it that are none: with such a folder all categories in it are renamed.
function withParents(categories) {
  const seen = new Set(categories.map(({ name }) => name));
  return categories.flatMap((one) => {
    const levels = one.name.split("/");
    const parents = levels.slice(1).map((_level, count) => levels.slice(0, count + 1).join("/")).filter((name) => !seen.has(name));
    for (const name of parents) seen.add(name);
    return [...parents.map((name) => ({ name, key: "", labelCount: null })), one];
  });
}

export class CategoriesDialog {
  constructor({ categories, create, rename }) {
    this.categories = categories;
    this.create = create;
    this.rename = rename;
  }

  list() {
    const rows = withParents(this.categories()).map(({ name, key: letter, labelCount }) =>
      make("li", {}, make("button", { class: "row", onclick: () => this.#askNewName(name) },
        letter ? key(letter) : make("span"), make("span", { class: "name" }, name), make("span", { class: "number" }, labelCount === null ? "" : formatNumber(labelCount)))));
    const caption = make("p", { class: "muted caption" }, make("span", {}, _("Click a category to rename it or to merge it into another.")), make("span", {}, _("answers")));
    openDialog(_("Categories"),
      rows.length ? make("div", {}, caption, make("ul", { class: "category-list", onkeydown: (event) => this.#moveFocus(event) }, ...rows))
        : muted(_("There are no categories yet.")),
      button(_("New category"), () => this.askName(), { shortcut: "n", class: "primary", autofocus: rows.length === 0 }), closeButton());
    dialog.querySelector(".row")?.focus();
  }

  // Asks for the name of a new category; `done` is called with it once it is created.
  askName(hint = _("It becomes a folder of this name, and gets a key at once."), done = null) {
    this.#form({ title: _("New category"), hint: () => hint, submit: this.create, done });
  }

  #askNewName(old) {
    const isTaken = (name) => name !== old && this.categories().some((one) => one.name === name);
    const hint = (name) => (isTaken(name) ? _("{old} and {new} become one category, {new}; Backspace takes it back.", { old, new: name })
      : this.categories().some((one) => one.name.startsWith(`${old}/`)) ? _("The categories in it are renamed too, and every answer follows; Backspace takes it back.")
      : _("Every answer that names it follows; Backspace takes it back."));
    this.#form({ title: _("Another name for {name}", { name: old }), before: old, hint, submit: (name) => this.rename(old, name) });
  }

  #form({ title, before = "", hint, submit, done = null }) {
    const help = muted(hint(before));
    const field = make("input", { type: "text", value: before, autofocus: true, list: "all-categories", maxlength: "80", autocomplete: "off",
      spellcheck: "false", "aria-label": title, oninput: () => { help.textContent = hint(field.value.trim()); } });
    const names = make("datalist", { id: "all-categories" }, ...this.categories().map(({ name }) => make("option", { value: name })));
    const save = async () => {
      const name = field.value.trim();
      if (name === "" || name === before || !(await submit(name))) return;
      if (done === null) return this.list();
      closeDialog();
      done(name);
    };
    field.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); save(); } });
    openDialog(title, make("div", { class: "form" }, field, names, help),
      button(_("Save"), save, { shortcut: "⏎", class: "primary" }), button(_("Cancel"), done === null ? () => this.list() : closeDialog));
    field.focus();
    field.select();
  }

  #moveFocus(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "n") { event.preventDefault(); this.askName(); }
    if (!step) return;
    event.preventDefault();
    const rows = [...event.currentTarget.querySelectorAll(".row")];
    rows[(rows.indexOf(document.activeElement) + step + rows.length) % rows.length].focus();
  }
}
