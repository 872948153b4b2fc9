// What somebody sees who is not signed in.

import { html, nothing } from "../vendor/lit.js";
import { providers, signInAt } from "../session.js";
import { t } from "../words/index.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";

class SignIn extends Part {
  static properties = { ended: { attribute: false } };

  constructor() {
    super();
    /** Whether a session was here and has ended. */
    this.ended = false;
    /** @type {import("../types.d.ts").Provider[] | undefined} */
    this.providers = undefined;
    /** @type {unknown} */
    this.failure = undefined;
  }

  connectedCallback() {
    super.connectedCallback();
    void this.#read();
  }

  async #read() {
    this.failure = undefined;
    this.requestUpdate();
    try {
      this.providers = await providers();
    } catch (error) {
      this.failure = error;
    }
    this.requestUpdate();
  }

  render() {
    const why = new URLSearchParams(location.search).get("sign_in_error");
    return html`<main class="sign-in" id="main">
      <img class="mark" src=${mark()} alt="" width="48" height="48" />
      <h1>Switchboard</h1>
      <p>${t.signInLead}</p>
      ${this.ended ? html`<p class="note">${t.sessionEnded}</p>` : nothing}
      ${why ? html`<p class="problem" role="alert">${t.signInFailed(why)}</p>` : nothing}
      ${problem(this.failure, () => this.#read())}
      ${this.providers === undefined && !this.failure ? html`<p class="waiting">${t.wait}</p>` : nothing}
      ${this.providers?.length === 0 ? html`<p class="note">${t.noProvider}</p>` : nothing}
      ${this.providers?.map((provider) => this.#provider(provider))}
    </main>`;
  }

  /** @param {import("../types.d.ts").Provider} provider */
  #provider(provider) {
    const users = provider.development ? (provider.users ?? []) : [];
    if (users.length === 0) {
      return html`<p><a class="button primary" href=${signInAt(provider.id)}>${t.signInWith(provider.name)}</a></p>`;
    }
    return html`<section class="provider" aria-label=${provider.name}>
      ${users.map((user) => html`<a class="button primary" href=${signInAt(provider.id, user)}>${t.signInAs(user)}</a>`)}
      <p class="fine">${t.developmentOnly}</p>
    </section>`;
  }
}

/** The icon of the page, wherever it is served. */
function mark() {
  return document.querySelector('link[rel="icon"]')?.getAttribute("href") ?? "";
}

customElements.define("sb-sign-in", SignIn);
