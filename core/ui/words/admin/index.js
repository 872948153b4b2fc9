// What only those read who look after the house: fetched with their views, so that nobody else's page is larger for it.

import { language, wordsOf } from "../index.js";
import { words as english } from "./en.js";

/** @typedef {import("./en.js").AdminWords} AdminWords */

const FILES = {
  en: async () => ({ words: english }),
  de: () => import("./de.js"),
  es: () => import("./es.js"),
  fr: () => import("./fr.js"),
  zh: () => import("./zh.js"),
  ar: () => import("./ar.js"),
};

/** The words, in the language of the page. @type {AdminWords} */
export const a = await wordsOf(FILES, language, english);

/** @param {number} n */
export const number = (n) => new Intl.NumberFormat(language).format(n);

/** @param {string} at */
export const moment = (at) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
