// One agent's part in an answer: how it goes, and what it said.

import { html, nothing } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
import { duration, t } from "../words/index.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";
import "./answer.js";

class CallCard extends Part {
  static properties = {
    call: { attribute: false },
    version: { attribute: false },
    turn: { attribute: false },
    room: { attribute: false },
    name: { attribute: false },
  };

  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;

  constructor() {
    super();
    /** @type {import("../model/turn.js").Call} */
    this.call;
    /** @type {import("../model/turn.js").Turn} */
    this.turn;
    /** @type {import("../model/room.js").Room} */
    this.room;
    this.version = 0;
    this.name = "";
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.#clock);
    this.#clock = undefined;
  }

  /** Opens it and brings it into view. */
  show() {
    const details = /** @type {HTMLDetailsElement} */ (this.querySelector("details"));
    details.open = true;
    details.querySelector("summary")?.focus({ preventScroll: true });
    details.scrollIntoView({ block: "nearest" });
  }

  updated() {
    const runs = ["running", "working"].includes(this.call.state);
    if (runs) this.#clock ??= setInterval(() => this.requestUpdate(), 1000);
    else clearInterval(this.#clock);
    if (this.querySelector("details")?.open) this.#want();
  }

  render() {
    const { state, reason, partial, progress, question } = this.call;
    return html`<details class="call" data-state=${state} @toggle=${this.#opened}>
      <summary>
        <span class="dot" aria-hidden="true"></span>
        <bdi class="name">${plainly(this.name)}</bdi>
        <span class="state">${t.calls[state]}${partial ? ` (${t.partial})` : ""}${this.#time()}</span>
        ${progress ? html`<span class="progress fine" dir="auto">${plainly(progress)}</span>` : nothing}
      </summary>
      <dl>
        ${question ? html`<dt>${t.wasAsked}</dt><dd dir="auto">${plainly(question)}</dd>` : nothing}
        ${reason ? html`<dt>${t.reason}</dt><dd dir="auto">${plainly(reason)}</dd>` : nothing}
        <dt>${t.itsReply}</dt><dd>${this.#reply()}</dd>
      </dl>
    </details>`;
  }

  #time() {
    const { state, ms, began, ended } = this.call;
    if (state === "working") return ended === undefined ? "" : ` · ${duration(Math.floor((performance.now() - ended + (ms ?? 0)) / 1000) * 1000)}`;
    if (state !== "running") return ms ? ` · ${duration(ms)}` : "";
    const since = began === undefined ? 0 : performance.now() - began;
    return since >= 1000 ? ` · ${duration(Math.floor(since / 1000) * 1000)}` : "";
  }

  #reply() {
    if (this.failure) return problem(this.failure, () => this.#read());
    const { reply, state } = this.call;
    if (reply) return html`<sb-answer .text=${reply} final></sb-answer>`;
    if (state === "running" || state === "working") return t.calls[state];
    return this.#isReading ? t.wait : t.noReply;
  }

  #isAsked = false;
  #isReading = false;

  /** @param {Event} event */
  #opened(event) {
    if (/** @type {HTMLDetailsElement} */ (event.currentTarget).open) this.#want();
  }

  /** Its reply is fetched once, when somebody wants to see it and it is there. */
  #want() {
    const isThere = this.call.reply === undefined && !["running", "working"].includes(this.call.state);
    if (isThere && !this.#isAsked && !this.failure) void this.#read();
  }

  async #read() {
    this.failure = undefined;
    this.#isAsked = true;
    this.#isReading = true;
    this.requestUpdate();
    try {
      await this.room.look(this.turn);
    } catch (error) {
      this.failure = error;
      this.#isAsked = false;
    }
    this.#isReading = false;
    this.requestUpdate();
  }
}

customElements.define("sb-call", CallCard);
