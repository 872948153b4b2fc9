// Marks in an answer that say whose claim stands before them.

import { lex } from "./blocks.js";

/** @typedef {import("../types.d.ts").Claim} Claim */
/** @typedef {import("./blocks.js").Markdown} Markdown */

/** Private signs of Unicode stand for claims while the text is read; those that the text itself has are taken out. */
const FIRST = 0xe000;
const LAST = 0xf8ff;
const SIGNS = /[\uE000-\uF8FF]/g;
/** What programs read in the place of a mark, once for each agent. */
const WRITTEN = /\[[a-z0-9-]+\]/;
/** In these a mark would change what is read. */
const CLOSED = new Set(["code", "table", "hr", "html"]);

/** @typedef {{ at: number, agents: string[] }} Mark */

/**
 * Where claims end, as the browser counts. Where all are of the same agents there is nothing to tell apart.
 * @param {string} text
 * @param {Claim[]} claims
 * @returns {Mark[]}
 */
export function marksOf(text, claims) {
  const named = new Set(claims.map((claim) => claim.agents.join(" ")));
  if (named.size < 2 && !WRITTEN.test(text)) return [];
  const ends = claims.map((claim) => claim.end);
  const places = placesOf(text, ends);
  const marks = claims.map((claim) => ({ at: places.get(claim.end) ?? text.length, agents: claim.agents }));
  return marks.filter((mark) => mark.agents.length > 0).sort((one, other) => one.at - other.at);
}

/** The house counts code points, the browser UTF-16 units. @param {string} text @param {number[]} wanted */
function placesOf(text, wanted) {
  const left = new Set(wanted);
  /** @type {Map<number, number>} */
  const places = new Map();
  let [points, units] = [0, 0];
  for (const sign of text) {
    if (left.has(points)) places.set(points, units);
    points += 1;
    units += sign.length;
  }
  places.set(points, units);
  return places;
}

/**
 * The tokens of a block with a private sign where each of its claims ends, and the marks that stand behind it.
 * @param {Markdown} block
 * @param {string} raw what was written
 * @param {Mark[]} marks
 */
export function marked(block, raw, marks) {
  if (CLOSED.has(block.token.type)) return { tokens: [block.token], behind: marks };
  let text = raw.replace(SIGNS, "\uFFFD");
  for (let index = Math.min(marks.length, LAST - FIRST) - 1; index >= 0; index -= 1) {
    const mark = /** @type {Mark} */ (marks[index]);
    let at = mark.at - block.start;
    while (at > 0 && /\s/.test(text.charAt(at - 1))) at -= 1;
    const behind = text.slice(at).replace(new RegExp(`^(?:\\s*\\[(?:${mark.agents.join("|")})\\])+`), "");
    text = `${text.slice(0, at)} ${String.fromCharCode(FIRST + index)}${behind}`;
  }
  return { tokens: lex(text), behind: [] };
}

/**
 * Puts a button in the place of each private sign.
 * @param {DocumentFragment} fragment
 * @param {Mark[]} marks
 * @param {(mark: Mark) => Element} button
 */
export function settle(fragment, marks, button) {
  const texts = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  /** @type {Text[]} */
  const found = [];
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    if (text.nodeValue && text.nodeValue.search(SIGNS) >= 0) found.push(/** @type {Text} */ (text));
  }
  for (const text of found) {
    const pieces = (text.nodeValue ?? "").split(/ ?([\uE000-\uF8FF])/);
    text.replaceWith(
      ...pieces.map((piece) => {
        const mark = /^[\uE000-\uF8FF]$/.test(piece) ? marks[piece.charCodeAt(0) - FIRST] : undefined;
        return mark ? button(mark) : piece;
      }),
    );
  }
}
