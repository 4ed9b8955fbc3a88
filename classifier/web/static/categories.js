// The categories in a dialog: how many labels each has, a new one, another name for one, two put together.

import { key, make } from "./dom.js";
import { count, say } from "./i18n.js";

// `change` is told {make} or {rename, to}, and resolves to whether it was done; `ask` shows a dialog, `close` ends it.
export function categoriesDialog({ state, ask, close, change }) {
  const list = () => {
    const rows = state().categories.map(({ name, key: letter, said }) =>
      make("li", {}, make("button", { class: "row", onclick: () => rename(name) },
        letter ? key(letter) : make("span"), make("span", { class: "name" }, name), make("span", { class: "number" }, count(said)))));
    ask(say("categories"),
      rows.length ? make("ul", { class: "category-list", onkeydown: walk }, ...rows) : make("p", { class: "quiet" }, say("noCategories")),
      make("button", { class: "main", autofocus: rows.length === 0, onclick: () => fresh() }, key("n"), make("span", {}, say("newCategory"))),
      make("button", { onclick: close }, key("Esc"), make("span", {}, say("close"))));
    document.querySelector("dialog .row")?.focus();
  };

  const fresh = (hint = say("newHint"), done = list) => form(say("newCategory"), "", () => hint, (name) => ({ make: name }), done);

  const rename = (old) => form(say("renameTitle", old), old,
    (name) => (state().categories.some((one) => one.name === name && name !== old) ? say("mergeHint", old, name) : say("renameHint")),
    (name) => ({ rename: old, to: name }), list);

  const form = (title, before, hint, wish, done) => {
    const told = make("p", { class: "quiet" }, hint(before));
    const field = make("input", { type: "text", value: before, autofocus: true, list: "all-categories", maxlength: "80", autocomplete: "off",
      spellcheck: "false", "aria-label": title, oninput: () => { told.textContent = hint(field.value.trim()); } });
    const submit = async () => {
      const name = field.value.trim();
      if (name === "" || name === before) return;
      if (await change(wish(name))) done(name);
    };
    field.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); submit(); } });
    const names = make("datalist", { id: "all-categories" }, ...state().categories.map(({ name }) => make("option", { value: name })));
    ask(title, make("div", { class: "form" }, field, names, told),
      make("button", { class: "main", onclick: submit }, key("⏎"), make("span", {}, say("okay"))),
      make("button", { onclick: done === list ? list : close }, make("span", {}, say("cancel"))));
    field.focus();
    field.select();
  };

  const walk = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "n") { event.preventDefault(); fresh(); }
    if (!step) return;
    event.preventDefault();
    const rows = [...event.currentTarget.querySelectorAll(".row")];
    rows[(rows.indexOf(document.activeElement) + step + rows.length) % rows.length].focus();
  };

  return { list, fresh };
}
