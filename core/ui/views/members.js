// The people of a conversation.

import { html, nothing } from "../vendor/lit.js";
import { go } from "../address.js";
import { ask } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { t } from "../words/index.js";
import { icon } from "./icons.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";

class Members extends Part {
  static properties = { room: { attribute: false }, version: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../model/room.js").Room} */
    this.room;
    this.version = 0;
  }

  render() {
    const { members, isOwner, summary } = this.room;
    return html`<section class="members" aria-label=${t.members}>
      <ul>
        ${members.map((member) => this.#member(member))}
      </ul>
      ${isOwner
        ? html`<form class="row" @submit=${this.#add}>
              <label class="grow">${t.addMember}<input name="user" placeholder=${t.addMemberLabel} maxlength="255" autocomplete="off" dir="auto" required /></label>
              <button>${t.add}</button>
            </form>`
        : nothing}
      ${isOwner && members.length > 1
        ? html`<label>${t.speaks}
            <select @change=${this.#speaks}>
              <option value="when_asked" ?selected=${summary?.speaks === "when_asked"}>${t.speaksWhenAsked}</option>
              <option value="always" ?selected=${summary?.speaks === "always"}>${t.speaksAlways}</option>
            </select>
          </label>`
        : nothing}
      ${isOwner ? nothing : html`<button type="button" class="quiet" @click=${() => this.#remove(this.room.me)}>${t.leave}</button>`}
      ${problem(this.failure)}
    </section>`;
  }

  /** @param {import("../types.d.ts").Member} member */
  #member({ user, role }) {
    const isMe = user === this.room.me;
    const isHere = this.room.company.has(user) || isMe;
    return html`<li>
      <span class="face" data-here=${isHere} aria-hidden="true">${plainly(user).slice(0, 1).toUpperCase()}</span>
      <bdi>${plainly(user)}</bdi>
      <span class="fine">${[isMe ? t.you : "", role === "owner" ? t.owner : "", isHere ? t.here : ""].filter(Boolean).join(" · ")}</span>
      ${this.room.isOwner && !isMe
        ? html`<button type="button" class="icon-button small" aria-label=${t.remove(user)} title=${t.remove(user)} @click=${() => this.#remove(user)}>${icon("close")}</button>`
        : nothing}
    </li>`;
  }

  /** @param {SubmitEvent} event */
  #add(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const user = String(new FormData(form).get("user")).trim();
    void this.try(async () => {
      await ask("POST", `/v1/conversations/${this.room.id}/members`, { user });
      form.reset();
    });
  }

  /** @param {string} user */
  #remove(user) {
    void this.try(async () => {
      await ask("DELETE", `/v1/conversations/${this.room.id}/members/${encodeURIComponent(user)}`);
      if (user === this.room.me) go({ view: "home" });
    });
  }

  /** @param {Event} event */
  #speaks(event) {
    const speaks = /** @type {HTMLSelectElement} */ (event.target).value;
    void this.try(async () => {
      this.room.summary = await ask("PATCH", `/v1/conversations/${this.room.id}`, { speaks });
      this.room.changed();
    });
  }
}

customElements.define("sb-members", Members);
