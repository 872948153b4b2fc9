// Divides a growing text into blocks. Only the last block can still change, so only it is read again.

import { Marked } from "../vendor/marked.js";

/** @typedef {import("marked").Token} Token */
/** @typedef {{ kind: "markdown", token: Token, start: number, end: number, rest?: string }} Markdown */
/** @typedef {{ kind: "plain", text: string, start: number, end: number }} Plain */
/** @typedef {Markdown | Plain} Block */

/** So much of the text is read at once; a longer block is read with more. */
const WINDOW = 16_384;
/** A block that is longer than this is shown as it is written. */
const MOST = 65_536;
/** So many rows of a table are shown at first; the others are not even read until somebody wants them. */
export const ROWS = 200;

const marked = new Marked({ gfm: true });

/** Reads markdown. @param {string} text */
export const lex = (text) => marked.lexer(text);

/** Reads a little of everything. To compile the rules takes some 40 ms, in which a frame would be lost; an engine does so when they are used for the first time, and again, to be faster, for the second. */
export const warm = () => void lex("a *b* `c` [d](e)\n\n- f\n\n| g |\n| - |\n| h |\n");

/** A text that grows, block by block. */
export class Blocks {
  #text = "";
  /** Where the blocks that cannot change any more end. */
  #end = 0;
  /** A long table whose further rows are only kept. @type {Markdown | undefined} */
  #table = undefined;

  /**
   * Takes the text as it is now, which begins as it did before.
   * @param {string} text
   * @param {boolean} isFinal whether nothing follows
   * @returns {{ done: Block[], tail: Block | undefined }} what can no longer change since the last time, and what can
   */
  take(text, isFinal) {
    // A carriage return would be dropped while reading, and every place behind it would shift.
    this.#text = text.replaceAll("\r", " ");
    /** @type {Block[]} */
    const done = [];
    let window = WINDOW;
    for (;;) {
      if (this.#table && !this.#keepRows(isFinal)) return { done, tail: undefined };
      const whole = this.#text.length - this.#end <= window;
      const tail = this.#text.slice(this.#end, whole ? undefined : this.#lineBefore(this.#end + window));
      if (tail === "") return { done, tail: undefined };
      const tokens = lex(tail);
      const isOver = whole && isFinal;
      const last = lastOf(tokens);
      const settled = isOver ? tokens.length : last;
      if (this.#settle(tokens.slice(0, settled), done)) continue;
      if (isOver) return { done, tail: undefined };
      const token = tokens[last];
      if (token && isLong(token)) {
        this.#cut(token, done);
      } else if (tail.length >= MOST && last <= 0) {
        done.push(this.#plain(tail));
      } else if (whole) {
        return { done, tail: token && { kind: "markdown", token, start: this.#end, end: this.#text.length } };
      } else {
        window = last <= 0 ? window * 2 : WINDOW;
      }
    }
  }

  /** Takes what can no longer change; true when a table was too long, and what follows it has to be read again. @param {Token[]} tokens @param {Block[]} done */
  #settle(tokens, done) {
    for (const token of tokens) {
      if (isLong(token)) {
        this.#cut(token, done);
        return true;
      }
      this.#finish(token, done);
    }
    return false;
  }

  /** @param {Token} token @param {Block[]} done */
  #finish(token, done) {
    const start = this.#end;
    this.#end += token.raw.length;
    if (token.type !== "space" && token.type !== "def") done.push({ kind: "markdown", token, start, end: this.#end });
  }

  /** @param {string} text @returns {Plain} */
  #plain(text) {
    const start = this.#end;
    this.#end += text.length;
    return { kind: "plain", text, start, end: this.#end };
  }

  /** Takes the first rows of a long table; the others are kept as they come. @param {Token} token @param {Block[]} done */
  #cut(token, done) {
    const lines = token.raw.split("\n");
    const shown = lines.slice(0, ROWS + 2).join("\n") + "\n";
    const start = this.#end;
    this.#end += Math.min(shown.length, token.raw.length);
    const [table] = lex(shown);
    this.#table = { kind: "markdown", token: /** @type {Token} */ (table), start, end: this.#end, rest: "" };
    done.push(this.#table);
  }

  /** Keeps further rows; whether the table is over. @param {boolean} isFinal */
  #keepRows(isFinal) {
    const table = /** @type {Markdown} */ (this.#table);
    const rest = this.#text.slice(this.#end);
    const over = rest.search(/^[ \t]*$/m);
    // An empty end may be a line that is still to come.
    const isOver = over >= 0 && (over < rest.length || isFinal);
    const rows = isOver ? rest.slice(0, over) : isFinal ? rest : rest.slice(0, rest.lastIndexOf("\n") + 1);
    table.rest += rows;
    this.#end += rows.length;
    table.end = this.#end;
    if (isOver || isFinal) this.#table = undefined;
    return isOver || isFinal;
  }

  /** @param {number} at */
  #lineBefore(at) {
    const line = this.#text.lastIndexOf("\n", at);
    return line > this.#end ? line + 1 : at;
  }
}

/** @param {Token[]} tokens */
function lastOf(tokens) {
  let last = tokens.length - 1;
  while (last > 0 && tokens[last]?.type === "space") last -= 1;
  return last;
}

/** @param {Token} token */
function isLong(token) {
  return token.type === "table" && /** @type {import("marked").Tokens.Table} */ (token).rows.length > ROWS;
}
