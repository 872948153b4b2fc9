// The text of an answer or a reply, as it grows.

import { warm } from "../markdown/blocks.js";
import { Writing } from "../markdown/writing.js";
import { list, t } from "../words/index.js";
import { Part } from "./part.js";

/** It is written at most this often, and no more than a quarter of the time goes into it. */
const EVERY_MS = 50;
const SHARE = 4;

class AnswerView extends Part {
  static properties = {
    text: { attribute: false },
    final: { type: Boolean },
    claims: { attribute: false },
    nameOf: { attribute: false },
  };

  /** @type {Writing | undefined} */
  #writing;
  #wroteAt = -Infinity;
  #cost = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #isWritten = false;
  /** The claims that are marked. @type {import("../types.d.ts").Claim[] | undefined} */
  #told;

  constructor() {
    super();
    this.text = "";
    this.final = false;
    /** @type {import("../types.d.ts").Claim[]} */
    this.claims = [];
    this.nameOf = (/** @type {string} */ id) => id;
  }

  /** Lit does not write here: what is finished stays as it is. */
  shouldUpdate() {
    this.#due();
    return false;
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #due() {
    const wait = this.final ? 0 : this.#wroteAt + Math.max(EVERY_MS, this.#cost * SHARE) - performance.now();
    if (wait <= 0) return this.#write();
    this.#timer ??= setTimeout(() => this.#write(), wait);
  }

  #write() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const isOther = this.#isWritten && (!this.final || this.claims !== this.#told);
    if (isOther || !this.#writing?.continues(this.text)) this.#begin();
    if (this.#isWritten) return;
    this.#told = this.claims;
    const began = performance.now();
    this.#writing?.write(this.text, this.final, this.claims);
    this.#isWritten = this.final;
    this.#wroteAt = performance.now();
    this.#cost = this.#wroteAt - began;
    this.setAttribute("aria-busy", String(!this.final));
  }

  #begin() {
    this.classList.add("text");
    this.#isWritten = false;
    this.#writing = new Writing(this, {
      more: t.moreRows,
      copy: t.copy,
      copied: t.copied,
      claim: (mark) => this.#claim(mark.agents),
    });
  }

  /** @param {string[]} agents */
  #claim(agents) {
    const names = list(agents.map((id) => this.nameOf(id)));
    const button = document.createElement("button");
    button.type = "button";
    button.className = "claim";
    button.textContent = names;
    button.title = t.claimOf(names);
    button.setAttribute("aria-label", t.claimOf(names));
    button.addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("claim", { bubbles: true, detail: agents }));
    });
    return button;
  }
}

customElements.define("sb-answer", AnswerView);
// Before there is anything to write, while nobody waits.
const idle = globalThis.requestIdleCallback ?? setTimeout;
idle(() => {
  warm();
  idle(() => warm());
});
