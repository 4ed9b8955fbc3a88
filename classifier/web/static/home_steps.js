// The steps of a project in their order: what each of them shows, by what is on the disk and by its last job.

import { make } from "./dom.js";
import { isActive } from "./home_job.js";
import { _, count_, formatNumber, formatPercent, inLanguage, language } from "./i18n.js";
import { formatDuration, formatSize } from "./progress_view.js";

const ENOUGH = 5; // labels in each of two categories, as `illsort label` counts
const COMMA = () => _(", ");

const listed = (counts, most) => {
  const entries = Object.entries(counts);
  const shown = entries.slice(0, most).map(([name, count]) => `${name} ${formatNumber(count)}`).join(COMMA());
  return entries.length > most ? _("{list} and {count} more", { list: shown, count: entries.length - most }) : shown;
};

const textOf = (json, name) => (json?.[name] === undefined ? null : inLanguage({ en: json[name], zh: json[`${name}_zh`] ?? json[name] }));

// What a step shows: `facts` are lines, `isDone` whether its result is there, `canStart` whether it may begin.
// `actions` are [id, text, what it does]: the name of a command to start, or the address of a room.
const look = ({ crawl, duplicates }, jobs) => ({
  title: _("Look at the pictures"),
  isDone: Boolean(crawl?.done && crawl.pictures),
  facts: crawl ? crawlFacts(crawl) : [_("No folder of unsorted pictures is named.")],
  troubles: [textOf(crawl, "trouble")],
  actions: [
    { id: "count", text: _("Count again"), does: "count" },
    { id: "start-look", text: _("Measure this machine"), start: "look", hint: _("How long training and sorting take here, and what is missing.") },
    duplicates ? { id: "open-duplicates", text: _("Copies found"), does: "openDuplicates", hint: _("Each group side by side, the best first.") } : null,
    {
      id: "start-duplicates", text: duplicates ? _("Find copies again") : _("Find copies"), start: "duplicates", isMinor: true, isOff: !crawl,
      hint: _("Lists resized, compressed and slightly cut copies on a page, and changes nothing."),
    },
  ],
  job: newest(jobs.look, jobs.duplicates),
  command: "look",
});

function crawlFacts(crawl) {
  const size = formatSize(crawl.bytes);
  const first = count_("{count} picture, {size}", "{count} pictures, {size}", { count: crawl.pictures, size });
  const formats = Object.keys(crawl.formats).length ? listed(crawl.formats, 6) : null;
  const rest = [
    crawl.videos ? count_("{count} video", "{count} videos", { count: crawl.videos }) : null,
    crawl.ugoira ? count_("{count} Ugoira archive", "{count} Ugoira archives", { count: crawl.ugoira }) : null,
    crawl.archives ? count_("{count} archive", "{count} archives", { count: crawl.archives }) : null,
    crawl.others ? count_("{count} other file", "{count} other files", { count: crawl.others }) : null,
    crawl.unreadable ? count_("{count} file or folder could not be read", "{count} files and folders could not be read", { count: crawl.unreadable }) : null,
  ].filter(Boolean);
  return [crawl.done ? first : _("{found} so far", { found: first }), [formats, ...rest].filter(Boolean).join(" · ")].filter(Boolean);
}

// What a step does, after the step that comes before it, where that is still to do.
const hintAfter = (before, ...texts) => [before ? _("Comes after {step}.", { step: before }) : null, ...texts].filter(Boolean).join(language() === "zh" ? "" : " ");

const countCategories = (count) => count_("{count} category", "{count} categories", { count });
const hasLabels = ({ labels }) => Object.values(labels.categories).filter((count) => count >= ENOUGH).length >= 2;

// Whether there is a model, or will be when what is queued has been done.
const hasModel = ({ model }, jobs) => Boolean(model?.categories) || [jobs.train, jobs.finetune].some(isActive);

function label(project, jobs) {
  const { labels } = project;
  const facts = [];
  const isReading = isActive(jobs.label) && labels.drawn && labels.waiting === 0;
  const names = Object.keys(labels.categories).length;
  if (labels.count) {
    const counted = count_("{count} label", "{count} labels", { count: labels.count });
    facts.push(_("{labels} in {categories}: {list}", { labels: counted, categories: countCategories(names), list: listed(labels.categories, 8) }));
  }
  if (labels.counting) facts.push(_("counting the labels…"));
  if (labels.drawn && !isReading) facts.push(count_("{count} drawn picture waits for a name", "{count} drawn pictures wait for a name", { count: labels.waiting }));
  return {
    title: _("Label"),
    isDone: hasLabels(project),
    facts: [...facts, textOf(labels, "nested")].filter(Boolean),
    troubles: [(labels.drawn || isActive(jobs.label)) && !labels.count ? null : textOf(labels, "trouble")],
    hint: isReading ? _("Groups of what looks alike are made once the sample is read; then you name them.")
      : labels.count || labels.drawn ? null : _("Nothing is labeled yet: draw a sample, and name what looks alike."),
    actions: [
      labels.drawn ? { id: "open-label", text: isReading ? _("Watch") : _("Name them"), room: "label/" } : null,
      labels.nested === undefined ? null : { id: "nest", text: _("Make them categories"), does: "nest", hint: _("Writes depth = 2 under [labels] into illsort.toml.") },
      labels.whole ? null : { id: "start-label", text: labels.drawn ? _("Go on reading") : _("Draw a sample"), start: "label", isMinor: labels.drawn || labels.count > 0 },
    ],
    job: jobs.label,
    command: "label",
  };
}

const finetuneText = (model) =>
  model?.finetuneSeconds ? _("Fine-tune: about {duration}", { duration: formatDuration(model.finetuneSeconds) }) : _("Fine-tune");

// What the time on the button rests on; it was measured with whatever else the machine did then.
const finetuneBasis = (model) => (model.finetuneSeconds
  ? _("The time of fine-tuning is an estimate, by how fast the last training looked at the labels; a busy machine takes longer.") : null);

function train(project, jobs) {
  const { model } = project;
  const canStart = hasLabels(project) || project.labels.count > 0;
  const facts = [];
  if (model?.accuracy !== undefined) {
    facts.push(_("{accuracy} of {count} held-out labeled pictures are predicted right", { accuracy: formatPercent(model.accuracy), count: model.heldOut ?? "" }));
  }
  if (model?.categories) {
    facts.push(_("{categories}, trained {date}", { categories: countCategories(model.categories), date: formatDate(model.trained) }));
  }
  return {
    title: _("Train"),
    isDone: Boolean(model?.categories),
    facts,
    troubles: [textOf(model, "trouble")],
    hint: model ? finetuneBasis(model) : hintAfter(!canStart && _("Label"), _("Learns your categories from the labels.")),
    canStart,
    actions: [
      { id: "start-train", text: model ? _("Train again") : _("Train"), start: "train" },
      { id: "start-finetune", text: finetuneText(model), start: "finetune", isMinor: true, hint: _("The whole network learns: usually better, and longer.") },
    ],
    job: newest(jobs.train, jobs.finetune),
    command: "train",
  };
}

const copiesOf = ({ copies }) => copies ? count_("{count} copy of what is filed", "{count} copies of what is filed", { count: copies }) : null;

function preview(project, jobs) {
  const last = project.library?.preview;
  const canStart = hasModel(project, jobs);
  const facts = last ? [_("{filed} of {count} would be filed, {review} would wait for you, {unknown} unlike all labels", { ...last, count: last.images }), copiesOf(last)].filter(Boolean) : [];
  return {
    title: _("Preview"),
    isDone: Boolean(last ?? project.library?.sorts),
    facts,
    hint: last ? null : hintAfter(!canStart && _("Train"), _("Says what would be filed where, and files nothing; what it reads is kept for the sort.")),
    canStart,
    actions: [
      last?.sheet ? { id: "open-sheet", text: _("Contact sheet"), does: "openSheet", hint: _("Samples of each category, and a slider for the threshold.") } : null,
      { id: "start-preview", text: last ? _("Preview again") : _("Preview"), start: "preview" },
    ],
    job: jobs.preview,
    command: "preview",
  };
}

// What a sort does with the unsorted pictures, by its mode.
const sortHint = (mode) => ({
  copy: _("Copies the pictures into category folders; the unsorted ones stay."),
  move: _("Moves the pictures into category folders, out of the folder of unsorted ones."),
  symlink: _("Puts symbolic links into category folders; the unsorted pictures stay, and must stay where they are."),
}[mode] ?? _("Links the pictures into category folders, or copies them to another disk; the unsorted ones stay."));

function sort(project, jobs) {
  const { library } = project;
  const canStart = hasModel(project, jobs);
  const facts = [];
  if (library?.sorts || library?.filed || library?.review) {
    facts.push(_("{filed} filed, {review} wait for you, {unknown} unlike all labels", { filed: library.filed, review: library.review, unknown: library.unknown }));
    if (library.copies) facts.push(copiesOf(library));
    if (library.filed) facts.push(listed(library.categories, 8));
    if (library.broken) facts.push(count_("{count} picture could not be read: _broken.csv", "{count} pictures could not be read: _broken.csv", { count: library.broken }));
  }
  return {
    title: _("Sort"),
    isDone: Boolean(library?.sorts),
    facts,
    troubles: [textOf(library, "trouble")],
    hint: library?.sorts ? null : hintAfter(!canStart && _("Train"), sortHint(project.mode), _("What is unsure waits for you.")),
    canStart,
    actions: [{ id: "start-sort", text: library?.sorts ? _("Sort again") : _("Sort"), start: "sort" }],
    job: jobs.sort,
    command: "sort",
  };
}

// A preview makes a library too, in which there is nothing to look at.
const isFiled = (library, jobs) => Boolean(library) && (library.sorts > 0 || library.filed > 0 || library.review > 0 || isActive(jobs.sort));

function reviewFacts({ review, unknown, answers }) {
  const { answered, skipped, of_no_category: none } = answers;
  return [
    _("{review} wait for a decision, {unknown} are unlike all labels", { review, unknown }),
    answered ? _("{count} of them you answered: file them on the page.", { count: answered }) : null,
    none ? _("{count} of them are none of your categories, as you answered.", { count: none }) : null,
    skipped ? _("{count} of them you skipped.", { count: skipped }) : null,
  ].filter(Boolean);
}

function review({ library }, jobs) {
  return {
    title: _("Review"),
    isDone: Boolean(library?.sorts) && library.review === 0 && !isActive(jobs.sort),
    facts: library?.sorts ? reviewFacts(library) : [],
    hint: hintAfter(!library && _("Sort"), _("Decide what is unsure, by single keys; open it while the sort runs.")),
    actions: [{ id: "open-review", text: _("Review"), room: "review/", isOff: !isFiled(library, jobs) || library.trouble !== undefined }],
    command: "review",
  };
}

function audit({ library }) {
  const last = library?.audit;
  const facts = [];
  if (last?.until) facts.push(_("{judged} judged, until at most {rate} is shown", { judged: last.judged, rate: last.until }));
  else if (last) facts.push(_("{judged} of {drawn} judged", { judged: last.judged, drawn: last.drawn }));
  if (last?.source) facts.push(_("of what the answers at {source} file", { source: last.source }));
  if (last?.finished) facts.push(textOf(last, "bound"));
  if (last && !last.current) facts.push(_("something was filed or moved since"));
  return {
    title: _("Spot check"),
    isDone: Boolean(last?.finished && last.current),
    facts: facts.filter(Boolean),
    hint: last ? null : hintAfter(!library?.filed && _("Sort"), _("Judge a random sample of what was filed, and know how much can be wrong at most.")),
    actions: [{ id: "open-audit", text: last ? _("Open the check") : _("Check"), room: "review/#audit", isOff: !library?.filed }],
    command: "audit",
  };
}

const newest = (...jobs) => jobs.filter(Boolean).sort((one, other) => other.number - one.number)[0];
const formatDate = (text) => new Date(text).toLocaleString(language() === "zh" ? "zh-CN" : "en", { dateStyle: "medium", timeStyle: "short" });

// All steps; the first that is not done is the next one.
export function stepsOf(project, jobs) {
  const last = {};
  for (const job of jobs) last[job.step] = job;
  const steps = [look, label, train, preview, sort, review, audit].map((step) => step(project, last))
    .map((step) => ({ ...step, isDone: step.isDone && (step.command === "look" || !isActive(step.job)) }));
  const next = steps.findIndex(({ isDone }) => !isDone);
  return steps.map((step, index) => ({ canStart: true, troubles: [], ...step, isNext: index === next }));
}

export const factLine = (text) => make("p", { class: "fact" }, text);
