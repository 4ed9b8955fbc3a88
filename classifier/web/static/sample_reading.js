// Labeling while the sample is still read: how far that is, and the pictures that were read last. Their groups are made
// of all of them, so naming begins once all are read.

import { fetchReading, fetchState } from "./api.js";
import { button, make, muted } from "./dom.js";
import { base, imageUrl, RefusedError } from "./http.js";
import { _ } from "./i18n.js";
import { runningView } from "./progress_view.js";

const POLL_MS = 1000;

export class SampleReading {
  shortcuts = [];

  constructor(app) {
    this.app = app;
    this.reading = null;
    this.trouble = "";
    this.images = new Map(); // the elements of the pictures that are shown, by id
    this.head = make("div", { class: "reading-head" });
    this.cells = make("div", { class: "cells" });
    this.element = make("section", { class: "grid reading" }, this.head, this.cells);
  }

  open() {
    this.draw();
    this.#follow();
  }

  press() {
    return false;
  }

  reorder() {}

  // Asks until the groups are there, and goes on to them.
  async #follow() {
    while (this.app.view === this) {
      await this.#ask();
      if (this.app.view !== this) return;
      if (this.reading?.isGrouped) {
        this.app.update(await fetchState());
        this.app.show({});
        return;
      }
      this.draw();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #ask() {
    try {
      this.reading = await fetchReading();
      this.trouble = "";
    } catch (error) {
      this.trouble = error instanceof RefusedError ? error.message : _("illsort does not answer. What was started goes on; run illsort again to see it.");
    }
  }

  draw() {
    this.head.replaceChildren(...[...this.#lines(), this.trouble ? make("p", { class: "bad" }, this.trouble) : null].filter(Boolean));
    this.#drawImages(this.reading?.ids ?? []);
  }

  #lines() {
    if (this.reading === null) return [muted(_("Loading…"))];
    const { job, ids } = this.reading;
    if (job === null) {
      return [
        make("h1", {}, _("This sample was not read to its end")),
        make("p", {}, _("The same command goes on where it was: {command}", { command: "illsort label" })),
        base ? make("div", { class: "actions" }, button(_("All steps"), () => { location.href = "../#label"; }, { class: "primary" })) : null,
      ];
    }
    return [
      make("h1", {}, _("The sample is being read")),
      muted(_("Groups of what looks alike are made once all of it is read; naming begins here by itself.")),
      job.state === "running" ? runningView(job) : muted(job.state === "queued" ? _("queued") : _("was ended from outside, and goes on where it was")),
      ids.length ? muted(_("Read last:")) : null,
    ];
  }

  // An element is kept while its picture is shown, so that none loads twice.
  #drawImages(ids) {
    this.images = new Map(ids.map((id) => [id, this.images.get(id) ?? make("div", { class: "read-image" }, make("img", { src: imageUrl(id, "small"), alt: "" }))]));
    const shown = [...this.images.values()];
    if (shown.some((one, index) => this.cells.children[index] !== one) || shown.length !== this.cells.children.length) this.cells.replaceChildren(...shown);
  }
}
