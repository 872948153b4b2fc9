// How much is used, for those who look after the tenant.

import { html, nothing } from "../vendor/lit.js";
import { ask } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { a, number } from "../words/admin/index.js";
import { size, t } from "../words/index.js";
import { Office } from "./office.js";

/** @typedef {import("../types.d.ts").UsageView} UsageView */
/** @typedef {import("../types.d.ts").Used} Used */

const DAYS = [1, 7, 30, 365];
/** @type {(keyof typeof a.orders)[]} */
const ORDERS = ["turns", "stored", "tokens"];

class UsageSheet extends Office {
  constructor() {
    super();
    /** @type {UsageView | undefined} */
    this.usage = undefined;
    this.days = 30;
    this.order = "turns";
  }

  connectedCallback() {
    super.connectedCallback();
    void this.#read();
  }

  #read() {
    return this.try(async () => {
      this.usage = await ask("GET", `/v1/usage?days=${this.days}&order=${this.order}&limit=100`);
    });
  }

  render() {
    return this.sheet(
      t.usage,
      a.usageLead,
      html`<form class="row" @change=${this.#chosen}>
          <label>${a.days}<select name="days">${DAYS.map((n) => html`<option value=${n} ?selected=${n === this.days}>${a.daysOf(n)}</option>`)}</select></label>
          <label>${a.order}<select name="order">${ORDERS.map((it) => html`<option value=${it} ?selected=${it === this.order}>${a.orders[it]}</option>`)}</select></label>
        </form>
        ${this.usage === undefined ? (this.failure ? nothing : html`<p class="waiting">${t.wait}</p>`) : this.#figures(this.usage)}`,
    );
  }

  /** @param {UsageView} usage */
  #figures(usage) {
    return html`<div class="figures" role="region" aria-label=${t.usage} tabindex="0">
        <table>
          <thead><tr>${[a.user, a.stored, a.turns, a.calls, a.read, a.written].map((it) => html`<th scope="col">${it}</th>`)}</tr></thead>
          <tbody>
            <tr><th scope="row">${a.everybody} <span class="fine">(${number(usage.users)})</span></th>${row(usage.used, usage.stored_bytes, usage.quota_bytes)}</tr>
            ${usage.items.map(
              (it) => html`<tr>
                <th scope="row"><bdi>${plainly(it.user)}</bdi> <span class="fine">${it.tier ?? ""}</span></th>${row(it, it.stored_bytes, usage.user_quota_bytes)}
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <section><h2>${a.budgets}</h2><p class="fine">${a.budgetsLead}</p>
        <ul>${usage.budgets.map((it) => html`<li><bdi>${it.tier}</bdi>: ${number(it.costly_per_minute)}</li>`)}</ul>
      </section>`;
  }

  /** @param {Event} event */
  #chosen(event) {
    const data = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    this.days = Number(data.get("days"));
    this.order = String(data.get("order"));
    void this.#read();
  }
}

/** @param {Used} used @param {number} stored @param {number | undefined} quota */
function row(used, stored, quota) {
  const bytes = quota ? a.ofQuota(size(stored), size(quota)) : size(stored);
  const figures = [used.turns, used.calls, used.llm_input_tokens, used.llm_output_tokens];
  return html`<td>${bytes}</td>${figures.map((it) => html`<td>${number(it)}</td>`)}`;
}

customElements.define("sb-usage", UsageSheet);
