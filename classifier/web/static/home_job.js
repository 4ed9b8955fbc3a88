// A job as it is shown: where it stands, how it ended, and what it printed.

import { closeButton, openDialog } from "./dialogs.js";
import { button, make } from "./dom.js";
import { fetchLog } from "./home_api.js";
import { _ } from "./i18n.js";

export const isActive = (job) => Boolean(job) && job.state !== "ended";

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
