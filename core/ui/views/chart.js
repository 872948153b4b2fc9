// Series over time: a picture for who sees it, and the same as a table for everybody.

import { html, nothing } from "../vendor/lit.js";
import uPlot from "../vendor/uplot.js";
import { locale } from "../words/index.js";
import { a } from "../words/analytics/index.js";
import { Part } from "./part.js";

/** @typedef {{ name: string, values: (number | null)[] }} Series */
/** @typedef {{ title: string, marks: string[], series: Series[], show?: (value: number) => string }} Content */

const HEIGHT = 170;
/** The colours of series, by their names in the style. */
const COLOURS = ["--accent", "--wait", "--bad", "--soft"];

class Chart extends Part {
  static properties = { content: { attribute: false }, isOpen: { state: true } };

  constructor() {
    super();
    /** @type {Content} */
    this.content;
    this.isOpen = false;
    /** @type {any} */
    this.plot = undefined;
    this.watcher = new ResizeObserver(() => this.#fit());
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.watcher.disconnect();
    this.plot?.destroy();
    this.plot = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    if (this.hasUpdated) this.requestUpdate();
  }

  render() {
    const { title, series } = this.content;
    return html`<figure class="chart">
      <figcaption>
        ${title}
        <span class="keys">${series.map((it, index) => html`<span class="fine key-${index}">${it.name}</span>`)}</span>
      </figcaption>
      <div class="plot" dir="ltr" aria-hidden="true"></div>
      <details ?open=${this.isOpen} @toggle=${(/** @type {Event} */ event) => (this.isOpen = /** @type {HTMLDetailsElement} */ (event.target).open)}>
        <summary class="fine">${a.asTable}<span class="hidden">: ${title}</span></summary>
        ${this.isOpen ? this.#table() : nothing}
      </details>
    </figure>`;
  }

  #table() {
    const { title, marks, series, show = plain } = this.content;
    const at = new Intl.DateTimeFormat(locale, { dateStyle: "short", timeStyle: "short" });
    return html`<div class="wide-table" tabindex="0" role="region" aria-label=${title}><table>
      <thead><tr><th scope="col">${a.time}</th>${series.map((it) => html`<th scope="col">${it.name}</th>`)}</tr></thead>
      <tbody>
        ${marks.map((mark, row) => {
          const values = series.map((it) => it.values[row] ?? null);
          return html`<tr><th scope="row">${at.format(new Date(mark))}</th>${values.map((it) => html`<td>${it === null ? "–" : show(it)}</td>`)}</tr>`;
        })}
      </tbody>
    </table></div>`;
  }

  updated() {
    const host = /** @type {HTMLElement | null} */ (this.querySelector(".plot"));
    if (!host) return;
    const { marks, series } = this.content;
    /** @type {any} */
    const data = [marks.map((mark) => Date.parse(mark) / 1000), ...series.map((it) => it.values)];
    if (this.plot && this.plot.series.length === data.length) {
      this.plot.setData(data);
      return;
    }
    this.plot?.destroy();
    this.plot = new uPlot(this.#options(host), data, host);
    this.watcher.observe(host);
  }

  /** @param {HTMLElement} host @returns {uPlot.Options} */
  #options(host) {
    const { series, show = plain } = this.content;
    const line = colour("--line");
    const axis = { stroke: colour("--soft"), grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const at = (/** @type {any} */ _, /** @type {number[]} */ marks) => marks.map((mark) => short(mark, marks));
    return {
      width: Math.max(host.clientWidth, 120),
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (/** @type {any} */ _, /** @type {number} */ least, /** @type {number} */ most) => [0, Math.max(most * 1.1, 1)] } },
      axes: [
        { ...axis, values: at },
        { ...axis, size: room, values: (/** @type {any} */ _, /** @type {number[]} */ all) => all.map(show) },
      ],
      series: [
        {},
        ...series.map((it, index) => ({
          label: it.name,
          stroke: colour(COLOURS[index % COLOURS.length] ?? "--accent"),
          width: 2,
        })),
      ],
    };
  }

  #fit() {
    const host = /** @type {HTMLElement | null} */ (this.querySelector(".plot"));
    if (host && this.plot && host.clientWidth > 0) this.plot.setSize({ width: host.clientWidth, height: HEIGHT });
  }
}

/** How much room the labels of an axis need, in pixels: they are cut otherwise. @param {any} _ @param {string[] | null} labels */
const room = (_, labels) => 24 + 7 * Math.max(4, ...(labels ?? []).map((it) => it.length));

/** @param {number} value */
const plain = (value) => new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);

/** A time on the axis: with its day where the axis is longer than that. @param {number} mark @param {number[]} all */
function short(mark, all) {
  const isLong = (all.at(-1) ?? 0) - (all[0] ?? 0) > 86_400;
  /** @type {Intl.DateTimeFormatOptions} */
  const how = isLong ? { month: "numeric", day: "numeric" } : { hour: "numeric", minute: "2-digit" };
  return new Intl.DateTimeFormat(locale, how).format(new Date(mark * 1000));
}

/** What a colour of the style is now, light or dark: a canvas does not know their names. @param {string} name */
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

customElements.define("sb-chart", Chart);
