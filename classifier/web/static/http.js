// Requests to the server that served this page. What is sent goes out in the order in which it was given.

import { _, inLanguage } from "./i18n.js";

const RETRY_MS = 1000;

// The address below which this page is served: empty, or that of a room of the home page, such as "/review".
export const base = new URL("..", import.meta.url).pathname.slice(0, -1);

export class RefusedError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// The keys of this page, for which its address's token was exchanged. They are kept for a reload and for other tabs, in
// no cookie, which browsers send to other servers of this machine too.
let keys = JSON.parse(localStorage.getItem("keys") ?? "{}");
const opened = open();

async function open() {
  const token = new URLSearchParams(location.search).get("token");
  if (token === null) return;
  history.replaceState(null, "", location.pathname + location.hash);
  const response = await fetch("/api/open", asPost({ token }));
  if (!response.ok) return; // the token was spent before: this browser may have the keys already
  keys = await response.json();
  localStorage.setItem("keys", JSON.stringify(keys));
}

function asPost(body) {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

async function request(path, options = {}) {
  await opened;
  const headers = { ...options.headers, "X-Illsort-Key": keys.page ?? "" };
  const response = await fetch(base + path, { cache: "no-store", ...options, headers });
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  const content = isJson ? await response.json() : { error: await response.text() };
  if (!response.ok) throw new RefusedError(response.status, refusalText(response, content));
  return content;
}

function refusalText({ status, statusText }, { error, error_zh: chinese }) {
  if (status === 401) return _("This page is not open here: open the address that was printed last in the terminal");
  return inLanguage({ en: error ?? statusText, zh: chinese ?? error ?? statusText }).trim();
}

export const get = (path, query = {}) => request(`${path}?${new URLSearchParams(query)}`);

// Posts `body` once, beside what is sent in order: for what saves nothing. Rejects if it is not answered.
export const sendOnce = (path, body) => request(path, asPost(body));

export const imageUrl = (id, size) => `${base}/picture/${id}/${size}?key=${keys.pictures}`;

let lastSent = Promise.resolve();
let unsaved = 0;
let reportConnection = () => undefined;

// How many requests the server has not answered yet.
export const unsavedCount = () => unsaved;

// Resolves when everything that was sent until now is saved or refused.
export const allSaved = () => lastSent;

// `report` is called with an error each time the server is not reached, and with null when it is.
export function onConnection(report) {
  reportConnection = report;
}

// Posts `body` once everything before it is saved, and again until the server answers; a function is called only then.
// Rejects with RefusedError if the server refuses.
export function send(path, body = {}) {
  unsaved += 1;
  const sent = lastSent.then(() => sendUntilAnswered(path, asPost(typeof body === "function" ? body() : body)));
  lastSent = sent.catch(() => undefined).finally(() => { unsaved -= 1; });
  return sent;
}

async function sendUntilAnswered(path, post) {
  for (;;) {
    try {
      const content = await request(path, post);
      reportConnection(null);
      return content;
    } catch (error) {
      if (error instanceof RefusedError && error.status < 500) throw error;
      reportConnection(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
