// The messages that an agent is learned from: looked at, and changed where that makes the choice no worse.

import { html, nothing } from "../vendor/lit.js";
import { Failure, ask } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { a } from "../words/admin/index.js";
import { t } from "../words/index.js";
import { icon } from "./icons.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";

/** @typedef {{ text: string, language?: string }} Example */

class Examples extends Part {
  static properties = { agent: { attribute: false } };

  constructor() {
    super();
    /** The agent's id. */
    this.agent = "";
    /** @type {Example[] | undefined} */
    this.examples = undefined;
    this.onCard = 0;
    this.isChanged = false;
    this.isBusy = false;
    /** Why they are not learned. */
    this.refused = "";
  }

  get #path() {
    return `/v1/agents/${this.agent}/examples`;
  }

  connectedCallback() {
    super.connectedCallback();
    void this.try(async () => this.#take(await ask("GET", this.#path)));
  }

  /** @param {{ examples: Example[], on_card: number }} kept */
  #take({ examples, on_card }) {
    this.examples = examples;
    this.onCard = on_card;
    this.isChanged = false;
  }

  render() {
    if (this.examples === undefined) return this.failure ? problem(this.failure) : html`<p class="waiting fine">${t.wait}</p>`;
    return html`${problem(this.failure)}
      <ul>
        ${this.examples.map(
          (it, index) => html`<li class="line">
            <span class="grow" dir="auto">“${plainly(it.text)}” <span class="fine">${it.language ?? ""}</span></span>
            <button type="button" class="icon-button small" aria-label=${t.remove(it.text)} @click=${() => this.#change(this.examples?.filter((_, at) => at !== index))}>${icon("close")}</button>
          </li>`,
        )}
      </ul>
      ${this.onCard > 0 ? html`<p class="fine">${a.onCard(this.onCard)}</p>` : nothing}
      <form class="row" @submit=${this.#add}>
        <label class="grow">${a.addExample}<input name="text" maxlength="500" required autocomplete="off" dir="auto" /></label>
        <button>${t.add}</button>
      </form>
      ${this.refused ? html`<p class="problem" role="alert" dir="auto">${t.worse} ${plainly(this.refused)}</p>` : nothing}
      ${this.isChanged
        ? html`<p class="buttons">
            <button type="button" class=${this.refused ? "danger" : "primary"} ?disabled=${this.isBusy} @click=${() => this.#save(this.refused !== "")}>${this.refused ? t.force : t.save}</button>
          </p>`
        : nothing}`;
  }

  /** @param {Example[]} [examples] */
  #change(examples) {
    this.examples = examples;
    this.isChanged = true;
    this.refused = "";
    this.requestUpdate();
  }

  /** @param {SubmitEvent} event */
  #add(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const text = String(new FormData(form).get("text")).trim();
    if (text) this.#change([...(this.examples ?? []), { text }]);
    form.reset();
  }

  /** @param {boolean} force */
  async #save(force) {
    this.isBusy = true;
    await this.try(async () => {
      try {
        this.#take(await ask("PUT", this.#path, { examples: this.examples, force }));
        this.refused = "";
        this.dispatchEvent(new CustomEvent("learned", { bubbles: true }));
      } catch (error) {
        if (!(error instanceof Failure) || !error.report) throw error;
        this.refused = error.report.reason;
      }
    });
    this.isBusy = false;
    this.requestUpdate();
  }
}

customElements.define("sb-examples", Examples);
