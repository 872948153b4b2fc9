// The words of analytics: they come with its pages, in the language that holds.

import { language, wordsOf } from "../index.js";
import { words as english } from "./en.js";

/** @typedef {import("./en.js").FigureWords} FigureWords */

const FILES = {
  en: async () => ({ words: english }),
  de: () => import("./de.js"),
  es: () => import("./es.js"),
  fr: () => import("./fr.js"),
  zh: () => import("./zh.js"),
  ar: () => import("./ar.js"),
};

/** @type {FigureWords} */
export let a = english;

/** Takes the language that holds; it stays English where the file does not come. */
export async function speakOfFigures() {
  a = await wordsOf(FILES, language, english);
}
