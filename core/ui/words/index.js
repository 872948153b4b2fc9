// The language of the page: that of the reader's browser where there is a file for it, or the one that was chosen.

import { words as english } from "./en.js";

/** @typedef {import("./en.js").Words} Words */

/** The files; each is fetched when its language is wanted. */
const FILES = {
  en: async () => ({ words: english }),
  de: () => import("./de.js"),
  es: () => import("./es.js"),
  fr: () => import("./fr.js"),
  zh: () => import("./zh.js"),
  ar: () => import("./ar.js"),
};

/** @typedef {keyof typeof FILES} Language */

/** What each language calls itself. @type {Record<Language, string>} */
export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español", fr: "Français", zh: "中文", ar: "العربية" };

const CHOSEN = "switchboard.language";

/** The words of the page, in the language that holds now. @type {Words} */
export let t = english;
/** @type {Language} */
export let language = "en";
/** How numbers and times are written: as in the reader's own country, where the browser says it. */
export let locale = "en";

/** The language that was chosen, or that the browser asks for. @returns {Language} */
function wanted() {
  const chosen = localStorage.getItem(CHOSEN);
  const asked = [chosen, ...navigator.languages].map((it) => it?.split("-")[0]);
  return /** @type {Language} */ (asked.find((it) => it && it in FILES) ?? "en");
}

/**
 * The words of a language; English ones where its file does not come.
 * @template W
 * @param {Record<Language, () => Promise<{ words: W }>>} files
 * @param {Language} wanted
 * @param {W} english
 */
export async function wordsOf(files, wanted, english) {
  try {
    return (await files[wanted]()).words;
  } catch {
    return english;
  }
}

/** Takes the language that is wanted; the page that is there already stays in English where its file does not come. */
export async function speak() {
  const want = wanted();
  t = await wordsOf(FILES, want, english);
  language = t === english ? "en" : want;
  locale = navigator.languages.find((it) => it.split("-")[0] === language) ?? language;
  document.documentElement.lang = language;
  document.documentElement.dir = language === "ar" ? "rtl" : "ltr";
}

/** @param {Language} chosen */
export async function choose(chosen) {
  localStorage.setItem(CHOSEN, chosen);
  await speak();
}

/** @param {number} share from 0 to 1 */
export const percent = (share) => new Intl.NumberFormat(locale, { style: "percent" }).format(share);

/** @param {number} ms */
export const duration = (ms) =>
  ms < 1000
    ? new Intl.NumberFormat(locale, { style: "unit", unit: "millisecond" }).format(Math.round(ms))
    : new Intl.NumberFormat(locale, { style: "unit", unit: "second", maximumFractionDigits: 1 }).format(ms / 1000);

/** @param {number} bytes */
export const size = (bytes) =>
  bytes < 1_000_000
    ? new Intl.NumberFormat(locale, { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 }).format(Math.ceil(bytes / 1000))
    : new Intl.NumberFormat(locale, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 }).format(bytes / 1_000_000);

/** @param {string} at */
export const clock = (at) => new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" }).format(new Date(at));

/** @param {string} at */
export const day = (at) => new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(new Date(at));

/** @param {string[]} items */
export const list = (items) => new Intl.ListFormat(locale, { type: "conjunction" }).format(items);
