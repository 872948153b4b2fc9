// What a person said.

import { html, nothing } from "../vendor/lit.js";
import { plainly } from "../markdown/safe.js";
import { clock, size, t } from "../words/index.js";
import { icon } from "./icons.js";
import { wordsOf } from "./problem.js";

/** @typedef {import("../types.d.ts").MessageView} MessageView */

/**
 * A message that is stored.
 * @param {MessageView} message
 * @param {{ isMine: boolean, isRoom: boolean, conversation: string, edit: () => void }} how
 */
export function message({ author, text, files = [], at }, { isMine, isRoom, conversation, edit }) {
  if (files.length > 0) import("./given.js").catch(() => {});
  const who = author.kind === "user" ? author.id : t.switchboard;
  return html`<div class="message" data-mine=${isMine}>
    <h2 class="hidden">${isMine ? t.you : plainly(who)}</h2>
    ${isRoom && !isMine ? html`<p class="who"><bdi>${plainly(who)}</bdi> <time class="fine" datetime=${at}>${clock(at)}</time></p>` : nothing}
    ${isMine
      ? html`<button type="button" class="icon-button edit" title=${t.edit} aria-label=${t.edit} @click=${edit}>${icon("pen")}</button>`
      : nothing}
    ${said(text)}
    ${files.length > 0 ? html`<sb-given .files=${files} .conversation=${conversation}></sb-given>` : nothing}
  </div>`;
}

/**
 * What an agent said later than the answer of its turn.
 * @param {MessageView} message
 * @param {{ conversation: string, nameOf: (id: string) => string }} how
 */
export function later({ agent = "", text, files = [], at }, { conversation, nameOf }) {
  if (files.length > 0) import("./given.js").catch(() => {});
  return html`<article class="turn later" aria-label=${t.answerOf}>
    <p class="who"><bdi>${plainly(nameOf(agent))}</bdi> <time class="fine" datetime=${at}>${clock(at)}</time></p>
    <sb-answer .text=${text} final></sb-answer>
    ${files.length > 0 ? html`<sb-given .files=${files} .conversation=${conversation} .nameOf=${nameOf}></sb-given>` : nothing}
  </article>`;
}

/**
 * A message on its way.
 * @param {import("../model/room.js").Unsent} unsent
 * @param {{ again: () => void, forget: () => void }} how
 */
export function unsentMessage({ text, parts, failure }, { again, forget }) {
  const files = parts.map((part) => ({ name: part.name, bytes: (part.data.length * 3) / 4 }));
  return html`<div class="message" data-mine="true" data-unsent>
    ${said(text)}
    ${files.length > 0
      ? html`<ul class="files">
          ${files.map((file) => html`<li>${icon("file")}<bdi>${plainly(file.name)}</bdi> <span class="fine">${size(file.bytes)}</span></li>`)}
        </ul>`
      : nothing}
    ${failure
      ? html`<div class="problem" role="alert"><p dir="auto">${t.notSent}: ${wordsOf(failure)}</p>
          <button type="button" @click=${again}>${t.sendAgain}</button> <button type="button" class="quiet" @click=${forget}>${t.discard}</button></div>`
      : html`<p class="fine">${t.sending}</p>`}
  </div>`;
}

/** @param {string} text */
const said = (text) => (text ? html`<div class="said" dir="auto">${plainly(text)}</div>` : nothing);
