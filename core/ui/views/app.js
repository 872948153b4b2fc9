// The whole page: who is signed in, where they are, and what is said when something is not well.

import { html, nothing } from "../vendor/lit.js";
import { go, pathOf, placeOf } from "../address.js";
import { Failure, signedOut } from "../api.js";
import { Line } from "../line.js";
import { plainly } from "../markdown/safe.js";
import { House } from "../model/house.js";
import { Session } from "../session.js";
import { t } from "../words/index.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";
import "./conversation.js";
import "./home.js";
import "./side.js";
import "./sign-in.js";

/** Views that few need are fetched when they are wanted. */
const OFFICES = {
  agents: () => import("./agents.js"),
  review: () => import("./review.js"),
  keys: () => import("./keys.js"),
  sessions: () => import("./sessions.js"),
  analytics: () => import("./analytics.js"),
  users: () => import("./users.js"),
  audit: () => import("./audit.js"),
  usage: () => import("./usage.js"),
};

class App extends Part {
  constructor() {
    super();
    /** @type {Session | undefined} */
    this.session = undefined;
    /** @type {Line | undefined} */
    this.line = undefined;
    /** @type {House} */
    this.house = new House();
    /** @type {"starting" | "out" | "in"} */
    this.state = "starting";
    this.hasEnded = false;
    /** @type {unknown} */
    this.failure = undefined;
    this.isSideOpen = false;
    this.place = placeOf(location.pathname);
  }

  createRenderRoot() {
    // What the page shows before its scripts have come.
    this.replaceChildren();
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    addEventListener("popstate", () => this.#moved());
    addEventListener("visibilitychange", () => this.#seen());
    signedOut.addEventListener("ended", () => this.#ended());
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("keydown", (event) => this.#key(event));
    void this.#start();
  }

  async #start() {
    this.failure = undefined;
    this.requestUpdate();
    try {
      this.session = await Session.find();
      if (this.session) this.#enter(this.session);
      else this.state = "out";
    } catch (error) {
      this.failure = error;
    }
    this.requestUpdate();
  }

  /** @param {Session} session */
  #enter(session) {
    this.state = "in";
    this.hasEnded = false;
    this.line = new Line(session);
    this.house = new House();
    this.follow(this.house);
    void this.house.read();
  }

  #ended() {
    this.session?.close();
    this.line?.close();
    this.hasEnded = this.state === "in";
    this.state = "out";
    this.requestUpdate();
  }

  #moved() {
    this.place = placeOf(location.pathname);
    this.isSideOpen = false;
    this.requestUpdate();
  }

  /** Other tabs and other people may have begun conversations while nobody looked here. */
  #seen() {
    if (document.visibilityState === "visible" && this.state === "in") void this.house.readNewest();
  }

  /** Links within the page do not load it again. @param {MouseEvent} event */
  #clicked(event) {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target instanceof Element ? event.target.closest("a[data-own]") : undefined;
    if (!link) return;
    event.preventDefault();
    go(placeOf(new URL(/** @type {HTMLAnchorElement} */ (link).href).pathname));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape" && this.isSideOpen) this.#side(false);
  }

  /** @param {boolean} isOpen */
  #side(isOpen) {
    this.isSideOpen = isOpen;
    this.requestUpdate();
  }

  render() {
    if (this.failure) return html`<main class="sign-in" id="main"><h1>Switchboard</h1>${problem(this.failure, () => this.#start())}</main>`;
    if (this.state === "starting") return html`<main class="sign-in" id="main"><h1>Switchboard</h1><p class="waiting">${t.wait}</p></main>`;
    if (this.state === "out" || !this.session || !this.line) return html`<sb-sign-in .ended=${this.hasEnded}></sb-sign-in>`;
    return html`
      <a class="skip" href="#main">${t.skip}</a>
      <div class="shell" ?data-side=${this.isSideOpen}>
        <sb-side .session=${this.session} .house=${this.house} .place=${this.place} @side-close=${() => this.#side(false)}></sb-side>
        ${this.isSideOpen ? html`<div class="veil" @click=${() => this.#side(false)}></div>` : nothing}
        <main id="main" tabindex="-1" @side-open=${() => this.#side(true)}>${this.#view(this.session, this.line)}</main>
      </div>
      ${this.#leaving()}
    `;
  }

  #leaving() {
    const { leaving } = this.house;
    return html`<div role="status">${leaving
      ? html`<p class="toast"><span dir="auto">${t.deleted(plainly(leaving.title) || t.untitled)}</span>
          <button type="button" @click=${() => this.#undo(leaving.id)}>${t.undo}</button></p>`
      : nothing}</div>`;
  }

  /** @param {string} id */
  #undo(id) {
    this.house.undo();
    go({ view: "conversation", id });
  }

  /** @param {Session} session @param {Line} line */
  #view(session, line) {
    const place = this.place;
    switch (place.view) {
      case "home":
        return html`<sb-home .session=${session} .line=${line} .house=${this.house}></sb-home>`;
      case "conversation":
        return html`<sb-conversation .conversation=${place.id} .session=${session} .line=${line} .house=${this.house}></sb-conversation>`;
      case "agents":
        return this.#office("agents", html`<sb-agents .session=${session} .house=${this.house}></sb-agents>`);
      case "review":
        return this.#office("review", html`<sb-review .house=${this.house}></sb-review>`);
      case "keys":
        return this.#office("keys", html`<sb-keys .session=${session}></sb-keys>`);
      case "sessions":
        return this.#office("sessions", html`<sb-sessions .session=${session}></sb-sessions>`);
      case "analytics":
        return this.#office("analytics", html`<sb-analytics .page=${place.page} .house=${this.house}></sb-analytics>`);
      case "users":
        return this.#office("users", html`<sb-users .session=${session}></sb-users>`);
      case "audit":
        return this.#office("audit", html`<sb-audit></sb-audit>`);
      case "usage":
        return this.#office("usage", html`<sb-usage></sb-usage>`);
      default:
        return html`<div class="empty"><h1>${t.nowhere}</h1><p><a data-own href=${pathOf({ view: "home" })}>${t.toNew}</a></p></div>`;
    }
  }

  /** @param {keyof typeof OFFICES} name @param {unknown} view */
  #office(name, view) {
    OFFICES[name]().catch(() => {
      this.failure = new Failure("offline");
      this.requestUpdate();
    });
    return view;
  }
}

customElements.define("sb-app", App);
