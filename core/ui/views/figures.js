// Single figures: each says what it is when it is pressed.

import { html, nothing } from "../vendor/lit.js";
import { locale } from "../words/index.js";
import { a } from "../words/analytics/index.js";
import { Part } from "./part.js";

/** @typedef {{ key: string, value: string }} Figure */

class FigureRow extends Part {
  static properties = { figures: { attribute: false }, definitions: { attribute: false }, open: { state: true } };

  constructor() {
    super();
    /** @type {Figure[]} */
    this.figures = [];
    /** @type {Record<string, string>} */
    this.definitions = {};
    this.open = "";
  }

  render() {
    const definition = this.open && meaning(this.open, this.definitions);
    return html`<div class="figures">
        ${this.figures.map(
          ({ key, value }) => html`<button type="button" class="figure" data-key=${key} aria-expanded=${this.open === key} @click=${() => this.#press(key)}>
            <span class="fine">${nameOf(key)}</span> <strong>${value}</strong>
          </button>`,
        )}
      </div>
      <div role="status">${definition ? html`<p class="note">${nameOf(this.open)}: ${definition}</p>` : nothing}</div>`;
  }

  /** @param {string} key */
  #press(key) {
    this.open = this.open === key ? "" : key;
  }
}

/**
 * What a figure is called here.
 * @param {string} key
 */
export const nameOf = (key) => /** @type {Record<string, string>} */ (a.names)[key] ?? key;

/**
 * What a figure is: in the reader's language where we have it, else in the house's own words.
 * @param {string} key
 * @param {Record<string, string>} definitions
 */
export const meaning = (key, definitions) => /** @type {Record<string, string>} */ (a.definitions)[key] ?? definitions[key] ?? "";

/** @param {number | null | undefined} value @param {number} [digits] */
export const number = (value, digits = 0) =>
  value === null || value === undefined ? "–" : new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);

/** @param {number | null | undefined} share @param {number} [digits] */
export const share = (share, digits = 0) =>
  share === null || share === undefined ? "–" : new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(share);

/** @param {number | null | undefined} ms */
export const millis = (ms) =>
  ms === null || ms === undefined ? "–" : new Intl.NumberFormat(locale, { style: "unit", unit: "millisecond", maximumFractionDigits: ms < 10 ? 1 : 0 }).format(ms);

/** What stands between backticks is code. @param {string} text */
export const coded = (text) => text.split("`").map((it, at) => (at % 2 === 1 ? html`<code>${it}</code>` : it));

/** @param {string} at */
export const moment = (at) => new Intl.DateTimeFormat(locale, { dateStyle: "short", timeStyle: "medium" }).format(new Date(at));

/**
 * A table with its heading, or what would fill it.
 * @param {string} title
 * @param {string[]} columns
 * @param {unknown[][]} rows
 * @param {string} empty
 */
export function table(title, columns, rows, empty) {
  return html`<section>
    <h2>${title}</h2>
    ${rows.length === 0
      ? html`<p class="note">${coded(empty)}</p>`
      : html`<div class="wide-table" tabindex="0" role="region" aria-label=${title}><table>
          <thead><tr>${columns.map((it) => html`<th scope="col">${it}</th>`)}</tr></thead>
          <tbody>${rows.map(([head, ...cells]) => html`<tr><th scope="row">${head}</th>${cells.map((it) => html`<td>${it}</td>`)}</tr>`)}</tbody>
        </table></div>`}
  </section>`;
}

customElements.define("sb-figures", FigureRow);
