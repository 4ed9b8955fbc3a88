// The buttons of where the file of an image is.

import { showInFolder } from "./api.js";
import { notify } from "./dialogs.js";
import { button, make } from "./dom.js";
import { _ } from "./i18n.js";

// Browsers let a page copy only at an address of this machine, or an encrypted one: elsewhere the path is shown.
async function copyPath({ path }) {
  const isCopied = await navigator.clipboard?.writeText(path).then(() => true, () => false);
  notify(isCopied ? _("Copied: {path}", { path }) : path);
}

const show = ({ id, name }) => showInFolder(id).then(
  () => notify(_("Shown in the file manager: {name}", { name })), (error) => notify(error.message, "bad"));

export const fileButtons = (item) => make("span", { class: "file-buttons" },
  button(_("Show in folder"), () => show(item), { class: "plain copy" }),
  button(_("Copy path"), () => copyPath(item), { class: "plain copy", title: item.path }));
