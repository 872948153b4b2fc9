// The page of analytics for whoever plans the house: how much there is to do, and how much more would fit.

import { html, nothing } from "../vendor/lit.js";
import { a } from "../words/analytics/index.js";
import { coded, nameOf, number, share, table } from "./figures.js";
import "./chart.js";

/** @typedef {import("../types.d.ts").CapacityFigures} CapacityFigures */

/**
 * So much of what fits.
 * @param {CapacityFigures["tiers"][0]} tier
 * @param {number} used
 */
function of({ ceiling, basis }, used) {
  if (ceiling === undefined) return number(used, 2);
  return (basis === "measured" ? a.ofMeasured : a.ofBound)(number(used, 2), number(ceiling, 2));
}

/** @param {CapacityFigures} data */
export function capacity(data) {
  const { totals, points, tiers, growth, definitions } = data;
  const marks = points.map((it) => it.at);
  const series = (/** @type {(keyof CapacityFigures["points"][0])[]} */ ...keys) =>
    keys.map((key) => ({ name: nameOf(key), values: points.map((it) => (it[key] === undefined ? null : Number(it[key]))) }));
  const rate = (/** @type {number} */ it) => number(it, 2);
  const figures = [
    { key: "messages", value: number(totals.messages) },
    { key: "messages_per_s", value: number(totals.messages_per_s, 3) },
    { key: "peak_per_s", value: number(totals.peak_per_s, 3) },
    { key: "input_tokens", value: number(totals.input_tokens) },
    { key: "output_tokens", value: number(totals.output_tokens) },
  ];
  return html`<p class="fine">${data.whose === "house" ? a.ofHouse : a.ofTenant}</p>
    <sb-figures .definitions=${definitions} .figures=${figures}></sb-figures>
    <div class="charts">
      <sb-chart .content=${{ title: a.charts.rate, marks, series: series("messages_per_s"), show: rate }}></sb-chart>
      ${data.whose === "house" ? html`<sb-chart .content=${{ title: a.charts.load, marks, series: series("sockets", "running") }}></sb-chart>` : nothing}
    </div>
    ${data.whose === "house"
      ? html`${table(a.tiers, [a.tier, a.unit, nameOf("parts"), nameOf("used"), nameOf("peak"), nameOf("headroom"), a.basis],
            tiers.map((it) => [a.tierNames[it.tier], a.units[it.unit], number(it.parts), of(it, it.used), of(it, it.peak), share(it.headroom), a.bases[it.basis]]), a.noCores)}
          ${tiers.some((it) => it.basis !== "measured" && it.unit !== "running") ? html`<p class="note">${coded(a.unmeasured)}</p>` : nothing}`
      : nothing}
    <section>
      <h2>${a.growth}</h2>
      ${growth.messages_per_day === undefined ? html`<p class="note">${a.tooFewDays}</p>` : nothing}
      <sb-figures .definitions=${definitions} .figures=${[
        { key: "days", value: number(growth.days) },
        { key: "messages_per_day", value: number(growth.messages_per_day, 1) },
        { key: "growth_per_day", value: number(growth.growth_per_day, 1) },
        { key: "full_in_days", value: number(growth.full_in_days) },
      ]}></sb-figures>
    </section>`;
}
