// The folders of the crawl, of which one may be looked at alone: asked for beside the queue, chosen in the bar.

import { get } from "./api.js";
import { count, say } from "./i18n.js";

const INDENT = "\u2003";

export class Folders {
  constructor(desk) {
    this.desk = desk;
    this.told = { folders: [], more: 0 };
    this.turn = 0;
  }

  // Asks which there are by now, around the one that is chosen, and draws the bar again.
  async look() {
    const { tray, folder } = this.desk.chosen;
    const turn = (this.turn += 1);
    const query = { tray: ["unknown", "skipped"].includes(tray) ? tray : "review", ...(folder === "" ? {} : { folder }) };
    const told = await get("/api/folders", query).catch(() => null);
    if (told === null || turn !== this.turn) return;
    this.told = told;
    this.desk.drawBar();
  }

  // What can be chosen; null where all that waits comes from one folder.
  get options() {
    const { folders, more } = this.told;
    if (folders.length === 0 && this.desk.chosen.folder === "") return null;
    const lines = folders.map(([number, name, depth, waiting]) => [String(number), `${INDENT.repeat(depth - 1)}${name} (${count(waiting)})`]);
    if (more) lines.push(["more", say("moreFolders", count(more))]);
    return [["", say("allFolders")], ...lines];
  }
}
