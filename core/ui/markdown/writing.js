// An answer that is being written: its finished blocks stay as they are, and its last one is written anew as it grows.

import { Blocks, lex } from "./blocks.js";
import { marked, marksOf, settle } from "./claims.js";
import { fragmentOf, plainly } from "./safe.js";

/** @typedef {import("./blocks.js").Block} Block */
/** @typedef {import("./claims.js").Mark} Mark */
/** @typedef {{ more: (rows: number) => string, copy: string, copied: string, claim: (mark: Mark) => Element }} Looks */

/** Rows that are added at once when the rest of a table is wanted. */
const ROWS_AT_ONCE = 500;

/** Writes a text into an element. */
export class Writing {
  #blocks = new Blocks();
  #text = "";
  /** @type {Map<number, { block: Block, nodes: Node[] }>} */
  #done = new Map();
  /** @type {Node[]} */
  #tail = [];
  #code = "";

  /** @param {HTMLElement} into @param {Looks} looks */
  constructor(into, looks) {
    this.into = into;
    this.looks = looks;
    into.replaceChildren();
  }

  /** Whether a text goes on from what is written. @param {string} text */
  continues(text) {
    return text.startsWith(this.#text);
  }

  /** @param {string} text @param {boolean} isFinal @param {import("../types.d.ts").Claim[]} [claims] */
  write(text, isFinal, claims = []) {
    this.#text = text;
    const { done, tail } = this.#blocks.take(text, isFinal);
    if (done.length > 0 || !tail) this.#drop();
    for (const block of done) {
      const nodes = this.#nodes(block, true);
      this.into.append(...nodes);
      this.#done.set(block.start, { block, nodes });
    }
    if (tail) this.#rewrite(tail);
    if (isFinal) this.#mark(claims);
  }

  #drop() {
    for (const node of this.#tail) node.parentNode?.removeChild(node);
    this.#tail = [];
    this.#code = "";
  }

  /** @param {Block} tail */
  #rewrite(tail) {
    const code = tail.kind === "markdown" && tail.token.type === "code" ? plainly(tail.token.text) : "";
    const [frame] = this.#tail;
    const text = this.#code && frame instanceof Element ? frame.querySelector("code")?.firstChild : undefined;
    if (text instanceof Text && code.startsWith(this.#code)) {
      text.appendData(code.slice(this.#code.length));
      this.#code = code;
      return;
    }
    this.#drop();
    this.#tail = this.#nodes(tail, false);
    this.#code = code;
    this.into.append(...this.#tail);
  }

  /** @param {Block} block @param {boolean} isDone @returns {Node[]} */
  #nodes(block, isDone) {
    if (block.kind === "plain") {
      const element = document.createElement("p");
      element.className = "plain";
      element.dir = "auto";
      element.textContent = plainly(block.text);
      return [element];
    }
    const fragment = fragmentOf([block.token]);
    const nodes = [...fragment.childNodes];
    if (isDone && block.token.type === "code") this.#copyable(fragment);
    if (block.rest !== undefined) nodes.push(this.#rest(block, fragment));
    return nodes;
  }

  /** @param {DocumentFragment} fragment */
  #copyable(fragment) {
    const frame = fragment.querySelector(".code");
    if (!frame) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = this.looks.copy;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(frame.querySelector("code")?.textContent ?? "");
      button.textContent = this.looks.copied;
    });
    frame.append(button);
  }

  /** What brings the rows of a long table that are not shown. @param {import("./blocks.js").Markdown} block @param {DocumentFragment} fragment */
  #rest(block, fragment) {
    const body = fragment.querySelector("tbody");
    const head = block.token.raw.split("\n").slice(0, 2).join("\n");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "more";
    const rows = () => (block.rest ?? "").split("\n").filter(Boolean);
    const label = () => {
      const left = rows().length;
      button.textContent = this.looks.more(left);
      button.hidden = left === 0;
    };
    button.addEventListener("click", () => {
      const lines = rows();
      const part = fragmentOf(lex(`${head}\n${lines.slice(0, ROWS_AT_ONCE).join("\n")}\n`));
      body?.append(...part.querySelectorAll("tbody > tr"));
      block.rest = lines.slice(ROWS_AT_ONCE).join("\n");
      label();
    });
    // Its rows may still be coming.
    button.addEventListener("rows", label);
    label();
    return button;
  }

  /** @param {import("../types.d.ts").Claim[]} claims */
  #mark(claims) {
    for (const { nodes } of this.#done.values()) nodes.at(-1)?.dispatchEvent(new Event("rows"));
    this.#unmark(new Set(claims.flatMap((claim) => claim.agents)));
    const marks = marksOf(this.#text, claims);
    if (marks.length === 0) return;
    for (const { block, nodes } of this.#done.values()) {
      const own = marks.filter((mark) => mark.at > block.start && mark.at <= block.end);
      if (own.length > 0 && block.kind === "markdown") this.#markBlock(block, nodes, own);
    }
  }

  /** A reply's heading has its agent's name; the id behind it is for programs, and for two of one name. @param {Set<string>} agents */
  #unmark(agents) {
    const heads = [...this.into.querySelectorAll(":scope > p > strong:first-child")].filter((head) => {
      const behind = head.nextSibling;
      const id = /^ \[([a-z0-9-]+)\]$/.exec(behind?.nodeValue ?? "")?.[1];
      return id !== undefined && agents.has(id) && behind === head.parentNode?.lastChild;
    });
    const names = heads.map((head) => head.textContent);
    for (const head of heads) {
      if (names.filter((name) => name === head.textContent).length === 1) head.nextSibling?.remove();
    }
  }

  /** @param {import("./blocks.js").Markdown} block @param {Node[]} nodes @param {Mark[]} marks */
  #markBlock(block, nodes, marks) {
    const { tokens, behind } = marked(block, this.#text.slice(block.start, block.end), marks);
    if (behind.length > 0) {
      const line = document.createElement("p");
      line.className = "claims";
      line.append(...behind.map((mark) => this.looks.claim(mark)));
      /** @type {ChildNode | undefined} */ (nodes.at(-1))?.after(line);
      return;
    }
    const fragment = fragmentOf(tokens);
    settle(fragment, marks, (mark) => this.looks.claim(mark));
    const [first, ...others] = /** @type {ChildNode[]} */ (nodes);
    others.forEach((node) => node.remove());
    first?.replaceWith(fragment);
  }
}
