// Whom the router chose, how sure it was, and why.

import { html, nothing } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
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

/** Why, and how sure it was. @param {Plan} plan */
export function why({ steps, reason, stage, mode, confidence }) {
  const sure = stage === "rule" ? "" : ` · ${t.sure(percent(confidence))}`;
  // A rule that asks nobody is none that somebody was named in.
  const by = stage === "rule" && steps.length === 0 ? "" : `${t.stages[stage]} · `;
  return html`<p class="why" dir="auto">${plainly(reason)}</p>
    <p class="why fine">${by}${t.modes[mode]}${sure}</p>`;
}

/** Agents that were asked and are not in the answer. @param {Turn} turn */
export const missing = (turn) =>
  [...turn.calls.values()].filter((call) => ["failed", "timed_out", "rejected", "skipped"].includes(call.state) && !call.partial);
