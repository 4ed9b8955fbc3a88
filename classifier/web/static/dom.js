// Makes elements. Text is only ever text, so that no file name can become markup.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "disabled" || name === "hidden") element[name] = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const key = (name) => make("kbd", {}, name);

// A button with its text, and the key that does the same.
export const button = (text, onclick, { shortcut, ...attributes } = {}) =>
  make("button", { onclick, ...attributes }, shortcut ? key(shortcut) : null, make("span", {}, text));

// A button for a category, with its key.
export const categoryButton = ({ name, key: letter }, onclick, attributes = {}) => button(name, onclick, { shortcut: letter, ...attributes });

export const muted = (text) => make("p", { class: "muted" }, text);
