// What did not work, in words, with what can be done about it.

import { html, nothing } from "../vendor/lit.js";
import { Failure } from "../api.js";
import { t } from "../words/index.js";

/** In these the house's own words say more than ours. */
const OWN_WORDS = new Set(["bad_request", "conflict", "too_large", "forbidden", "quota_exceeded", "would_be_worse", "rate_limited"]);

/** @param {unknown} failure */
export function wordsOf(failure) {
  const { code, detail, retryAfter } = failure instanceof Failure ? failure : new Failure("internal");
  const known = /** @type {Record<string, string>} */ (t.problems)[code] ?? t.problems.internal;
  const own = detail && OWN_WORDS.has(code) ? ` ${detail}` : "";
  const wait = retryAfter ? ` ${t.waitSeconds(retryAfter)}` : "";
  return `${known}${own}${wait}`;
}

/**
 * A box that says what did not work.
 * @param {unknown} failure
 * @param {(() => void) | undefined} [again] what tries it again
 */
export function problem(failure, again) {
  if (!failure) return nothing;
  const id = failure instanceof Failure ? failure.requestId : undefined;
  return html`<div class="problem" role="alert">
    <p dir="auto">${wordsOf(failure)}</p>
    ${id ? html`<p class="fine">${t.requestId(id)}</p>` : nothing}
    ${again ? html`<button type="button" @click=${again}>${t.tryAgain}</button>` : nothing}
  </div>`;
}
