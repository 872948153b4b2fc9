// Completion of @names. Pure but for its list.

import { html, nothing } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
import { t } from "../words/index.js";

/** @typedef {{ id: string, name: string, about: string }} Named */

/** So many are offered at once. */
const MOST = 8;

/**
 * The name that is being written at the cursor; undefined when none is.
 * @param {string} text
 * @param {number} at
 */
export function wordAt(text, at) {
  const found = /(?:^|[\s(])@([\p{L}\p{N}._-]{0,64})$/u.exec(text.slice(0, at));
  return found ? { from: at - (found[1] ?? "").length - 1, sought: (found[1] ?? "").toLowerCase() } : undefined;
}

/** @param {Named[]} all @param {string} sought */
export function matching(all, sought) {
  const begins = (/** @type {Named} */ it) => it.id.toLowerCase().startsWith(sought) || it.name.toLowerCase().startsWith(sought);
  const has = (/** @type {Named} */ it) => it.id.toLowerCase().includes(sought) || it.name.toLowerCase().includes(sought);
  return [...all.filter(begins), ...all.filter((it) => !begins(it) && has(it))].slice(0, MOST);
}

/**
 * The list under the field.
 * @param {string} id
 * @param {Named[]} items
 * @param {number} chosen
 * @param {(item: Named) => void} take
 */
export function mentions(id, items, chosen, take) {
  if (items.length === 0) return nothing;
  return html`<ul class="mentions" role="listbox" id=${id} aria-label=${t.suggestions}>
    ${items.map(
      (item, index) => html`<li role="option" id="${id}-${index}" aria-selected=${index === chosen}
        @mousedown=${(/** @type {Event} */ event) => {
          event.preventDefault();
          take(item);
        }}>
        <span class="handle">@${item.id}</span> <span class="fine" dir="auto">${plainly(item.about)}</span>
      </li>`,
    )}
  </ul>`;
}
