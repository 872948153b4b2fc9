// The list beside the conversation: what was asked before, and the rooms of those who look after the house.

import { html, nothing, repeat } from "../vendor/lit.js";
import { pathOf } from "../address.js";
import { plainly } from "../markdown/safe.js";
import { LANGUAGES, choose, language, t } from "../words/index.js";
import { icon } from "./icons.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";

/** @typedef {import("../types.d.ts").Summary} Summary */

const DAY_MS = 86_400_000;
const THEME = "switchboard.theme";

class Side extends Part {
  static properties = {
    session: { attribute: false },
    house: { attribute: false },
    place: { attribute: false },
  };

  constructor() {
    super();
    /** @type {import("../session.js").Session} */
    this.session;
    /** @type {import("../model/house.js").House} */
    this.house;
    /** @type {import("../address.js").Place} */
    this.place;
    this.sought = "";
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("house")) this.follow(this.house);
  }

  render() {
    return html`<nav class="side" aria-label=${t.conversations}>
      <div class="side-head">
        <a class="brand" data-own href="/">Switchboard</a>
        <button type="button" class="icon-button only-narrow" aria-label=${t.closeMenu} @click=${this.#close}>${icon("close")}</button>
      </div>
      <a class="button new" data-own href="/">${icon("plus")}${t.newConversation}</a>
      <input type="search" class="search" placeholder=${t.search} aria-label=${t.search} dir="auto"
        .value=${this.sought} @input=${(/** @type {InputEvent} */ event) => this.#seek(event)} />
      <div class="list">${this.#list()}</div>
      ${this.#offices()}
      ${this.#me()}
    </nav>`;
  }

  #close() {
    this.dispatchEvent(new CustomEvent("side-close", { bubbles: true }));
  }

  /** @param {InputEvent} event */
  #seek(event) {
    this.sought = /** @type {HTMLInputElement} */ (event.target).value;
    this.requestUpdate();
  }

  #list() {
    const all = this.house.conversations;
    if (all === undefined) {
      return this.house.failure
        ? problem(this.house.failure, () => this.house.read())
        : html`<p class="waiting fine">${t.wait}</p>`;
    }
    const words = this.sought.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter((it) => words.every((word) => it.title.toLocaleLowerCase().includes(word)));
    if (found.length === 0) return html`<p class="fine">${words.length > 0 ? t.nothingFound : t.noConversations}</p>`;
    return grouped(found).map(
      ([title, items]) => html`<h2 class="group">${title}</h2>
        <ul>
          ${repeat(items, (it) => it.id, (it) => this.#item(it))}
        </ul>`,
    );
  }

  /** @param {Summary} summary */
  #item(summary) {
    const isHere = this.place.view === "conversation" && this.place.id === summary.id;
    return html`<li>
      <a data-own href=${pathOf({ view: "conversation", id: summary.id })} aria-current=${isHere ? "page" : nothing} dir="auto"
        title=${plainly(summary.title)}>${plainly(summary.title) || t.untitled}</a>
    </li>`;
  }

  #offices() {
    const isAdmin = this.session.has("admin", "agent-admin");
    const looksAfterAll = this.session.has("admin");
    /** @type {[import("../address.js").Place, string, boolean][]} */
    const all = [
      [{ view: "agents" }, t.agents, true],
      [{ view: "review" }, t.review, isAdmin],
      [{ view: "analytics", page: "running" }, t.analytics, looksAfterAll],
      [{ view: "keys" }, t.keys, true],
      [{ view: "sessions" }, t.sessions, true],
      [{ view: "users" }, t.users, looksAfterAll],
      [{ view: "audit" }, t.audit, looksAfterAll],
      [{ view: "usage" }, t.usage, looksAfterAll],
    ];
    return html`<ul class="offices">
      ${all
        .filter(([, , may]) => may)
        .map(
          ([place, name]) => html`<li>
            <a data-own href=${pathOf(place)} aria-current=${this.place.view === place.view ? "page" : nothing}>${name}</a>
          </li>`,
        )}
    </ul>`;
  }

  #me() {
    const { me } = this.session;
    return html`<details class="me">
      <summary><span class="face" aria-hidden="true">${(me.name ?? me.user).slice(0, 1).toUpperCase()}</span><bdi>${me.name ?? me.user}</bdi></summary>
      <label>${t.languageLabel}
        <select @change=${(/** @type {Event} */ event) => this.#language(event)}>
          ${Object.entries(LANGUAGES).map(([id, name]) => html`<option value=${id} ?selected=${id === language}>${name}</option>`)}
        </select>
      </label>
      <label>${t.theme}
        <select @change=${(/** @type {Event} */ event) => colours(/** @type {HTMLSelectElement} */ (event.target).value)}>
          ${Object.entries(t.themes).map(([id, name]) => html`<option value=${id} ?selected=${id === (localStorage.getItem(THEME) ?? "auto")}>${name}</option>`)}
        </select>
      </label>
      <button type="button" @click=${() => this.#signOut(false)}>${t.signOut}</button>
      <button type="button" class="quiet" @click=${() => this.#signOut(true)}>${t.signOutEverywhere}</button>
      ${problem(this.failure)}
    </details>`;
  }

  /** @param {Event} event */
  async #language(event) {
    await choose(/** @type {import("../words/index.js").Language} */ (/** @type {HTMLSelectElement} */ (event.target).value));
    location.reload();
  }

  /** @param {boolean} everywhere */
  async #signOut(everywhere) {
    await this.try(async () => {
      location.assign(await this.session.end(everywhere));
    });
  }
}

/**
 * Takes colours: those of the system, or those that were chosen.
 * @param {string} [chosen]
 */
export function colours(chosen) {
  if (chosen) localStorage.setItem(THEME, chosen);
  document.documentElement.dataset.theme = localStorage.getItem(THEME) ?? "auto";
}

/** @param {Summary[]} items @returns {[string, Summary[]][]} */
function grouped(items) {
  const today = new Date().setHours(0, 0, 0, 0);
  /** @type {[string, number][]} */
  const groups = [
    [t.today, today],
    [t.yesterday, today - DAY_MS],
    [t.week, today - 6 * DAY_MS],
    [t.older, -Infinity],
  ];
  const of = (/** @type {Summary} */ it) => groups.findIndex(([, since]) => Date.parse(it.updated_at) >= since);
  return groups
    .map(([title], index) => /** @type {[string, Summary[]]} */ ([title, items.filter((it) => of(it) === index)]))
    .filter(([, own]) => own.length > 0);
}

customElements.define("sb-side", Side);
