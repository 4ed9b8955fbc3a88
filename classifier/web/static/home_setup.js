// The first questions: whether there are sorted folders, where the crawl is, and where the project goes.

import { notify } from "./dialogs.js";
import { button, make, muted } from "./dom.js";
import { sendChange, sendCreate, sendOpen, sendPropose } from "./home_api.js";
import { pickFolder } from "./home_picker.js";
import { _ } from "./i18n.js";

const separatorOf = (path) => (path.includes("\\") ? "\\" : "/");
const inner = { labels: "labels", model: "model", library: "sorted" };

export class Setup {
  // `opened` is called with the new state of the page.
  constructor(home, opened) {
    this.home = home;
    this.opened = opened;
    this.isSorted = null;
    this.values = { ...home.proposed, crawl: "" };
    this.isEdited = new Set();
    this.element = make("div", { class: "home-body" });
    this.draw();
  }

  draw() {
    this.element.replaceChildren(...[this.#recent(), this.#questions()].filter(Boolean));
  }

  #recent() {
    const { recent } = this.home;
    if (!recent.length) return null;
    return make("section", { class: "setup" }, make("h1", {}, _("Go on with")),
      make("div", { class: "recent" }, ...recent.map((path) => button(path, () => this.#send(sendOpen(path))))));
  }

  #questions() {
    const choice = (isSorted, id, title, text) => make("button", {
      id, "aria-pressed": String(this.isSorted === isSorted), onclick: () => this.#answer(isSorted),
    }, make("strong", {}, title), make("span", { class: "muted" }, text));
    return make("section", { class: "setup" }, make("h1", {}, _("Start with new pictures")),
      make("div", { class: "choices" },
        choice(true, "have-sorted", _("I have sorted folders"), _("Some pictures are in a folder for each category: they are the labels.")),
        choice(false, "have-nothing", _("I have nothing sorted"), _("A sample is drawn, and you name what looks alike, on a page."))),
      ...(this.isSorted === null ? [] : this.#form()));
  }

  // Sorted folders are somewhere already, and must be chosen.
  #answer(isSorted) {
    this.isSorted = isSorted;
    if (!this.isEdited.has("labels")) this.values.labels = isSorted ? "" : this.values.project + separatorOf(this.values.project) + inner.labels;
    this.draw();
  }

  #create() {
    const missing = ["crawl", "labels", "project", "model", "library"].find((name) => !this.values[name].trim());
    if (missing === undefined) return this.#send(sendCreate(this.values));
    notify(_("Choose this folder first."), "bad");
    document.getElementById(`path-${missing}`).focus();
  }

  #form() {
    return [
      this.#field("crawl", _("The unsorted pictures"), _("This folder is only read.")),
      this.#field("labels", _("The labels: a folder for each category"),
        this.isSorted ? _("Choose the folder in which your category folders are.") : _("What you name is filed here.")),
      this.#field("project", _("The project"), _("A folder for illsort.toml, which holds these paths.")),
      this.#field("model", _("The trained model"), ""),
      this.#field("library", _("The sorted pictures"), _("Category folders are made here. On the disk of the unsorted pictures, they are linked and take no room.")),
      make("div", { class: "actions" }, button(_("Create the project"), () => this.#create(), { class: "primary", id: "create" })),
    ];
  }

  #field(name, title, hint) {
    const changed = (path) => {
      this.values[name] = path;
      this.isEdited.add(name);
      if (name === "project") this.#followProject(path);
    };
    const settled = () => { if (name === "crawl" || name === "project") this.#proposeLibrary(); };
    return folderField(name, title, hint, this.values[name], this.home.recent, changed, settled);
  }

  // On the disk of the crawl, pictures are linked.
  async #proposeLibrary() {
    const { crawl, project } = this.values;
    if (!crawl || this.isEdited.has("library")) return;
    const library = await sendPropose(crawl, project).catch(() => null);
    if (library !== null && crawl === this.values.crawl && !this.isEdited.has("library")) this.#set("library", library);
  }

  #set(name, path) {
    this.values[name] = path;
    const field = document.getElementById(`path-${name}`);
    if (field) field.value = path;
  }

  // The folders that were not chosen stay in the project's folder.
  #followProject(path) {
    for (const [name, place] of Object.entries(inner)) {
      if (!this.isEdited.has(name) && !(name === "labels" && this.isSorted)) this.#set(name, path + separatorOf(path) + place);
    }
  }

  async #send(answer) {
    try {
      this.opened(await answer);
    } catch (error) {
      notify(error.message, "bad");
    }
  }
}

// The folders of a project that is there.
export class FoldersForm {
  constructor(home, opened) {
    const values = { ...home.project.folders };
    const field = (name, title) => folderField(name, title, "", values[name] ?? "", home.recent, (path) => { values[name] = path; });
    const save = async () => {
      try {
        opened(await sendChange(values));
      } catch (error) {
        notify(error.message, "bad");
      }
    };
    this.element = make("div", { class: "home-body" }, make("section", { class: "setup" }, make("h1", {}, _("Folders")),
      muted(_("They are written into {file}; nothing is moved.", { file: "illsort.toml" })),
      field("crawl", _("The unsorted pictures")), field("labels", _("The labels: a folder for each category")),
      field("model", _("The trained model")), field("library", _("The sorted pictures")),
      make("div", { class: "actions" }, button(_("Save"), save, { class: "primary", id: "save" }), button(_("Cancel"), () => opened(home)))));
  }
}

// `changed` is called with each new path, `settled` once it is whole.
function folderField(name, title, hint, value, recent, changed, settled = () => undefined) {
  const id = `path-${name}`;
  const field = make("input", { type: "text", id, value, spellcheck: "false", autocomplete: "off", oninput: () => changed(field.value), onchange: settled });
  const pick = async () => {
    const path = await pickFolder(title, { start: field.value || null, recent });
    if (path === null) return;
    field.value = path;
    changed(path);
    settled();
  };
  return make("div", { class: "field" }, make("label", { for: id }, title),
    make("div", { class: "line" }, field, button(_("Choose"), pick, { id: `pick-${name}` })), hint ? muted(hint) : null);
}
