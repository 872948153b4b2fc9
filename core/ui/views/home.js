// The beginning of a conversation: a question, and some that the agents are there for.

import { html, nothing } from "../vendor/lit.js";
import { go } from "../address.js";
import { plainly } from "../markdown/safe.js";
import { t } from "../words/index.js";
import { icon } from "./icons.js";
import { Part } from "./part.js";
import { problem } from "./problem.js";
import "./composer.js";

/** So many questions are shown. */
const MOST = 6;

/** What is said at the beginning is handed to the conversation by this. @type {Map<string, { text: string, agents: string[], parts: import("../types.d.ts").Part[] }>} */
export const first = new Map();

class Home extends Part {
  static properties = { session: { attribute: false }, line: { attribute: false }, house: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../session.js").Session} */
    this.session;
    /** @type {import("../line.js").Line} */
    this.line;
    /** @type {import("../model/house.js").House} */
    this.house;
    this.isBusy = false;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("house")) this.follow(this.house);
  }

  render() {
    document.title = "Switchboard";
    const { me } = this.session;
    return html`<div class="home">
      <header class="bar">
        <button type="button" class="icon-button only-narrow" aria-label=${t.openMenu} @click=${this.#menu}>${icon("menu")}</button>
      </header>
      <div class="welcome">
        <h1 dir="auto">${t.greeting(me.name ?? me.user)}</h1>
        <p>${t.homeLead}</p>
        ${problem(this.failure)}
        <sb-composer .house=${this.house} .draft=${`${me.user}.new`} ?busy=${this.isBusy} @say=${(/** @type {CustomEvent} */ event) => this.#begin(event.detail)}></sb-composer>
        ${this.#examples()}
      </div>
    </div>`;
  }

  #menu() {
    this.dispatchEvent(new CustomEvent("side-open", { bubbles: true }));
  }

  #examples() {
    const agents = this.house.able;
    if (this.house.conversations !== undefined && agents.length === 0) return html`<p class="note">${t.noAgents}</p>`;
    const questions = chosen(agents);
    if (questions.length === 0) return nothing;
    return html`<h2 class="group">${t.examplesTitle}</h2>
      <ul class="examples">
        ${questions.map(
          ({ agent, text }) => html`<li>
            <button type="button" @click=${() => this.#begin({ text, agents: [], parts: [] })}>
              <span dir="auto">${plainly(text)}</span><span class="fine" dir="auto">${plainly(agent)}</span>
            </button>
          </li>`,
        )}
      </ul>`;
  }

  /** @param {{ text: string, agents: string[], parts: import("../types.d.ts").Part[] }} said */
  async #begin(said) {
    if (this.isBusy) return;
    this.isBusy = true;
    this.failure = undefined;
    this.requestUpdate();
    try {
      const { id } = await this.house.begin();
      first.set(id, said);
      go({ view: "conversation", id });
    } catch (error) {
      this.failure = error;
      const composer = this.querySelector("sb-composer");
      /** @type {import("./composer.js").Composer | null} */ (composer)?.put(said.text, said.parts);
    }
    this.isBusy = false;
    this.requestUpdate();
  }
}

/** One question each of some agents; others each day. @param {import("../types.d.ts").AgentView[]} agents */
function chosen(agents) {
  const asked = agents.flatMap((agent) => {
    const [text] = agent.questions ?? [];
    return text ? [{ agent: agent.name, text }] : [];
  });
  const from = asked.length > MOST ? new Date().getDate() % asked.length : 0;
  return [...asked.slice(from), ...asked.slice(0, from)].slice(0, MOST);
}

customElements.define("sb-home", Home);
