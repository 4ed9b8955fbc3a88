// Limits the queue to a rating or a tag, where the model's network is a tagger's: the button in the bar, and its dialog.

import { cancelButton, closeDialog, notify, openDialog } from "./dialogs.js";
import { button, make, muted } from "./dom.js";
import { _ } from "./i18n.js";

export const hasTagFilter = ({ rating, tag }) => rating !== "" || tag !== "";

// null where there are no tags.
export function tagButton(app) {
  const { tags, filter } = app;
  if (tags === null || tags.ratings.length + tags.tags.length === 0) return null;
  const chosen = [filter.rating, filter.tag].filter(Boolean).join(", ");
  return button(chosen || _("Tags"), () => ask(app), {
    id: "choose-tags", class: "tags-button", "aria-pressed": String(chosen !== ""), title: chosen || _("Only one rating or tag"),
  });
}

function ask(app) {
  const { tags: { ratings, tags }, filter } = app;
  const rating = make("select", { "aria-label": _("Rating") },
    ...["", ...ratings].map((name) => make("option", { value: name }, name || _("Any rating"))));
  rating.value = filter.rating;
  const tag = make("input", { type: "text", value: filter.tag, list: "all-tags", placeholder: _("A character or tag"), autocomplete: "off",
    spellcheck: "false", autofocus: true, "aria-label": _("A character or tag") });
  const known = make("datalist", { id: "all-tags" }, ...tags.map((name) => make("option", { value: name })));
  const show = () => {
    const name = tag.value.trim().replaceAll(" ", "_");
    if (name !== "" && !tags.includes(name)) return notify(_("There is no tag {name}", { name }), "bad");
    closeDialog();
    return app.show({ rating: rating.value, tag: name }).catch((error) => notify(error.message, "bad"));
  };
  tag.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); show(); } });
  openDialog(_("Only one rating or tag"),
    make("div", { class: "form" }, ratings.length ? rating : null, tag, known,
      muted(_("By the tagger's guesses, which may be wrong. Pictures without a kept embedding are not shown."))),
    button(_("Show"), show, { shortcut: "⏎", class: "primary" }),
    hasTagFilter(filter) ? button(_("All pictures"), () => { closeDialog(); app.show({ rating: "", tag: "" }); }) : null, cancelButton());
}
