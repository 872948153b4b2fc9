// The page of analytics for whoever runs the house: what goes wrong, how fast it is, and how each part is.

import { html, nothing } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
import { t } from "../words/index.js";
import { a } from "../words/analytics/index.js";
import { millis, moment, nameOf, number, share, table } from "./figures.js";
import "./chart.js";

/** @typedef {import("../types.d.ts").RunningFigures} RunningFigures */
/** @typedef {import("../types.d.ts").CorePart} CorePart */

/** A part that was not heard of for so long may be gone. */
const LATE_MS = 20_000;

/**
 * @param {RunningFigures} data
 * @param {import("../model/house.js").House} house
 */
export function running(data, house) {
  const { totals, points, definitions } = data;
  const marks = points.map((it) => it.at);
  const series = (/** @type {(keyof RunningFigures["points"][0])[]} */ ...keys) =>
    keys.map((key) => ({ name: nameOf(key), values: points.map((it) => (it[key] === undefined ? null : Number(it[key]))) }));
  return html`<p class="fine">${data.whose === "house" ? a.ofHouse : a.ofTenant}</p>
    ${totals.requests + totals.edge_errors + totals.turns === 0
      ? html`<p class="note">${a.noRequests}</p>`
      : html`<sb-figures .definitions=${definitions} .figures=${figures(data)}></sb-figures>
          <div class="charts">
            <sb-chart .content=${{ title: a.charts.requests, marks, series: series("requests", "client_errors", "errors", "failed") }}></sb-chart>
            <sb-chart .content=${{ title: a.charts.budget, marks, series: series("budget_left"), show: share }}></sb-chart>
            <sb-chart .content=${{ title: a.charts.latency, marks, series: series("own_p95_ms", "acknowledgement_p95_ms", "agent_p95_ms"), show: millis }}></sb-chart>
          </div>
          ${table(a.latency, [a.kind, nameOf("count"), nameOf("p50_ms"), nameOf("p95_ms"), nameOf("p99_ms")],
            data.latency.map((it) => [a.kinds[it.kind], number(it.count), millis(it.p50_ms), millis(it.p95_ms), millis(it.p99_ms)]), a.noRequests)}`}
    ${table(a.breakers, [a.agent, a.state], data.breakers.map((it) => [html`<bdi>${plainly(house.nameOf(it.agent))}</bdi>`, t.breakers[it.breaker]]), a.allAsked)}
    ${data.house ? parts(data.house, Date.parse(data.at)) : nothing}`;
}

/** @param {RunningFigures} data */
function figures({ totals, whose }) {
  const counted = /** @type {const} */ (["requests", "client_errors", "errors", "turns", "failed"]);
  const ofEdges = whose === "house" ? /** @type {const} */ (["edge_refused", "edge_errors"]) : [];
  return [
    { key: "budget_left", value: share(totals.budget_left, 1) },
    { key: "objective", value: share(totals.objective, 2) },
    ...[...counted, ...ofEdges].map((key) => ({ key, value: number(totals[key]) })),
  ];
}

/** @param {NonNullable<RunningFigures["house"]>} house @param {number} now */
function parts({ cores, edges, drill }, now) {
  // One core speaks for what all of them see, so that it is told once and always by the same one.
  const witness = cores.find((it) => now - Date.parse(it.seen_at) < LATE_MS) ?? cores[0];
  return html`${table(a.edges, [a.part, a.state, nameOf("sockets"), nameOf("streams"), nameOf("load"), nameOf("edge_refused"), nameOf("edge_errors"), a.version, a.seen],
      edges.map((it) => [html`<bdi>${plainly(it.url || it.id)}${it.region ? ` (${plainly(it.region)})` : ""}</bdi>`, stateOf(it, now), number(it.sockets), number(it.streams), share(it.load, 1), number(it.edge_refused), number(it.edge_errors), it.version, moment(it.seen_at)]), a.noEdges)}
    ${table(a.cores, [a.part, a.state, nameOf("running"), nameOf("waiting"), nameOf("streams"), a.version, a.since, a.seen],
      cores.map((it) => [html`<code>${it.id.slice(-12)}</code>`, stateOf(it, now), number(it.running), number(it.waiting), number(it.streams), it.version, moment(it.started_at), moment(it.seen_at)]), a.noCores)}
    ${witness ? seen(witness) : nothing}
    ${table(a.drill, [a.drill, a.state, a.kind, a.time],
      drill ? [[plainly(drill.name), drill.passed ? a.passed : a.notPassed, html`<bdi>${plainly(drill.summary)}</bdi>`, moment(drill.seen_at)]] : [], a.noDrill)}`;
}

/** @param {CorePart} core */
function seen({ postgres, redis, llm }) {
  return html`${table(a.postgres, [a.part, a.role, nameOf("lag_ms")],
      postgres.map((it) => [it.host, a.roles[it.role], millis(it.lag_ms)]), a.noPostgres)}
    ${table(a.redis, [a.part, a.role, nameOf("lag_bytes")], redis.map((it) => [html`<code>${plainly(it.node)}</code>`, a.roles[it.role], number(it.lag_bytes)]), a.noRedis)}
    ${table(a.llm, [a.part, a.model, a.state], llm.map((it) => [plainly(it.endpoint), plainly(it.model), a.states[it.state]]), a.noLlm)}`;
}

/** @param {{ seen_at: string, draining: boolean }} part @param {number} now */
function stateOf(part, now) {
  if (now - Date.parse(part.seen_at) >= LATE_MS) return a.roles.away;
  return part.draining ? a.states.draining : a.states.ready;
}
