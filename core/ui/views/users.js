// Who has been here, for those who look after the tenant.

import { html, nothing } from "../vendor/lit.js";
import { ask } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { a, moment } from "../words/admin/index.js";
import { list, size, t } from "../words/index.js";
import { confirmed } from "./dialogs.js";
import { Office } from "./office.js";

/** @typedef {import("../types.d.ts").UserView} UserView */

class Users extends Office {
  static properties = { session: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../session.js").Session} */
    this.session;
    /** @type {UserView[] | undefined} */
    this.users = undefined;
    /** @type {string | undefined} */
    this.next = undefined;
    this.begin = "";
    this.note = "";
  }

  connectedCallback() {
    super.connectedCallback();
    void this.#read();
  }

  /** @param {string} [after] */
  #read(after) {
    return this.try(async () => {
      const query = new URLSearchParams({ limit: "50" });
      if (this.begin) query.set("begin", this.begin);
      if (after) query.set("after", after);
      /** @type {import("../types.d.ts").Page<UserView>} */
      const page = await ask("GET", `/v1/users?${query}`);
      this.users = after ? [...(this.users ?? []), ...page.items] : page.items;
      this.next = page.next;
    });
  }

  render() {
    return this.sheet(
      t.users,
      a.usersLead,
      html`<form class="row" role="search" @submit=${this.#seek}>
          <label class="grow">${a.beginsWith}<input name="begin" maxlength="255" autocomplete="off" dir="auto" /></label>
          <button ?disabled=${this.isBusy}>${a.look}</button>
        </form>
        <p class="fine" role="status" dir="auto">${this.note}</p>
        ${this.users === undefined && !this.failure ? html`<p class="waiting">${t.wait}</p>` : nothing}
        ${this.users?.length === 0 ? html`<p class="note">${a.noUsers}</p>` : nothing}
        <div class="cards">${this.users?.map((user) => this.#card(user))}</div>
        ${this.next ? html`<p><button type="button" ?disabled=${this.isBusy} @click=${() => this.#read(this.next)}>${a.more}</button></p>` : nothing}`,
    );
  }

  /** @param {UserView} user */
  #card(user) {
    const facts = [
      `${t.roles}: ${user.roles ? list(user.roles) : a.unknown}`,
      user.groups?.length ? `${t.groups}: ${list(user.groups)}` : "",
      user.tier ? `${a.tier}: ${user.tier}` : "",
    ];
    const times = [
      `${a.firstSeen}: ${moment(user.first_seen)}`,
      user.last_seen ? `${a.lastSeen}: ${moment(user.last_seen)}` : "",
      `${a.lastTurn}: ${user.last_turn ? moment(user.last_turn) : t.never}`,
      a.holds(size(user.stored_bytes)),
    ];
    const isMe = user.user === this.session.me.user;
    return html`<article class="card" aria-label=${plainly(user.user)}>
      <header><h2><bdi>${plainly(user.user)}</bdi></h2><span class="fine" dir="auto">${facts.filter(Boolean).join(" · ")}</span></header>
      <p class="fine">${times.filter(Boolean).join(" · ")}</p>
      ${isMe
        ? nothing
        : html`<p class="buttons"><button type="button" class="danger" ?disabled=${this.isBusy} @click=${() => this.#takeBack(user.user)}>${a.takeBack}</button></p>`}
    </article>`;
  }

  /** @param {SubmitEvent} event */
  #seek(event) {
    event.preventDefault();
    this.begin = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("begin")).trim();
    this.note = "";
    void this.#read();
  }

  /** @param {string} id */
  async #takeBack(id) {
    if (!(await confirmed(a.takeBackAsk(id), a.takeBack))) return;
    await this.try(async () => {
      await ask("POST", "/v1/revocations", { kind: "user", id });
      this.note = a.tookBack(id);
    });
  }
}

customElements.define("sb-users", Users);
