// Talks to the server that served this page. Answers are sent one after the other, in the order in which they were given.

import { inLanguage, say } from "./i18n.js";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// Why something was refused, as it is shown.
function why({ status, statusText }, answer) {
  return status === 401 ? say("restarted") : (inLanguage(answer, "error") ?? statusText).trim();
}

// The keys of this page, as its address's token was exchanged for: kept for a reload and for other tabs, in no cookie,
// which other servers of this machine would get.
let keys = JSON.parse(localStorage.getItem("keys") ?? "{}");
const opened = open();

async function open() {
  const token = new URLSearchParams(location.search).get("token");
  if (token === null) return;
  history.replaceState(null, "", location.pathname + location.hash);
  const response = await fetch("/api/open", posted({ token }));
  if (!response.ok) return;  // spent before: where this browser has the keys, it needs none
  keys = await response.json();
  localStorage.setItem("keys", JSON.stringify(keys));
}

async function ask(path, options = {}) {
  await opened;
  const headers = { ...options.headers, "X-Illsort-Key": keys.page ?? "" };
  const response = await fetch(path, { cache: "no-store", ...options, headers });
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  const answer = isJson ? await response.json() : { error: await response.text() };
  if (!response.ok) throw new Refused(response.status, why(response, answer));
  return answer;
}

export const get = (path, query = {}) => ask(`${path}?${new URLSearchParams(query)}`);

const post = (path, sent) => ask(path, posted(sent));

function posted(sent) {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(sent) };
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

let last = Promise.resolve();
let waiting = 0;
export const unsaved = () => waiting;
export const settled = () => last;

// What the server cannot be told now is told again until it hears; what it refuses is the caller's to show.
// A function tells what to send once all that was said before is saved.
export function send(path, sent, { onTrouble }) {
  waiting += 1;
  const told = last.then(async () => {
    const body = typeof sent === "function" ? sent() : sent;
    for (;;) {
      try {
        const answer = await post(path, body);
        onTrouble(null);
        return answer;
      } catch (error) {
        if (error instanceof Refused && error.status < 500) throw error;
        onTrouble(error);
        await pause(1000);
      }
    }
  });
  last = told.catch(() => undefined).finally(() => { waiting -= 1; });
  return told;
}

export const pictureUrl = (row, size) => `/picture/${row.picture}/${size}?key=${keys.pictures}`;
