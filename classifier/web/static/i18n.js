// The page's messages in English and Chinese, as in classifier/i18n.py: an English template is the key of its translation.
// scripts/messages.py collects the templates and writes zh_CN.js. The language is the page's own choice, else the browser's.

import { MESSAGES as CHINESE } from "./zh_CN.js";

const [first = "", ...others] = (navigator.languages ?? []).map((name) => name.toLowerCase());
const browserLanguage = [first, ...others].some((name) => name.startsWith("zh")) && !first.startsWith("en") ? "zh" : "en";
let current = localStorage.getItem("language") ?? browserLanguage;

export const language = () => current;

export function switchLanguage() {
  current = current === "zh" ? "en" : "zh";
  localStorage.setItem("language", current);
}

const translated = (template) => (current === "zh" ? CHINESE[template] : undefined);
const formatted = (value) => (typeof value === "number" ? formatNumber(value) : String(value));
const fill = (template, params) => template.replace(/\{(\w+)\}/g, (_match, name) => formatted(params[name]));

// A message in the page's language. Numbers among its parameters are formatted.
export const _ = (template, params = {}) => fill(translated(template) ?? template, params);

// The same for a message that depends on `params.count`.
export const count_ = (one, many, params) => fill(translated(one) ?? (params.count === 1 ? one : many), params);

// Marks a template that is translated where it is shown.
export const N_ = (template) => template;

// A text that the server sends in both languages.
export const inLanguage = ({ en, zh }) => (current === "zh" ? zh : en);

export const formatNumber = (number) => number.toLocaleString(current === "zh" ? "zh-CN" : "en");
export const formatPercent = (share) => `${(Math.floor(share * 1000) / 10).toFixed(1)}%`;
