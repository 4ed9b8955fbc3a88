// The routes of the home page's server. A path goes out in the body of a POST only.

import { get, send } from "./http.js";
import { language } from "./i18n.js";

export const fetchHome = () => get("/api/home");
export const fetchJobs = async () => (await get("/api/jobs")).jobs;
export const fetchLog = async (number) => (await get(`/api/jobs/${number}/log`)).text;

export const sendCount = () => send("/api/count");
// With `nearest`, of a folder that is not there the nearest one above it is listed.
export const sendFolders = (path, nearest = false) => send("/api/folders", path === null ? {} : { path, nearest });
export const sendOpen = (path) => send("/api/project/open", { path });
export const sendClose = () => send("/api/project/close");
export const sendPropose = async (crawl, project) => (await send("/api/project/propose", { crawl, project })).library;
export const sendCreate = (folders) => send("/api/project/create", folders);
export const sendChange = (folders) => send("/api/project/change", folders);

export const sendNest = () => send("/api/project/nest");

export const sendStart = async (step) => (await send("/api/jobs/start", { step, language: language() })).jobs;
export const sendStop = async (number) => (await send("/api/jobs/stop", { number })).jobs;

// Have the server open a page in the browser: the contact sheet of the last preview, the copies that were found.
export const sendOpenSheet = () => send("/api/preview/open");
export const sendOpenDuplicates = () => send("/api/duplicates/open");
