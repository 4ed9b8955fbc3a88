// The home page: the steps of the open project, or the questions with which one begins.

import { hideNotification, isDialogOpen, notify } from "./dialogs.js";
import { button, make, muted } from "./dom.js";
import { fetchHome, fetchJobs, sendClose, sendCount, sendNest, sendOpenDuplicates, sendOpenSheet, sendStart, sendStop } from "./home_api.js";
import { commandView, failureText, isActive, showLog, stateText } from "./home_job.js";
import { FoldersForm, Setup } from "./home_setup.js";
import { factLine, stepsOf } from "./home_steps.js";
import { RefusedError } from "./http.js";
import { _, language, switchLanguage } from "./i18n.js";
import { runningView } from "./progress_view.js";

const BUSY_MS = 700;
const CALM_MS = 4000;
const FACTS_EVERY_MS = { drawing: 2000, others: 10000 };
const view = document.getElementById("view");
const bar = document.getElementById("toolbar");

class Home {
  constructor() {
    this.home = null;
    this.jobs = [];
    this.form = null; // what is shown in place of the steps
    this.cards = [];
    this.factsAt = 0;
    this.timer = 0;
    this.isLost = false;
    this.wanted = location.hash.slice(1); // the step to bring into view: its name, or "next"
  }

  async open() {
    await this.refresh();
    window.addEventListener("focus", () => this.#soon(0));
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#soon(0); });
  }

  // Reads everything anew, and goes on doing so.
  async refresh() {
    try {
      await this.#read();
      if (this.isLost) hideNotification();
      this.isLost = false;
    } catch (error) {
      if (error instanceof RefusedError) notify(error.message, "bad");
      else notify(_("illsort does not answer. What was started goes on; run illsort again to see it."), "bad");
      this.isLost = true;
    }
    this.#soon();
  }

  async #read() {
    const before = this.jobs;
    this.jobs = this.home?.folder ? await fetchJobs() : [];
    const age = Date.now() - this.factsAt;
    const isStale = this.home === null || age > (this.jobs.some((job) => job.step === "label" && isActive(job)) ? FACTS_EVERY_MS.drawing : FACTS_EVERY_MS.others) || endedIn(before) !== endedIn(this.jobs);
    if (isStale || this.#isCounting()) await this.#readFacts();
    else this.#update();
  }

  async #readFacts() {
    const isFirst = this.home === null;
    const home = await fetchHome();
    this.factsAt = Date.now();
    if (isFirst && home.folder) this.jobs = await fetchJobs();
    this.show(home);
  }

  #isCounting() {
    return this.home?.project?.crawl?.done === false || Boolean(this.home?.project?.labels.counting);
  }

  #soon(delay = this.jobs.some(isActive) || this.#isCounting() ? BUSY_MS : CALM_MS) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), delay);
  }

  // Shows a new state of the server.
  show(home) {
    const isOther = this.home?.folder !== home.folder;
    this.home = home;
    if (isOther) {
      this.form = home.folder ? null : new Setup(home, (opened) => this.#openedProject(opened));
      this.cards = [];
    }
    this.#drawBar();
    this.#update();
  }

  async #openedProject(home) {
    this.form = null;
    this.cards = [];
    this.jobs = [];
    this.wanted = "next";
    this.show(home);
    await this.refresh();
  }

  #drawBar() {
    const { home } = this;
    bar.replaceChildren(...[
      make("strong", {}, "illsort"),
      home.folder ? make("span", { class: "project", title: home.folder }, home.folder) : null,
      make("div", { class: "toolbar-end" },
        home.project ? button(_("Folders"), () => this.#editFolders(), { class: "plain", id: "folders" }) : null,
        home.folder ? button(_("Other project"), () => this.#close(), { class: "plain", id: "other" }) : null,
        button(language() === "zh" ? "English" : "中文", () => this.#switchLanguage(), { class: "plain", id: "language" })),
    ].filter(Boolean));
  }

  #editFolders() {
    this.form = new FoldersForm(this.home, (home) => this.#openedProject(home));
    this.#update();
  }

  async #close() {
    this.jobs = [];
    this.show(await sendClose());
  }

  #switchLanguage() {
    switchLanguage();
    document.documentElement.lang = language();
    hideNotification();
    this.cards = [];
    if (this.form instanceof Setup) this.form.draw();
    else this.form = null;
    this.#drawBar();
    this.#update();
  }

  #update() {
    document.title = [shareDone(this.jobs), this.home.project?.name, "illsort"].filter(Boolean).join(" · ");
    if (this.form) return this.#place(this.form.element);
    if (!this.home.project) return this.#place(make("div", { class: "home-body" }, make("p", { class: "bad" }, troubleOf(this.home)), commandView(this.home.cd, "copy-cd")));
    const steps = stepsOf(this.home.project, this.jobs);
    if (!this.cards.length) this.#drawAll(steps);
    steps.forEach((step, index) => this.cards[index].update(step, this.home));
    if (this.wanted) this.#bringIntoView(steps);
  }

  // Once, after the page was opened for a step or a project was made. Counting the crawl is not waited for.
  #bringIntoView(steps) {
    const isCounted = this.home.project.crawl?.done !== false;
    const index = steps.findIndex((step) => (this.wanted === "next" ? !step.isDone && (isCounted || step.command !== "look") : step.command === this.wanted));
    const card = this.cards[index]?.element;
    card?.scrollIntoView({ block: "center" });
    card?.querySelector(`#start-${steps[index].command}:enabled`)?.focus({ preventScroll: true });
    this.wanted = "";
    history.replaceState(null, "", location.pathname);
  }

  #place(element) {
    if (view.firstElementChild !== element) view.replaceChildren(element);
  }

  #drawAll(steps) {
    const act = {
      start: (step) => this.#send(sendStart(step)),
      stop: (number) => this.#send(sendStop(number)),
      count: () => this.#count(),
      openSheet: () => sendOpenSheet().catch((error) => notify(error.message, "bad")),
      nest: () => sendNest().then((home) => this.show(home), (error) => notify(error.message, "bad")),
      openDuplicates: () => sendOpenDuplicates().catch((error) => notify(error.message, "bad")),
    };
    this.cards = steps.map((_step, index) => new Card(index + 1, act));
    view.replaceChildren(make("div", { class: "home-body" },
      make("div", { class: "where" }, commandView(this.home.cd, "copy-cd"), muted(_("There, each command below does the same as its button."))),
      make("ol", { class: "steps" }, ...this.cards.map(({ element }) => element))));
  }

  async #send(answer) {
    try {
      this.jobs = await answer;
      this.#update();
    } catch (error) {
      notify(error.message, "bad");
    }
    this.#soon();
  }

  async #count() {
    this.show(await sendCount());
    this.#soon();
  }
}

// One step. It is drawn anew only when what it shows has changed, so that a press is never lost.
class Card {
  constructor(number, act) {
    this.number = number;
    this.act = act;
    this.shown = "";
    this.element = make("li", { class: "step" });
  }

  update(step, home) {
    const shown = JSON.stringify([step, home.commands, language()]);
    if (shown === this.shown) return;
    this.shown = shown;
    const focused = this.element.contains(document.activeElement) ? document.activeElement.id : "";
    this.#draw(step, home);
    if (focused && !isDialogOpen()) document.getElementById(focused)?.focus();
  }

  #draw(step, home) {
    const { job } = step;
    const failure = failureText(job);
    const troubles = step.troubles.filter(Boolean);
    const state = isActive(job) ? "active" : failure ? "failed" : step.isDone ? "done" : step.isNext ? "next" : "later";
    this.element.className = `step ${state} ${step.isNext ? "next" : ""}`;
    this.element.setAttribute("aria-current", step.isNext ? "step" : "false");
    this.element.replaceChildren(
      make("span", { class: "mark", "aria-hidden": "true" }, step.isDone && !failure ? "✓" : String(this.number)),
      make("div", { class: "step-body" },
        make("div", { class: "step-head" }, make("h2", {}, step.title), make("span", { class: "state" }, stateText(job) || restingState(step))),
        job?.state === "running" ? runningView(job) : null,
        ...step.facts.map(factLine),
        step.hint ? muted(step.hint) : null,
        ...[...troubles, failure].filter(Boolean).map((text) => make("p", { class: "bad" }, text)),
        make("div", { class: "step-foot" }, ...this.#buttons(step), commandView(isActive(job) ? job.command : home.commands[step.command], `copy-${step.command}`))));
  }

  #buttons(step) {
    const { job } = step;
    const log = job && (job.state !== "queued") ? button(_("What it printed"), () => showLog(job, step.title).catch((error) => notify(error.message, "bad")), { class: "plain", id: `log-${job.step}` }) : null;
    if (isActive(job)) {
      const stop = button(job.state === "queued" ? _("Take from the queue") : job.stops > 1 ? _("Stop at once") : _("Stop"),
        () => this.act.stop(job.number), { id: `stop-${job.step}`, disabled: job.state === "queued" && job.stops > 0 });
      const rooms = step.actions.filter((one) => one?.room).map((one) => this.#button(step, one));
      return [...rooms, stop, log].filter(Boolean);
    }
    return [...step.actions.filter(Boolean).map((one) => this.#button(step, one)), log].filter(Boolean);
  }

  #button(step, { id, text, start, room, does, isMinor, isOff, hint }) {
    const isMain = step.isNext && !isMinor && does === undefined && (start !== "look");
    const press = room ? () => { location.href = room; } : does ? () => this.act[does]() : () => this.act.start(start);
    return button(text, press, { id, class: isMain ? "primary" : "", disabled: Boolean(isOff) || (Boolean(start) && !step.canStart), title: hint ?? null });
  }
}

const restingState = (step) => (step.isDone ? _("done") : step.isNext ? _("next") : "");
const endedIn = (jobs) => jobs.filter((job) => !isActive(job)).map(({ number }) => number).join();
// How much of the running job is done, for the title of the tab; null where that is not known.
function shareDone(jobs) {
  const stage = jobs.find(({ state }) => state === "running")?.progress?.stages?.find(({ total }) => total);
  return stage ? `${Math.floor((100 * stage.done) / stage.total)}%` : null;
}

const troubleOf = (home) => (language() === "zh" ? home.trouble_zh : home.trouble) ?? "";

document.documentElement.lang = language();
new Home().open();
