// Whom the router chose, how sure it was, and why.

import { html, nothing } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
import { isWithoutLlm } from "../model/turn.js";
import { list, percent, t } from "../words/index.js";

/** @typedef {import("../model/turn.js").Turn} Turn */
/** @typedef {import("../types.d.ts").Plan} Plan */

/**
 * What goes on, in words.
 * @param {Turn} turn
 * @param {(id: string) => string} nameOf
 */
export function doing(turn, nameOf) {
  if (turn.isWriting) return t.writing;
  const running = [...turn.calls.values()].filter((call) => call.state === "running");
  if (running.length > 0) return t.asking(plainly(list(running.map((call) => nameOf(call.agent)))));
  return turn.plan ? t.writing : t.choosing;
}

/**
 * Whom the router chose, in a line.
 * @param {Plan} plan
 * @param {(id: string) => string} nameOf
 */
export function chosen({ steps, stage, mode }, nameOf) {
  if (steps.length === 0) return html`<span class="fine">${t.plan}: ${t.modes[mode]}</span>`;
  return html`<span class="fine">${t.asked}</span> ${steps.map(
      (step) => html`<span class="agent"><bdi>${plainly(nameOf(step.agent))}</bdi>${stage === "rule"
          ? nothing
          : html` <span class="sure">${percent(step.confidence)}</span>`}</span> `,
    )}`;
}

/**
 * Why, in the reader's language; in the house's own words where an LLM wrote it, or the code is of a newer house.
 * @param {Plan} plan
 * @param {(id: string) => string} nameOf
 */
function because({ reason, why }, nameOf) {
  const said = why && /** @type {Record<string, string | ((names: string, most: number) => string)>} */ (t.reasons)[why.code];
  if (!why || !said) return html`<p class="why" dir="auto">${plainly(reason)}</p>`;
  const agents = list((why.agents ?? []).map((id) => apart(plainly(nameOf(id)))));
  return html`<p class="why">${typeof said === "string" ? said : said(agents, why.most ?? 0)}</p>`;
}

/** A name that turns nothing around it (Unicode's first strong isolate). @param {string} name */
const apart = (name) => `\u2068${name}\u2069`;

/**
 * Why, and how sure it was.
 * @param {Plan} plan
 * @param {(id: string) => string} nameOf
 */
export function why(plan, nameOf) {
  const { steps, stage, mode, confidence } = plan;
  // A rule that asks nobody is none that somebody was named in, and what is done instead stands above.
  const parts = [
    stage === "rule" && steps.length === 0 ? "" : t.stages[stage],
    steps.length === 0 ? "" : t.modes[mode],
    stage === "rule" ? "" : t.sure(percent(confidence)),
    isWithoutLlm(plan) ? t.withoutLlm : "",
  ].filter(Boolean);
  return html`${because(plan, nameOf)}
    ${parts.length > 0 ? html`<p class="why fine">${parts.join(" · ")}</p>` : nothing}`;
}

/** Agents that were asked and are not in the answer. @param {Turn} turn */
export const missing = (turn) =>
  [...turn.calls.values()].filter((call) => ["failed", "timed_out", "rejected", "skipped"].includes(call.state) && !call.partial);
