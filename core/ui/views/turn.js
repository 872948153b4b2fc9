// What became of a message: whom the house asked, what they said, and the answer.

import { html, nothing, repeat } from "../vendor/lit.js";
import { ask } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { list, t } from "../words/index.js";
import { icon } from "./icons.js";
import { Part } from "./part.js";
import { chosen, doing, missing, why } from "./plan.js";
import { problem } from "./problem.js";
import "./answer.js";
import "./call.js";

/** Nothing was heard of a running turn for so long: somebody should look. */
const LONG_MS = 45_000;

class TurnPart extends Part {
  static properties = {
    turn: { attribute: false },
    version: { attribute: false },
    room: { attribute: false },
    house: { attribute: false },
    message: { attribute: false },
  };

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #wasLive = false;

  constructor() {
    super();
    /** @type {import("../model/turn.js").Turn} */
    this.turn;
    /** @type {import("../model/room.js").Room} */
    this.room;
    /** @type {import("../model/house.js").House} */
    this.house;
    /** @type {import("../types.d.ts").MessageView} */
    this.message;
    this.version = 0;
    /** What is open below the answer. @type {"other" | "down" | undefined} */
    this.open = undefined;
    this.isCopied = false;
    this.hasThanked = false;
  }

  #nameOf = (/** @type {string} */ id) => this.house.nameOf(id);

  updated() {
    clearTimeout(this.#timer);
    if (this.turn.isRunning) this.#timer = setTimeout(() => this.requestUpdate(), LONG_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  render() {
    const { turn } = this;
    // Between people nothing is to be seen of it, also while that is not yet decided.
    const isUndecided = turn.isRunning && !turn.plan && this.room.members.length > 1;
    if (isUndecided || turn.plan?.mode === "quiet") return nothing;
    // Whoever saw it run goes on seeing it; what is older takes less room.
    this.#wasLive ||= turn.isRunning;
    return html`<article class="turn" aria-label=${t.answerOf} @claim=${this.#claimed}>
      <h2 class="hidden">${t.answerOf}</h2>
      ${turn.plan ? html`<details class="how" ?open=${this.#wasLive}>
        <summary>${chosen(turn.plan, this.#nameOf)}</summary>
        ${why(turn.plan, this.#nameOf)} ${this.#cards()}
      </details>` : nothing}
      ${this.#body()}
      ${this.#files()}
      ${this.#after()}
    </article>`;
  }


  #cards() {
    const { turn } = this;
    if (turn.calls.size === 0) return nothing;
    return html`<ul class="calls">
      ${repeat(
        turn.calls.values(),
        (call) => call.id,
        (call) => html`<li><sb-call data-agent=${call.agent} .call=${call} .version=${turn.version} .turn=${turn} .room=${this.room} .name=${this.#nameOf(call.agent)}></sb-call></li>`,
      )}
    </ul>`;
  }

  #body() {
    const { turn } = this;
    const { answer } = turn;
    const text = answer.text || turn.asks?.question || "";
    const line = turn.isRunning ? html`<p class="doing">${doing(turn, this.#nameOf)}</p>` : nothing;
    if (text === "") return line;
    return html`<sb-answer .text=${text} ?final=${answer.isFinal || !turn.isRunning} .claims=${answer.claims} .nameOf=${this.#nameOf}></sb-answer>${line}`;
  }

  #files() {
    const { files } = this.turn;
    if (files.length === 0) return nothing;
    // Few answers have any.
    import("./given.js").catch(() => {});
    return html`<sb-given .files=${files} .conversation=${this.room.id} .nameOf=${this.#nameOf}></sb-given>`;
  }

  #after() {
    const { turn } = this;
    const without = missing(turn);
    const names = list([...new Set(without.map((call) => this.#nameOf(call.agent)))]);
    return html`
      ${turn.isRunning ? this.#long() : nothing}
      ${!turn.isRunning && without.length > 0 && turn.answer.text ? html`<p class="note" dir="auto">${t.without(plainly(names))}</p>` : nothing}
      ${!turn.isRunning && turn.faults ? html`<p class="note" dir="auto">${t.degraded(plainly(turn.faults))}</p>` : nothing}
      ${turn.state === "canceled" ? html`<p class="note">${t.stopped}</p>` : nothing}
      ${turn.state === "failed" ? this.#failed() : nothing}
      ${turn.state === "input_required" ? turn.waiting.map((agent) => html`<p class="note">${t.waits(plainly(this.#nameOf(agent)))}</p>`) : nothing}
      ${turn.goesOn ? this.#goesOn() : nothing}
      ${this.#choices()}
      ${turn.isRunning ? nothing : this.#actions()}
      ${problem(this.failure)}
    `;
  }

  /** A turn of which nothing is heard for long does not just turn. */
  #long() {
    if (performance.now() - this.turn.heard < LONG_MS) return nothing;
    return html`<p class="note">${t.long}
      <button type="button" @click=${() => this.try(() => this.room.look(this.turn))}>${t.look}</button>
      <button type="button" @click=${() => this.try(() => this.room.stop(this.turn))}>${t.stop}</button></p>`;
  }

  /** An agent works on: that can be stopped. */
  #goesOn() {
    return html`<p class="note">${t.goesOn}
      <button type="button" @click=${() => this.try(() => this.room.stop(this.turn))}>${t.stop}</button></p>`;
  }

  #failed() {
    return html`<div class="problem" role="alert">
      <p dir="auto">${t.failed}${this.turn.error ? `: ${plainly(this.turn.error)}` : "."}</p>
      <button type="button" @click=${() => this.#again([])}>${t.askAgain}</button>
    </div>`;
  }

  #choices() {
    const choices = this.turn.plan?.choices ?? [];
    if (choices.length === 0 || this.turn.isRunning) return nothing;
    return html`<p class="choices" role="group" aria-label=${t.chooseOne}>
      ${choices.map((id) => html`<button type="button" class="chip" @click=${() => this.#again([id])}>${plainly(this.#nameOf(id))}</button>`)}
    </p>`;
  }

  #actions() {
    const { turn } = this;
    const asked = new Set([...turn.calls.values()].map((call) => call.agent));
    return html`<div class="actions" role="group" aria-label=${t.actions}>
        ${turn.isKnown ? nothing : html`<button type="button" class="quiet" @click=${() => this.try(() => this.room.look(turn))}>${t.showHow}</button>`}
        ${this.#action("copy", this.isCopied ? t.copied : t.copy, () => this.#copy())}
        ${this.#action("up", t.good, () => this.#thumb("up"), turn.thumb === "up")}
        ${this.#action("down", t.bad, () => this.#toggle("down"), turn.thumb === "down")}
        ${this.#action("again", t.askAgain, () => this.#again([]))}
        ${this.#action("other", t.askOther, () => this.#toggle("other"), this.open === "other")}
        <span class="fine" role="status">${this.hasThanked ? t.thanks : ""}</span>
      </div>
      ${this.open
        ? html`<sb-choice .house=${this.house} .kind=${this.open} .asked=${asked}
            @chosen=${(/** @type {CustomEvent} */ event) => this.#chosen(event.detail)} @closed=${() => this.#toggle(undefined)}></sb-choice>`
        : nothing}`;
  }

  /**
   * @param {Parameters<typeof icon>[0]} name
   * @param {string} label
   * @param {() => void} act
   * @param {boolean} [isOn]
   */
  #action(name, label, act, isOn) {
    return html`<button type="button" class="icon-button" title=${label} aria-label=${label}
      aria-pressed=${isOn === undefined ? nothing : isOn} @click=${act}>${icon(name)}</button>`;
  }

  /** @param {"other" | "down" | undefined} what */
  #toggle(what) {
    this.open = this.open === what ? undefined : what;
    void this.try(async () => {
      await import("./choice.js");
    });
  }

  async #copy() {
    await this.try(async () => {
      await navigator.clipboard.writeText(this.turn.answer.text);
      this.isCopied = true;
    });
  }

  /** @param {"up" | "down"} value @param {{ agents?: string[], comment?: string }} [more] */
  async #thumb(value, more = {}) {
    await this.try(async () => {
      await ask("POST", `/v1/turns/${this.turn.id}/feedback`, { value, ...more });
      this.turn.thumb = value;
      this.hasThanked = true;
    });
  }

  /** @param {{ agents: string[], comment?: string }} what */
  async #chosen({ agents, comment }) {
    const isOther = this.open === "other";
    this.open = undefined;
    await this.#thumb("down", { agents: agents.length > 0 ? agents : undefined, comment: comment || undefined });
    if (isOther) this.#again(agents);
  }

  /** @param {string[]} agents */
  #again(agents) {
    this.room.say(this.message.text, { agents });
  }

  /** @param {CustomEvent<string[]>} event */
  #claimed(event) {
    const how = /** @type {HTMLDetailsElement | null} */ (this.querySelector("details.how"));
    if (how) how.open = true;
    for (const agent of event.detail) {
      const card = [...this.querySelectorAll("sb-call")].find((it) => it.getAttribute("data-agent") === agent);
      /** @type {{ show?: () => void } | undefined} */ (/** @type {unknown} */ (card))?.show?.();
    }
  }
}

customElements.define("sb-turn", TurnPart);
