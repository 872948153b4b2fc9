// The product's page of analytics: who asks what, how good the answers are, and what they cost.

import { html, nothing } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
import { language, locale } from "../words/index.js";
import { a } from "../words/analytics/index.js";
import { moment, nameOf, number, share, table } from "./figures.js";
import "./chart.js";

/** @typedef {import("../types.d.ts").ProductFigures} ProductFigures */

/**
 * @param {ProductFigures} data
 * @param {import("../model/house.js").House} house
 */
export function product(data, house) {
  const { totals, points, definitions } = data;
  if (totals.messages === 0 && totals.calls === 0 && totals.thumbs_up + totals.thumbs_down === 0) return html`<p class="note">${a.noMessages}</p>`;
  const marks = points.map((it) => it.at);
  const series = (/** @type {(keyof ProductFigures["points"][0])[]} */ ...keys) =>
    keys.map((key) => ({ name: nameOf(key), values: points.map((it) => Number(it[key])) }));
  const chart = (/** @type {string} */ title, /** @type {(keyof ProductFigures["points"][0])[]} */ ...keys) =>
    html`<sb-chart .content=${{ title, marks, series: series(...keys) }}></sb-chart>`;
  return html`<sb-figures .definitions=${definitions} .figures=${figures(totals)}></sb-figures>
    <div class="charts">
      ${chart(a.charts.messages, "messages", "answers", "without_llm")}
      ${chart(a.charts.users, "users")}
      ${chart(a.charts.thumbs, "thumbs_up", "thumbs_down")}
      ${chart(a.charts.tokens, "input_tokens", "output_tokens")}
    </div>
    ${table(a.byAgent, [a.agent, nameOf("calls"), nameOf("share"), nameOf("calls_failed")],
      data.agents.map((it) => [html`<bdi>${plainly(house.nameOf(it.agent))}</bdi>`, number(it.calls), share(it.share), number(it.calls_failed)]), a.noCalls)}
    ${table(a.byModel, [a.model, nameOf("input_tokens"), nameOf("output_tokens"), ...(totals.cost ? [nameOf("cost")] : [])],
      data.models.map((it) => [it.model ? html`<bdi>${plainly(it.model)}</bdi>` : a.notNoted, number(it.input_tokens), number(it.output_tokens), ...(totals.cost ? [it.cost === undefined ? "–" : money(it.cost, totals.cost.currency)] : [])]), a.noTokens)}
    ${totals.cost?.unpriced_tokens ? html`<p class="note">${a.unpriced(number(totals.cost.unpriced_tokens))}</p>` : nothing}
    ${table(a.byLanguage, [a.language, nameOf("messages")], data.languages.map((it) => [languageOf(it.language), number(it.messages)]), a.noPlans)}
    ${table(nameOf("confidence"), [nameOf("confidence"), nameOf("plans")],
      totals.messages === 0 ? [] : data.confidence.map((it) => [`${share(it.confidence_from)} – ${share(it.confidence_to)}`, number(it.plans)]), a.noPlans)}
    ${table(a.corrected, [a.time, a.asked, a.right, nameOf("confidence"), a.turn],
      data.corrected.map((it) => [moment(it.at), names(it.asked, house), names(it.right, house), share(it.confidence), html`<code>${it.turn}</code>`]), a.noCorrections)}`;
}

/** @param {ProductFigures["totals"]} totals */
function figures(totals) {
  const whole = ["messages", "users", "answers", "without_llm", "degraded", "failed", "calls", "thumbs_up", "thumbs_down", "corrections", "input_tokens", "output_tokens"];
  const counted = /** @type {Record<string, number>} */ (/** @type {unknown} */ (totals));
  const all = whole.map((key) => ({ key, value: number(counted[key]) }));
  all.push({ key: "calls_per_answer", value: number(totals.calls_per_answer, 2) });
  all.push({ key: "tokens_per_answer", value: number(totals.tokens_per_answer) });
  const { cost } = totals;
  if (cost) {
    all.push({ key: "cost_of_all", value: money(cost.cost_of_all, cost.currency) });
    if (cost.cost_per_answer !== undefined) all.push({ key: "cost_per_answer", value: money(cost.cost_per_answer, cost.currency) });
  }
  return all;
}

/** @param {number} amount @param {string} currency */
const money = (amount, currency) =>
  new Intl.NumberFormat(locale, { style: "currency", currency, maximumSignificantDigits: 4 }).format(amount);

/** @param {string} tag */
function languageOf(tag) {
  if (tag === "und") return a.undetermined;
  return new Intl.DisplayNames(language, { type: "language" }).of(tag) ?? tag;
}

/** @param {string[]} agents @param {import("../model/house.js").House} house */
const names = (agents, house) =>
  agents.length === 0 ? nothing : html`<bdi>${agents.map((id) => plainly(house.nameOf(id))).join(", ")}</bdi>`;
