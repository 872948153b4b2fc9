// Where somebody is signed in.

import { html, nothing } from "../vendor/lit.js";
import { ask } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { clock, day, t } from "../words/index.js";
import { Office } from "./office.js";

/** @typedef {{ id: string, created_at: string, seen_at: string, current: boolean, client: string }} Seen */

class Sessions extends Office {
  static properties = { session: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../session.js").Session} */
    this.session;
    /** @type {Seen[] | undefined} */
    this.sessions = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    void this.try(() => this.#read());
  }

  async #read() {
    /** @type {{ sessions: Seen[] }} */
    const { sessions } = await ask("GET", "/auth/sessions");
    this.sessions = sessions;
  }

  render() {
    return this.sheet(
      t.sessions,
      t.sessionsLead,
      html`${this.sessions === undefined && !this.failure ? html`<p class="waiting">${t.wait}</p>` : nothing}
        <div class="cards">
          ${this.sessions?.map(
            (it) => html`<article class="card">
              <p dir="auto">${plainly(it.client)}</p>
              <p class="fine">${[it.current ? t.thisOne : "", `${day(it.seen_at)}, ${clock(it.seen_at)}`].filter(Boolean).join(" · ")}</p>
              ${it.current
                ? nothing
                : html`<p class="buttons"><button type="button" class="danger" @click=${() => this.#end(it.id)}>${t.signOut}</button></p>`}
            </article>`,
          )}
        </div>`,
    );
  }

  /** @param {string} id */
  #end(id) {
    return this.try(async () => {
      await ask("DELETE", `/auth/sessions/${id}`);
      await this.#read();
    });
  }
}

customElements.define("sb-sessions", Sessions);
