// The dialog that chooses a folder of this machine: places to begin at, recent folders, a path to paste.

import { cancelButton, closeDialog, openDialog } from "./dialogs.js";
import { button, make, muted } from "./dom.js";
import { sendFolders } from "./home_api.js";
import { _, count_ } from "./i18n.js";

// Resolves to the chosen path, or to null. `start` is where it begins, null for the home folder.
export function pickFolder(title, { start = null, recent = [] } = {}) {
  return new Promise((resolve) => new Picker(title, recent, resolve).open(start, true));
}

class Picker {
  constructor(title, recent, resolve) {
    this.recent = recent;
    this.resolve = resolve;
    this.path = null;
    this.version = 0;
    this.field = make("input", { type: "text", id: "picker-path", spellcheck: "false", autocomplete: "off", "aria-label": _("Path"),
      oninput: () => { this.version += 1; },
      onkeydown: (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); this.open(this.field.value); } } });
    this.places = make("div", { class: "places" });
    this.contents = muted("");
    this.list = make("div", { class: "list" });
    this.choose = button(_("Choose this folder"), () => this.#end(this.field.value.trim() || this.path), { class: "primary", id: "picker-choose" });
    const go = button(_("Go"), () => this.open(this.field.value), { id: "picker-go" });
    openDialog(title, make("div", { class: "picker" }, this.places,
      make("div", { class: "field" }, make("div", { class: "line" }, this.field, go)), this.contents, this.list),
    this.choose, cancelButton());
    document.getElementById("dialog").addEventListener("close", () => this.resolve(null), { once: true });
  }

  // Shows a folder; one that cannot be listed leaves the list as it is, and says why. What was typed meanwhile stays.
  async open(path, nearest = false) {
    const version = (this.version += 1);
    try {
      const listing = await sendFolders(path, nearest);
      if (version === this.version) this.#show(listing);
    } catch (error) {
      if (version !== this.version) return;
      if (this.path === null && path !== null) await this.open(null);
      this.contents.textContent = error.message;
    }
  }

  #show({ path, parent, folders, more, pictures, places }) {
    this.path = path;
    this.field.value = path;
    const begin = [...places, ...this.recent.map((one) => ({ name: one, path: one }))];
    this.places.replaceChildren(...begin.map((place) => button(place.name, () => this.open(place.path))));
    this.contents.textContent = [
      count_("{count} picture directly in it", "{count} pictures directly in it", { count: pictures }),
      count_("{count} folder", "{count} folders", { count: folders.length + more }),
    ].join(" · ");
    const rows = folders.map((folder) => button(folder.name, () => this.open(folder.path), { disabled: folder.path === "" }));
    const up = parent ? button(_("One folder up"), () => this.open(parent), { class: "plain" }) : null;
    const rest = more ? muted(_("{count} more are not listed: paste the path", { count: more })) : null;
    this.list.replaceChildren(...[up, ...rows, rest].filter(Boolean));
    this.list.scrollTop = 0;
  }

  #end(path) {
    this.resolve(path);
    closeDialog();
  }
}
