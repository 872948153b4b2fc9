// Keys for programs.

import { html, nothing } from "../vendor/lit.js";
import { ask } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { day, list, t } from "../words/index.js";
import { confirmed } from "./dialogs.js";
import { Office } from "./office.js";

/** @typedef {import("../types.d.ts").Key} Key */

class Keys extends Office {
  static properties = { session: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../session.js").Session} */
    this.session;
    /** @type {Key[] | undefined} */
    this.keys = undefined;
    /** The new one, which is said once. */
    this.secret = "";
    this.isCopied = false;
  }

  connectedCallback() {
    super.connectedCallback();
    void this.try(() => this.#read());
  }

  async #read() {
    /** @type {{ keys: Key[] }} */
    const { keys } = await ask("GET", "/v1/keys");
    this.keys = keys;
  }

  render() {
    return this.sheet(
      t.keys,
      t.keysLead,
      html`${this.#making()}
        ${this.keys === undefined && !this.failure ? html`<p class="waiting">${t.wait}</p>` : nothing}
        ${this.keys?.length === 0 ? html`<p class="note">${t.noKeys}</p>` : nothing}
        <div class="cards">${this.keys?.map((key) => this.#card(key))}</div>`,
    );
  }

  #making() {
    return html`<form class="card" @submit=${this.#make}>
      <div class="row">
        <label class="grow">${t.keyName}<input name="name" required maxlength="100" autocomplete="off" dir="auto" /></label>
        <label>${t.keyEnds}<input name="ends" type="date" /></label>
        <button class="primary" ?disabled=${this.isBusy}>${t.makeKey}</button>
      </div>
      <fieldset class="choices"><legend class="fine">${t.roles}</legend>
        ${this.session.me.roles.map((role) => html`<label class="check"><input type="checkbox" name="roles" value=${role} ?checked=${role === "user"} />${role}</label>`)}
      </fieldset>
      ${this.secret
        ? html`<p>${t.newKey}</p>
            <p class="secret" dir="ltr">${this.secret}</p>
            <p class="buttons"><button type="button" @click=${this.#copy}>${this.isCopied ? t.copied : t.copy}</button></p>`
        : nothing}
    </form>`;
  }

  /** @param {Key} key */
  #card(key) {
    const used = key.last_used_at ? day(key.last_used_at) : t.never;
    return html`<article class="card" aria-label=${plainly(key.name)}>
      <header>
        <h2><bdi>${plainly(key.name)}</bdi></h2>
        <span class="fine">${[list(key.roles), key.expires_at ? `${t.keyEnds} ${day(key.expires_at)}` : "", `${t.lastUsed}: ${used}`].filter(Boolean).join(" · ")}</span>
      </header>
      <p class="buttons"><button type="button" class="danger" @click=${() => this.#revoke(key)}>${t.revoke}</button></p>
    </article>`;
  }

  /** @param {SubmitEvent} event */
  #make(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const data = new FormData(form);
    const ends = String(data.get("ends"));
    const wanted = {
      name: String(data.get("name")).trim(),
      roles: data.getAll("roles").map(String),
      expires_at: ends ? new Date(`${ends}T23:59:59`).toISOString() : undefined,
    };
    void this.try(async () => {
      /** @type {{ key: string }} */
      const { key } = await ask("POST", "/v1/keys", wanted);
      this.secret = key;
      this.isCopied = false;
      form.reset();
      await this.#read();
    });
  }

  #copy() {
    void this.try(async () => {
      await navigator.clipboard.writeText(this.secret);
      this.isCopied = true;
    });
  }

  /** @param {Key} key */
  async #revoke(key) {
    if (!(await confirmed(t.revokeAsk(key.name), t.revoke))) return;
    await this.try(async () => {
      await ask("DELETE", `/v1/keys/${key.id}`);
      await this.#read();
    });
  }
}

customElements.define("sb-keys", Keys);
