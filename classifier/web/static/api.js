// The server's routes. URLs and JSON keep the names that they were released with; here they get the page's names.

import { get, send, sendOnce } from "./http.js";

/**
 * @typedef {{ en: string, zh: string }} Text in both languages
 * @typedef {Object} Item an image of a queue
 * @property {string} id
 * @property {string} queue review, unknown or file
 * @property {string} category the suggested one; empty if there is none
 * @property {string} parent the one that it is surely of, where none of the categories in it is sure; else empty
 * @property {string} name of its file
 * @property {string[]} ruledOut categories that it is not of
 * @property {Text} reason of the last sort's decision
 * @property {boolean} isReasonOld whether the model has learned since
 * @property {string | null} becomes the category that a person said, where it is not moved there yet; empty for none
 * @property {[string, number][]} guesses categories and their probabilities, the most likely first
 * @typedef {Object} Answer
 * @property {string} id
 * @property {"right" | "wrong" | "none of these" | "skipped"} answer
 * @property {string | null} category
 * @typedef {Object} Grid images that look alike, or of one predicted category
 * @property {number} cluster
 * @property {string | null} category
 * @property {number} count
 */

const ORDERS = {
  confidence: "surety", category: "category", folder: "path", newest: "newest", informative: "learned", similar: "alike", copies: "copies" };

// null where there is no text.
const textOf = (json, name) => (json[name] === undefined ? null : { en: json[name], zh: json[`${name}_zh`] ?? json[name] });

const stateOf = (json) => ({
  library: json.library,
  trainCommand: json.train,
  undoCommand: json.undo,
  takesOriginals: json.moves, // the last sort moved pictures out of the crawl
  isLabeling: json.labelling,
  categories: json.categories.map(({ name, key, said }) => ({ name, key, labelCount: said })),
  waiting: json.waiting, // queue -> category -> how many
  skipped: json.skipped,
  toFile: json.to_file,
  undoSteps: json.steps,
  missing: json.missing,
  byHand: json.by_hand, // in the file manager, to be answered: how many pictures were moved and added
  newestAnnotation: json.words,
  chanceShare: json.by_chance, // of all answers, about pictures drawn by chance
  learning: learningOf(json.learning),
  ranking: rankingOf(json.outlook),
});

const learningOf = ({ at, done, total, outcome, ...json }) => ({
  status: at, // none, starting, learning, ready, filing, cannot or trouble
  reason: textOf(json, "why"),
  done,
  total,
  outcome: outcome && { number: outcome.number, filed: outcome.filed, notFiled: textOf(outcome, "notFiled") },
});

// `share` is what could be filed before and after; `number` is 0 before the first ranking.
const rankingOf = ({ number, share, fileable, rule, verdicts, new: added }) => ({
  number, share, fileable, rule, answers: verdicts, newAnswers: added,
});

const itemOf = (json) => ({
  id: json.picture,
  queue: json.tray,
  category: json.category,
  parent: json.parent,
  name: json.name,
  path: json.path,
  width: json.width,
  height: json.height,
  ruledOut: json.ruled_out,
  reason: textOf(json, "reason"),
  isReasonOld: json.learned_since,
  guesses: json.guesses,
  becomes: json.becomes ?? null,
});

const pageOf = ({ pictures, next, ...rest }) => ({ items: pictures.map(itemOf), next, ...rest });

const answerJson = ({ id, answer, category }) => ({ picture: id, said: answer, category });

const skippedFilesOf = (left) => left.map((json) => ({ name: json.name, reason: textOf(json, "why") }));

const filingOf = ({ run, moved, left, state }) => ({ run, moved, skipped: skippedFilesOf(left), state: stateOf(state) });

export const fetchState = async () => stateOf(await get("/api/state"));

// A page of a queue. `next` is where the page after it begins, null at the end.
export async function fetchQueue({ queue, order, category, folder, rating, tag, isGrid }, { after, limit }) {
  return pageOf(await get("/api/queue", {
    order: ORDERS[order], limit,
    ...(queue === "skipped" ? { skipped: "1" } : { tray: queue }),
    ...(category && { category }), ...(folder !== "" && { folder }), ...(rating && { rating }), ...(tag && { tag }), ...(isGrid && { grid: "1" }),
    ...(after !== undefined && { after: JSON.stringify(after) }),
  }));
}

// A page of what is filed, and how many pictures each category has.
export async function fetchFiled({ category, order }, { after, limit }) {
  return pageOf(await get("/api/filed", { order: ORDERS[order], limit, ...(category && { category }), ...(after !== undefined && { after }) }));
}

// What in the library is most like an image, itself first.
export const fetchMostAlike = async (id) => (await get(`/api/filed/like/${id}`)).pictures.map(itemOf);

// Copies that are each filed by itself from now on, with all of their groups; how many they are.
export const sendKeepCopies = async (ids) => (await send("/api/copies/keep", { pictures: ids })).kept;

// What is drawn by chance next, filed or waiting.
export const fetchDrawn = async ({ limit }) => pageOf(await get("/api/by-chance", { limit }));

// `isDrawn` is whether the one picture was drawn by chance.
export async function sendAnswers(answers, isDrawn = false) {
  return stateOf((await send(isDrawn ? "/api/by-chance/say" : "/api/say", { answers: answers.map(answerJson) })).state);
}

// `steps` returns how many steps there are when it is sent: taken back once, whatever is sent twice.
export async function sendUndo(steps) {
  const { pictures, state } = await send("/api/back", () => ({ steps: steps() }));
  return { items: pictures.map(itemOf), state: stateOf(state) };
}

export const sendFile = async () => filingOf(await send("/api/file"));

export const sendFileLearned = async () => stateOf((await send("/api/file-learned")).state);

export const sendNewCategory = async (name) => stateOf((await send("/api/categories", { make: name })).state);

export const sendRename = async (rename, to) => stateOf((await send("/api/categories", { rename, to })).state);

// Looks at the library again.
export const fetchManualChanges = async () => (await get("/api/manual-changes")).by_hand;

// `seen` are the numbers that the person was asked about.
export const sendManualChanges = async (learn, seen) => stateOf((await send("/api/manual-changes", { learn, ...seen })).state);

// A sample that is still read: its job as the home page has it, whether its groups are there, what was read last.
export async function fetchReading() {
  const { job, grouped: isGrouped, pictures: ids } = await get("/api/reading");
  return { job, isGrouped, ids };
}

// The folders of the crawl, around the chosen one: [number, name, depth, how many wait].
export const fetchFolders = ({ queue, folder }) =>
  get("/api/folders", { tray: ["unknown", "skipped"].includes(queue) ? queue : "review", ...(folder !== "" && { folder }) });

// The ratings and tags by which the queue can be limited: { ratings, tags }, both empty where no tagger is used.
export const fetchTags = () => get("/api/tags");

const gridsOf = ({ grids, groups }) => ({
  grids: grids.map(({ look, category, count, names }) => ({ cluster: look, category, count, names })),
  clusters: { total: groups.all, named: groups.named, untouched: groups.untouched },
});

export const fetchGrids = async () => gridsOf(await get("/api/grids"));

// The images of a grid, and all grids at that moment.
export async function fetchGrid({ cluster, category }, { limit }) {
  const { pictures, next, ...all } = await get("/api/grid", { limit, ...(category === null ? { look: cluster } : { category }) });
  return { items: pictures.map(itemOf), next, ...gridsOf(all) };
}

// Which kinds of similar images this library has.
export async function fetchSimilarKinds() {
  const { labelled, alike } = await get("/api/near");
  return { neighbors: labelled, nearDuplicates: alike };
}

// The nearest labeled images, the near-duplicates that wait (null while these are still searched for), and the other
// pages of the same post that wait.
export async function fetchSimilar(id) {
  const { labelled, alike, pages } = await get(`/api/near/${id}`);
  return { neighbors: labelled.map(neighborOf), nearDuplicates: alike && alike.map(itemOf), pages: pages.map(itemOf) };
}

const neighborOf = ({ picture, category, cosine, there }) => ({ id: picture, category, cosine, hasFile: there });

const auditOf = ({ usual, there, guaranteed, asked, at_most: most, finished, kept, enough, rate_text: rateText, left_at_this_rate: left, shown, pictures, categories, ...json }) => ({
  ...json, // drawn, earlier, number, confidence, wrong, skipped, filed, steps, target, misfiled, offer, rate, until, source, again
  rateText,
  leftAtThisRate: left,
  isShown: shown,
  usualCount: usual,
  filedNow: there,
  isGuaranteed: guaranteed,
  judged: asked,
  atMost: most,
  isFinished: finished,
  isKept: kept,
  suggestedCount: enough,
  items: pictures.map(itemOf),
  categories: categories?.map((one) => ({ name: one.name, filed: one.filed, judged: one.asked, wrong: one.wrong, atMost: one.at_most })),
});

const auditAnswerOf = ({ audit, state }) => ({ audit: auditOf(audit), state: stateOf(state) });

export const fetchAudit = async () => auditAnswerOf(await get("/api/audit"));
export const sendAuditBegin = async (how) => auditAnswerOf(await send("/api/audit/begin", how)); // { count } or { until }
export const sendAuditUndo = async (steps) => auditAnswerOf(await send("/api/audit/back", () => ({ steps: steps() })));

export async function sendAuditAnswers(answers, steps) {
  return auditAnswerOf(await send("/api/audit/say", () => ({ answers: answers.map(answerJson), steps: steps() })));
}

// Moves the images judged wrong to `_review`; with `by_threshold`, also those below the offered threshold.
export async function sendAuditFile(options = {}) {
  const json = await send("/api/audit/file", options);
  return { ...auditAnswerOf(json), filing: filingOf(json) };
}

// Opens the file manager of the machine that serves the page.
export const showInFolder = (id) => sendOnce("/api/show-in-folder", { picture: id });

const issuesOf = ({ of, left, here, steps, option, pictures }) => ({
  total: of, left, leftHere: here, steps, option,
  items: pictures.map(({ picture, name, path, category, likely, confidence }) => ({ id: picture, name, path, category, likely, confidence })),
});

const issuesAnswerOf = ({ doubts, state }) => ({ issues: issuesOf(doubts), state: stateOf(state) });

export const fetchLabelIssues = async () => issuesOf((await get("/api/doubts")).doubts);

// The labeled images nearest to one with a doubtful label: of its own category, and of the one that is rather likely.
export async function fetchIssueNeighbors(id) {
  const { category, likely } = await get(`/api/doubts/${id}`);
  return [category.map(neighborOf), likely.map(neighborOf)];
}

export const sendIssueUndo = async (steps) => issuesAnswerOf(await send("/api/doubts/back", () => ({ steps: steps() })));

export async function sendIssueAnswers(answers) {
  return issuesAnswerOf(await send("/api/doubts/say", { answers: answers.map(answerJson) }));
}
