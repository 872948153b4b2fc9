// What an agent's card says, before the agent is added: what it offers, what of that would be used, and what is wrong.

import { html, nothing } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
import { a } from "../words/admin/index.js";
import { t } from "../words/index.js";

/** @typedef {import("../types.d.ts").CardLook} CardLook */

/** @param {CardLook} card */
export function cardOf(card) {
  return html`${card.fault ? html`<div class="problem" role="alert"><p dir="auto">${a.cardFault} ${plainly(card.fault)}</p></div>` : html`<p>${t.cardFound}</p>`}
    ${card.name
      ? html`<header class="row">
          <h3><bdi>${plainly(card.name)}</bdi></h3>
          ${card.id ? html`<code>@${card.id}</code>` : nothing}
          <span class="fine">${[card.version ? `${a.version} ${plainly(card.version)}` : "", card.provider ? `${a.provider} ${plainly(card.provider)}` : ""].filter(Boolean).join(" · ")}</span>
        </header>`
      : nothing}
    ${card.description ? html`<p dir="auto">${plainly(card.description)}</p>` : nothing}
    ${card.id && card.replaces ? html`<p class="note">${a.replaces(card.id)}</p>` : nothing}
    ${part(a.skills, card.skills.map((skill) => html`<li dir="auto">${plainly(skill.name || skill.id)} <span class="fine">${t.examplesOf(skill.examples)}</span></li>`))}
    ${part(
      a.bindings,
      card.bindings.map((it) => html`<li dir="ltr">${plainly(it.binding)} ${plainly(it.version)} <code>${plainly(it.url)}</code> ${it.used ? html`<span class="fine">(${a.isUsed})</span>` : nothing}</li>`),
    )}
    ${card.notes.map((note) => html`<p class="note" dir="auto">${a.notes[note.kind] ?? note.kind} ${note.what ? plainly(note.what) : ""}</p>`)}`;
}

/** @param {string} title @param {unknown[]} items */
const part = (title, items) => (items.length > 0 ? html`<h4 class="fine">${title}</h4><ul>${items}</ul>` : nothing);
