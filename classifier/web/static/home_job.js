// A job as it is shown: how far it is, how it ended, and what it printed.

import { closeButton, openDialog } from "./dialogs.js";
import { button, make } from "./dom.js";
import { fetchLog } from "./home_api.js";
import { _, formatNumber, inLanguage } from "./i18n.js";

export const isActive = (job) => Boolean(job) && job.state !== "ended";

// A time left or a time taken, as one reads it.
export function formatDuration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes >= 60) return _("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  if (minutes >= 2) return _("{minutes} min", { minutes });
  return _("{seconds} s", { seconds: Math.max(1, Math.round(seconds)) });
}

export function formatSize(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3)) : 0;
  const value = bytes / 1000 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

const countOf = (count, { unit }) => (unit === "B" ? formatSize(count) : formatNumber(count));

function rateOf(shown) {
  const { rate, unit } = shown;
  if (unit === "B") return _("{rate} a second", { rate: formatSize(rate) });
  return _("{rate} a second", { rate: rate >= 10 ? Math.round(rate) : Number(rate.toFixed(1)) });
}

// What a job does at the moment: a bar, numbers and the time left.
export function runningView(job) {
  const stages = job.progress?.stages ?? [];
  const shown = stages.find(({ total }) => total) ?? stages.at(-1);
  const inner = stages.filter((stage) => stage !== shown).at(-1);
  const message = job.progress?.messages?.at(-1);
  if (!shown) return make("div", { class: "running" }, bar(null), make("div", { class: "numbers" }, make("span", {}, _("starting"))));
  const numbers = [
    make("span", {}, inLanguage(shown.name)),
    shown.unit && shown.total ? make("span", {}, _("{done} of {total}", { done: countOf(shown.done, shown), total: countOf(shown.total, shown) })) : null,
    shown.unit && !shown.total && shown.done ? make("span", {}, countOf(shown.done, shown)) : null,
    shown.rate ? make("span", { class: "muted" }, rateOf(shown)) : null,
    shown.note ? make("span", { class: "muted" }, inLanguage(shown.note)) : null,
    inner ? make("span", { class: "muted" }, inLanguage(inner.name)) : null,
    shown.left !== null ? make("span", { class: "left" }, _("about {duration} left", { duration: formatDuration(shown.left) })) : null,
  ];
  return make("div", { class: "running" }, bar(shown), make("div", { class: "numbers" }, ...numbers),
    message ? make("p", { class: "muted" }, inLanguage(message)) : null);
}

function bar(stage) {
  const hasEnd = stage?.total;
  return make("progress", hasEnd ? { max: stage.total, value: Math.min(stage.done, stage.total) } : {});
}

// The state of a job in a few words; empty for one that ended well, whose result the disk shows.
export function stateText(job) {
  if (!job) return "";
  if (job.state === "queued") return job.stops ? _("taken from the queue") : _("queued");
  if (job.state === "interrupted") return _("was ended from outside, and goes on where it was");
  if (job.state === "running") return job.stops ? _("stopping") : _("running");
  return {
    stopped: _("stopped; the same button goes on where it was"),
    "not begun": _("not begun, because the one before it did not end well"),
    failed: _("failed"),
    crashed: _("ended unexpectedly; the same button goes on where it was"),
    "done with failures": job.step === "look" ? _("done; something is missing") : _("done; some pictures could not be read"),
  }[job.outcome] ?? "";
}

// Why a job failed, in its own words; a process that was killed has said nothing.
export function failureText(job) {
  if (!job || !["failed", "crashed"].includes(job.outcome)) return "";
  if (job.exitCode === -9) return _("The system ended it (signal 9), mostly for want of memory.");
  return job.line;
}

export async function showLog(job, title) {
  const text = await fetchLog(job.number);
  const shown = make("pre", { class: "log", tabindex: "0" }, text.trim() || _("Nothing was printed."));
  openDialog(title, shown, closeButton({ autofocus: true }));
  shown.scrollTop = job.outcome === "done" ? 0 : shown.scrollHeight;
}

// A command with a button that copies it.
export function commandView(command, id) {
  const copy = button(_("Copy"), async () => {
    await navigator.clipboard.writeText(command);
    copy.querySelector("span").textContent = _("Copied");
  }, { id });
  return make("div", { class: "command" }, make("code", {}, command), copy);
}
