// How far a job is: a bar, numbers and the time left; times and sizes as one reads them.

import { make } from "./dom.js";
import { _, formatNumber, inLanguage } from "./i18n.js";

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
  if (!shown) return make("div", { class: "running" }, bar(null), make("div", { class: "numbers" }, make("span", {}, message ? _("working") : _("starting"))));
  const numbers = [
    make("span", {}, inLanguage(shown.name)),
    shown.unit && shown.total ? make("span", {}, _("{done} of {total}", { done: countOf(shown.done, shown), total: countOf(shown.total, shown) })) : null,
    shown.unit && !shown.total && shown.done ? make("span", {}, countOf(shown.done, shown)) : null,
    shown.rate ? make("span", { class: "muted" }, rateOf(shown)) : null,
    shown.note ? make("span", { class: "muted" }, inLanguage(shown.note)) : null,
    inner ? make("span", { class: "muted" }, inLanguage(inner.name)) : null,
    shown.left !== null ? make("span", { class: "left", title: _("By the last half minute.") }, _("about {duration} left", { duration: formatDuration(shown.left) })) : null,
  ];
  return make("div", { class: "running" }, bar(shown), make("div", { class: "numbers" }, ...numbers),
    message ? make("p", { class: "muted" }, inLanguage(message)) : null);
}

function bar(stage) {
  const hasEnd = stage?.total;
  return make("progress", hasEnd ? { max: stage.total, value: Math.min(stage.done, stage.total) } : {});
}
