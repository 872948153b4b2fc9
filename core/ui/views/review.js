// What people corrected, for somebody to decide whether it is learned.

import { html, nothing } from "../vendor/lit.js";
import { Failure, all, ask } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { day, list, t } from "../words/index.js";
import { Office } from "./office.js";

/** @typedef {import("../types.d.ts").SuggestionView} SuggestionView */
/** @typedef {import("../types.d.ts").Trial} Trial */

/** So many are shown at once. */
const MOST = 200;
/** So many messages that speak against a suggestion are shown. */
const LOST = 5;

class Review extends Office {
  static properties = { house: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../model/house.js").House} */
    this.house;
    /** @type {SuggestionView[] | undefined} */
    this.suggestions = undefined;
    /** Why what was approved is not learned. @type {Map<string, Trial>} */
    this.refused = new Map();
    this.note = "";
  }

  connectedCallback() {
    super.connectedCallback();
    void this.try(async () => {
      this.suggestions = await all("/v1/suggestions?state=open&limit=100", MOST);
    });
  }

  render() {
    const open = this.suggestions;
    return this.sheet(
      t.review,
      t.reviewLead,
      html`<p class="fine" role="status" dir="auto">${this.note}</p>
        ${open === undefined && !this.failure ? html`<p class="waiting">${t.wait}</p>` : nothing}
        ${open?.length === 0 ? html`<p class="note">${t.noSuggestions}</p>` : nothing}
        <div class="cards">${open?.map((it) => this.#card(it))}</div>`,
    );
  }

  /** @param {SuggestionView} suggestion */
  #card(suggestion) {
    const { id, agent, text, positive, source, at } = suggestion;
    const trial = this.refused.get(id);
    return html`<article class="card" aria-label=${plainly(text)}>
      <p dir="auto">“${plainly(text)}”</p>
      <p class="fine"><bdi>${plainly(this.house.nameOf(agent))}</bdi> ${positive ? t.shouldGet : t.shouldNotGet} · ${t.sources[source]} · ${day(at)}</p>
      ${positive
        ? nothing
        : html`<label>${t.rightFor}<select name="agents">
            <option value="">${t.nobody}</option>
            ${[...this.house.agents.values()].filter((it) => it.id !== agent).map((it) => html`<option value=${it.id}>${plainly(it.name)}</option>`)}
          </select></label>`}
      ${trial ? this.#trial(trial) : nothing}
      <p class="buttons">
        <button type="button" class="quiet" ?disabled=${this.isBusy} @click=${() => this.#decide(suggestion, { state: "dismissed" })}>${t.dismiss}</button>
        ${trial
          ? html`<button type="button" class="danger" ?disabled=${this.isBusy} @click=${(/** @type {Event} */ event) => this.#approve(suggestion, event, true)}>${t.force}</button>`
          : html`<button type="button" class="primary" ?disabled=${this.isBusy} @click=${(/** @type {Event} */ event) => this.#approve(suggestion, event, false)}>${t.approve}</button>`}
      </p>
    </article>`;
  }

  /** @param {Trial} trial */
  #trial({ reason, lost }) {
    return html`<div class="problem">
      <p dir="auto">${t.worse} ${plainly(reason)}</p>
      <ul>
        ${lost.slice(0, LOST).map(
          (row) => html`<li dir="auto">“${plainly(row.text)}”: ${names(row.before.agents, this.house)} → ${names(row.after.agents, this.house)}</li>`,
        )}
      </ul>
    </div>`;
  }

  /** @param {SuggestionView} suggestion @param {Event} event @param {boolean} force */
  #approve(suggestion, event, force) {
    const card = /** @type {Element} */ (event.currentTarget).closest(".card");
    const chosen = /** @type {HTMLSelectElement | null} */ (card?.querySelector("select"));
    const agents = chosen ? (chosen.value ? [chosen.value] : []) : undefined;
    void this.#decide(suggestion, { state: "approved", agents, force });
  }

  /** @param {SuggestionView} suggestion @param {object} decision */
  #decide(suggestion, decision) {
    return this.try(async () => {
      try {
        /** @type {{ note: string }} */
        const { note } = await ask("POST", `/v1/suggestions/${suggestion.id}`, decision);
        this.note = plainly(note);
        this.suggestions = this.suggestions?.filter((it) => it.id !== suggestion.id);
      } catch (error) {
        if (!(error instanceof Failure) || !error.report) throw error;
        this.refused.set(suggestion.id, error.report);
      }
    });
  }
}

/** @param {string[]} agents @param {import("../model/house.js").House} house */
const names = (agents, house) => (agents.length > 0 ? list(agents.map((id) => house.nameOf(id))) : t.nobody);

customElements.define("sb-review", Review);
