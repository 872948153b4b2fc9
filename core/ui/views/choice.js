// Which other agent would have been right.

import { html, nothing } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
import { t } from "../words/index.js";
import { Part } from "./part.js";

class Choice extends Part {
  static properties = { house: { attribute: false }, kind: { attribute: false }, asked: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../model/house.js").House} */
    this.house;
    /** `other` asks the chosen one at once; `down` only says so. @type {"other" | "down"} */
    this.kind = "other";
    /** Those that were asked already. @type {Set<string>} */
    this.asked = new Set();
    /** @type {Set<string>} */
    this.chosen = new Set();
  }

  firstUpdated() {
    this.querySelector("button")?.focus();
  }

  render() {
    const agents = this.house.able.filter((agent) => !this.asked.has(agent.id));
    const isOther = this.kind === "other";
    return html`<form class="choice" @submit=${this.#submit} @keydown=${this.#key}>
      <p class="fine">${isOther ? t.askOtherLead : t.whatWrong}</p>
      <p class="choices">
        ${agents.map(
          (agent) => html`<button type="button" class="chip" title=${plainly(agent.description)}
            aria-pressed=${isOther ? nothing : this.chosen.has(agent.id)} @click=${() => this.#take(agent.id)}>${plainly(agent.name)}</button>`,
        )}
      </p>
      ${isOther
        ? nothing
        : html`<label>${t.comment}<input name="comment" maxlength="2000" dir="auto" autocomplete="off" /></label>
            <p class="buttons"><button type="button" class="quiet" @click=${this.#close}>${t.cancel}</button><button class="primary">${t.sendFeedback}</button></p>`}
    </form>`;
  }

  /** @param {string} id */
  #take(id) {
    if (this.kind === "other") return this.#say([id], "");
    if (!this.chosen.delete(id)) this.chosen.add(id);
    this.requestUpdate();
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    const comment = /** @type {HTMLInputElement} */ (this.querySelector("input")).value;
    this.#say([...this.chosen], comment);
  }

  /** @param {string[]} agents @param {string} comment */
  #say(agents, comment) {
    this.dispatchEvent(new CustomEvent("chosen", { detail: { agents, comment } }));
  }

  #close() {
    this.dispatchEvent(new CustomEvent("closed"));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") this.#close();
  }
}

customElements.define("sb-choice", Choice);
