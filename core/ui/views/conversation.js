// One conversation: what was said, what becomes of it, and the field below.

import { html, nothing, repeat } from "../vendor/lit.js";
import { go, pathOf } from "../address.js";
import { blob } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { base64 } from "../model/base64.js";
import { Room } from "../model/room.js";
import { day, t } from "../words/index.js";
import { first } from "./home.js";
import { icon } from "./icons.js";
import { later, message, unsentMessage } from "./message.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";
import { heard } from "./heard.js";
import "./composer.js";
import "./turn.js";

/** Whoever is nearer to the end than this follows it. */
const NEAR_PX = 120;

class ConversationView extends Part {
  static properties = {
    conversation: { attribute: false },
    session: { attribute: false },
    line: { attribute: false },
    house: { attribute: false },
  };

  /** @type {Room | undefined} */
  #room;
  #follows = true;

  constructor() {
    super();
    this.conversation = "";
    /** @type {import("../session.js").Session} */
    this.session;
    /** @type {import("../line.js").Line} */
    this.line;
    /** @type {import("../model/house.js").House} */
    this.house;
    this.isPeopleOpen = false;
    this.news = "";
    /** The message that is being changed, and the key of its branch. @type {{ message: import("../types.d.ts").MessageView, key: string } | undefined} */
    this.edited = undefined;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("house")) this.follow(this.house);
    if (changed.has("line")) this.follow(this.line);
    if (changed.has("conversation") || changed.has("line")) this.#enter();
  }

  /** What is not needed to read and to write comes a moment later. */
  firstUpdated() {
    void this.try(async () => {
      await Promise.all([import("./members.js"), import("./menu.js")]);
    });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#room?.leave();
    this.#room = undefined;
  }

  #enter() {
    this.#room?.leave();
    const room = new Room(this.conversation, this.line, this.session.me.user);
    this.#room = room;
    this.#follows = true;
    this.isPeopleOpen = false;
    this.edited = undefined;
    this.follow(room);
    room.addEventListener("news", (event) => this.#hear(/** @type {CustomEvent} */ (event).detail));
    room.addEventListener("change", () => room.state === "gone" && this.house.lost(room.id));
    room.addEventListener("renamed", () => room.summary && this.house.note(room.summary));
    void this.#come(room);
  }

  /** What was said at the beginning is said here, at the first time that the house answers. @param {Room} room */
  async #come(room) {
    await room.enter();
    const said = first.get(room.id);
    if (!said || room.state !== "ready") return;
    first.delete(room.id);
    room.say(said.text, said);
  }

  render() {
    const room = this.#room;
    if (!room) return nothing;
    document.title = `${plainly(room.summary?.title ?? "") || t.untitled} · Switchboard`;
    if (room.state === "gone") return html`<div class="empty"><h1>${t.gone}</h1><p><a data-own href="/">${t.toNew}</a></p></div>`;
    return html`<div class="conversation">
      ${this.#bar(room)}
      ${this.isPeopleOpen ? html`<sb-members .room=${room} .version=${performance.now()}></sb-members>` : nothing}
      <div class="scroll" @scroll=${this.#scrolled} tabindex="0" role="region" aria-label=${t.messages}>
        <div class="log">${this.#log(room)}</div>
      </div>
      <div class="foot">
        ${this.#follows ? nothing : html`<button type="button" class="round newest" title=${t.toNewest} aria-label=${t.toNewest} @click=${() => this.#toEnd()}>${icon("newest")}</button>`}
        ${this.#quiet(room)}
        ${problem(this.failure)}
        <sb-composer .house=${this.house} .draft=${`${room.me}.${room.id}`} .people=${room.members.length > 1 ? room.members.map((it) => it.user).filter((it) => it !== room.me) : []}
          ?running=${room.running.length > 0} ?editing=${this.edited !== undefined} @cancel-edit=${() => this.#edit(room, undefined)} @say=${(/** @type {CustomEvent} */ event) => this.#say(event.detail)}
          @stop=${() => this.#stop()} @typing=${() => room.company.write()}></sb-composer>
      </div>
      <p class="hidden" role="status" aria-live="polite">${this.news}</p>
    </div>`;
  }

  /** @param {Room} room */
  #bar(room) {
    return html`<header class="bar">
      <button type="button" class="icon-button only-narrow" aria-label=${t.openMenu} @click=${this.#side}>${icon("menu")}</button>
      <h1 dir="auto">${plainly(room.summary?.title ?? "") || t.untitled}</h1>
      <button type="button" class="icon-button wide" aria-expanded=${this.isPeopleOpen} aria-label=${t.membersOf(room.members.length)} title=${t.members}
        @click=${this.#people}>${icon("people")}<span class="fine" aria-hidden="true">${room.members.length > 1 ? room.members.length : ""}</span></button>
      <sb-menu .room=${room} .house=${this.house}></sb-menu>
    </header>`;
  }

  /** @param {Room} room */
  #log(room) {
    if (room.failure) return problem(room.failure, () => this.#come(room));
    if (room.state === "loading") return html`<p class="waiting fine">${t.wait}</p>`;
    const messages = [...room.messages.values()].sort((one, other) => one.seq - other.seq);
    const isRoom = room.members.length > 1;
    const forgotten = room.summary?.forgotten_before;
    return html`
      ${room.summary?.branch_of ? html`<p class="fine"><a data-own href=${pathOf({ view: "conversation", id: room.summary.branch_of })}>${t.branchOf}</a></p>` : nothing}
      ${forgotten ? html`<p class="fine">${t.forgotten(day(forgotten))}</p>` : nothing}
      ${room.hasEarlier ? html`<p><button type="button" class="quiet" @click=${() => this.#earlier(room)}>${t.earlier}</button></p>` : nothing}
      ${messages.length === 0 && room.unsent.size === 0 ? html`<p class="fine">${t.beginning}</p>` : nothing}
      ${repeat(
        messages,
        (it) => it.id,
        (it) => {
          if (it.agent) return later(it, { conversation: room.id, nameOf: (id) => this.house.nameOf(id) });
          const turn = it.turn ? room.turns.get(it.turn) : undefined;
          const isMine = it.author.kind === "user" && it.author.id === room.me;
          return html`${message(it, { isMine, isRoom, conversation: room.id, edit: () => this.#edit(room, it) })}
            ${turn ? html`<sb-turn .turn=${turn} .version=${turn.version} .room=${room} .house=${this.house} .message=${it}></sb-turn>` : nothing}`;
        },
      )}
      ${[...room.unsent.values()].map((it) =>
        unsentMessage(it, { again: () => room.sayAgain(it.clientId), forget: () => this.#forget(room, it.clientId) }),
      )}
    `;
  }

  /** A conversation in which nothing else was ever said goes with what is taken back. @param {Room} room @param {string} clientId */
  #forget(room, clientId) {
    room.forget(clientId);
    if (!room.summary || room.summary.last_seq > 0 || room.messages.size > 0 || room.unsent.size > 0) return;
    this.house.delete(room.summary);
    go({ view: "home" });
  }

  /** One quiet line for all that is not as usual. @param {Room} room */
  #quiet(room) {
    const { state } = this.line;
    const words =
      state === "away" ? t.away : state === "connecting" ? t.connecting : room.notice === "reconnecting" ? t.reconnecting : room.notice === "degraded" ? t.lessLive : "";
    const { writers } = room.company;
    return html`<p class="quiet-line fine" role="status">
      ${state === "ended"
        ? html`${t.ended} <button type="button" class="quiet" @click=${() => this.line.again()}>${t.tryAgain}</button>`
        : words || (writers.length > 0 ? t.isTyping(writers.map(plainly)) : "")}
    </p>`;
  }

  get #composer() {
    return /** @type {import("./composer.js").Composer | null} */ (this.querySelector("sb-composer"));
  }

  get #scroll() {
    return /** @type {HTMLElement | null} */ (this.querySelector(".scroll"));
  }

  updated() {
    // What grows within grows after this element was written.
    if (this.#follows) requestAnimationFrame(() => this.#toEnd());
  }

  #toEnd() {
    const scroll = this.#scroll;
    if (scroll) scroll.scrollTop = scroll.scrollHeight;
  }

  #scrolled() {
    const scroll = this.#scroll;
    if (!scroll) return;
    const follows = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_PX;
    if (follows === this.#follows) return;
    this.#follows = follows;
    this.requestUpdate();
  }

  /** @param {{ text: string, agents: string[], parts: import("../types.d.ts").Part[] }} said */
  #say(said) {
    this.#follows = true;
    if (this.edited) void this.#branch(said);
    else this.#room?.say(said.text, said);
  }

  /**
   * What was said stands in the field again, with its files.
   * @param {Room} room
   * @param {import("../types.d.ts").MessageView | undefined} message
   */
  async #edit(room, message) {
    this.edited = message && { message, key: crypto.randomUUID() };
    this.requestUpdate();
    await this.try(async () => {
      if (!message) return;
      const read = async (/** @type {import("../types.d.ts").FileView} */ { id, name, media_type }) => {
        return { name, media_type, data: await base64(await blob(`/v1/conversations/${room.id}/files/${id}`)) };
      };
      const parts = await Promise.all((message.files ?? []).filter((file) => file.id).map(read));
      if (this.edited?.message === message) this.#composer?.put(message.text, parts);
    });
  }

  /** It is asked in a branch: what was said and answered here stays as it is. @param {{ text: string, agents: string[], parts: import("../types.d.ts").Part[] }} said */
  async #branch(said) {
    const { edited } = this;
    if (!edited) return;
    this.failure = undefined;
    try {
      const { id } = await this.house.fork(this.conversation, edited.message.seq, edited.key);
      first.set(id, said);
      go({ view: "conversation", id });
    } catch (error) {
      this.failure = error;
      this.#composer?.put(said.text, said.parts);
    }
    this.requestUpdate();
  }

  async #stop() {
    const room = this.#room;
    await this.try(async () => {
      await Promise.all((room?.running ?? []).map((turn) => room?.stop(turn)));
    });
  }

  /** @param {Room} room */
  async #earlier(room) {
    const scroll = this.#scroll;
    const below = scroll ? scroll.scrollHeight - scroll.scrollTop : 0;
    this.#follows = false;
    await this.try(() => room.earlier());
    await this.updateComplete;
    requestAnimationFrame(() => {
      if (scroll) scroll.scrollTop = scroll.scrollHeight - below;
    });
  }

  #people() {
    this.isPeopleOpen = !this.isPeopleOpen;
    this.requestUpdate();
  }

  #side() {
    this.dispatchEvent(new CustomEvent("side-open", { bubbles: true }));
  }

  /** @param {import("../types.d.ts").Event} event */
  #hear(event) {
    const words = heard(event, this.house, this.session.me.user);
    if (words) this.news = plainly(words);
    if (event.type === "turn.finished" && this.#room) void this.#named(this.#room);
  }

  /** The first message gives a conversation its title. @param {Room} room */
  async #named(room) {
    const known = this.house.conversations?.find((it) => it.id === room.id);
    if (known?.title && room.summary?.title) return this.house.note({ ...known, updated_at: new Date().toISOString() });
    try {
      room.summary = await this.house.look(room.id);
      room.changed();
    } catch {
      // The list has it at the next start.
    }
  }
}

customElements.define("sb-conversation", ConversationView);
