// What happens, in figures: a page for who runs the house, one for who plans it, one for who looks after what it does.

import { html, nothing } from "../vendor/lit.js";
import { pathOf } from "../address.js";
import { Figures, addressOf } from "../model/figures.js";
import { t } from "../words/index.js";
import { a, speakOfFigures } from "../words/analytics/index.js";
import { STYLE } from "./analytics-style.js";
import { meaning, moment, nameOf } from "./figures.js";
import { Office } from "./office.js";
import { problem } from "./problem.js";
import { capacity } from "./capacity.js";
import { product } from "./product.js";
import { running } from "./running.js";

/** @typedef {import("../model/figures.js").Page} Page */
/** @typedef {import("../model/figures.js").Span} Span */

/** @type {readonly Page[]} */
const PAGES = ["running", "capacity", "product"];
/** @type {readonly Span[]} */
const SPANS = ["hour", "days", "month"];

class Analytics extends Office {
  static properties = { page: { attribute: false }, house: { attribute: false }, isReady: { state: true } };

  constructor() {
    super();
    /** @type {Page} */
    this.page = "running";
    /** @type {import("../model/house.js").House} */
    this.house;
    /** @type {Figures | undefined} */
    this.figures = undefined;
    /** @type {Span} */
    this.span = "hour";
    this.isReady = false;
  }

  connectedCallback() {
    super.connectedCallback();
    if (!document.adoptedStyleSheets.includes(STYLE)) document.adoptedStyleSheets.push(STYLE);
    void speakOfFigures().then(() => (this.isReady = true));
    if (this.hasUpdated) this.#begin();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.figures?.close();
    this.figures = undefined;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("page")) this.#begin();
  }

  /** @param {Span} [span] */
  #begin(span = this.span) {
    this.span = span;
    this.figures?.close();
    this.figures = new Figures(this.page, span);
    this.figures.addEventListener("change", () => this.requestUpdate());
    this.requestUpdate();
  }

  render() {
    if (!this.isReady) return html`<p class="waiting">${t.wait}</p>`;
    const { data, failure, isOld } = this.figures ?? {};
    return this.sheet(
      a.titles[this.page],
      a.leads[this.page],
      html`${this.#choices()}
        ${problem(failure)}
        ${isOld ? html`<p class="note">${a.old}</p>` : nothing}
        ${data === undefined
          ? failure
            ? nothing
            : html`<p class="waiting">${t.wait}</p>`
          : html`<p class="fine told">${a.told(moment(data.at))} <a href=${addressOf(this.page, this.span)} target="_blank" rel="noopener">${a.asJson}</a></p>
              ${this.#page(data)}
              ${meanings(data.definitions)}`}`,
    );
  }

  #choices() {
    return html`<nav class="row" aria-label=${t.analytics}>
        <ul class="choices">
          ${PAGES.map((page) => html`<li><a data-own class="button chip" href=${pathOf({ view: "analytics", page })} aria-current=${page === this.page ? "page" : nothing}>${a.titles[page]}</a></li>`)}
        </ul>
      </nav>
      <div class="choices" role="group" aria-label=${a.span}>
        ${SPANS.map((span) => html`<button type="button" class="chip" aria-pressed=${span === this.span} @click=${() => this.#begin(span)}>${a.spans[span]}</button>`)}
      </div>`;
  }

  /** @param {import("../types.d.ts").Figures} data */
  #page(data) {
    switch (this.page) {
      case "running":
        return running(/** @type {import("../types.d.ts").RunningFigures} */ (data), this.house);
      case "capacity":
        return capacity(/** @type {import("../types.d.ts").CapacityFigures} */ (data));
      default:
        return product(/** @type {import("../types.d.ts").ProductFigures} */ (data), this.house);
    }
  }
}

/** What each figure of the page is, all at once. @param {Record<string, string>} definitions */
function meanings(definitions) {
  return html`<details class="meanings"><summary>${a.meanings}</summary>
    <dl>${Object.keys(definitions).map((key) => html`<dt>${nameOf(key)} <code>${key}</code></dt><dd>${meaning(key, definitions)}</dd>`)}</dl>
  </details>`;
}

customElements.define("sb-analytics", Analytics);
