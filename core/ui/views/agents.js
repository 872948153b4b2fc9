// The agents of the house; whoever manages them adds one here by its address, after a look at its card.

import { html, nothing } from "../vendor/lit.js";
import { ask } from "../api.js";
import { plainly } from "../markdown/safe.js";
import { a } from "../words/admin/index.js";
import { list, t } from "../words/index.js";
import { cardOf } from "./card.js";
import { confirmed, typed } from "./dialogs.js";
import { Office } from "./office.js";
import { wordsOf } from "./problem.js";
import "./examples.js";

/** @typedef {import("../types.d.ts").AgentView} AgentView */

class Agents extends Office {
  static properties = { session: { attribute: false }, house: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../session.js").Session} */
    this.session;
    /** @type {import("../model/house.js").House} */
    this.house;
    /** What a card says, before it is added. @type {import("../types.d.ts").CardLook | undefined} */
    this.found = undefined;
    /** What came of trying an agent. @type {Map<string, string>} */
    this.tried = new Map();
    /** The agent whose examples are looked at. */
    this.open = "";
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("house")) this.follow(this.house);
  }

  render() {
    const agents = [...this.house.agents.values()];
    const isAdmin = this.session.has("admin", "agent-admin");
    return this.sheet(
      t.agents,
      t.agentsLead,
      html`${isAdmin ? this.#adding() : nothing}
        ${agents.length === 0 ? html`<p class="note">${t.noAgents}</p>` : nothing}
        <div class="cards">${agents.map((agent) => this.#card(agent, isAdmin))}</div>`,
    );
  }

  #adding() {
    return html`<form class="card" @submit=${this.#look} @input=${this.#changed}>
      <h2>${t.addAgent}</h2>
      <p class="fine">${t.addAgentLead}</p>
      <div class="row">
        <label class="grow">${t.address}<input name="url" type="url" required placeholder="https://…" autocomplete="off" dir="ltr" /></label>
        <label class="grow">${t.idLabel}<input name="id" autocomplete="off" maxlength="64" dir="ltr" /></label>
        <button ?disabled=${this.isBusy}>${t.lookAtCard}</button>
      </div>
      ${this.found
        ? html`${cardOf(this.found)}
            ${this.found.fault
              ? nothing
              : html`<p class="buttons"><button type="button" class="primary" ?disabled=${this.isBusy} @click=${this.#register}>${t.register}</button></p>`}`
        : nothing}
    </form>`;
  }

  /** @param {AgentView} agent @param {boolean} isAdmin */
  #card(agent, isAdmin) {
    const tried = this.tried.get(agent.id);
    return html`<article class="card" aria-label=${plainly(agent.name)}>
      ${about(agent, isAdmin)}
      ${isAdmin
        ? html`<p class="fine">${t.groups}: ${agent.groups?.length ? list(agent.groups) : t.everybody}</p>
            <p class="buttons">
              <span class="fine grow" role="status" dir="auto">${tried ?? ""}</span>
              <button type="button" @click=${() => this.#probe(agent)}>${t.probe}</button>
              <button type="button" @click=${() => this.#groups(agent)}>${t.groups}</button>
              <button type="button" aria-expanded=${this.open === agent.id} @click=${() => this.#show(agent.id)}>${a.examples}</button>
              <button type="button" class=${agent.enabled ? "danger" : "primary"} ?disabled=${this.isBusy} @click=${() => this.#switch(agent)}>${agent.enabled ? a.disable : a.enable}</button>
              <button type="button" class="danger" @click=${() => this.#remove(agent)}>${t.removeAgent}</button>
            </p>
            ${this.open === agent.id ? html`<sb-examples .agent=${agent.id} @learned=${() => this.house.readAgents()}></sb-examples>` : nothing}`
        : nothing}
    </article>`;
  }

  /** @param {string} id */
  #show(id) {
    this.open = this.open === id ? "" : id;
    this.requestUpdate();
  }

  /** What would be added may be another one now. */
  #changed() {
    if (!this.found) return;
    this.found = undefined;
    this.requestUpdate();
  }

  get #wanted() {
    const form = new FormData(/** @type {HTMLFormElement} */ (this.querySelector("form")));
    return { url: String(form.get("url")).trim(), id: String(form.get("id")).trim() || undefined };
  }

  /** @param {Event} event */
  #look(event) {
    event.preventDefault();
    void this.try(async () => {
      this.found = undefined;
      this.found = await ask("POST", "/v1/cards", this.#wanted);
    });
  }

  #register() {
    void this.try(async () => {
      await ask("POST", "/v1/agents", this.#wanted);
      this.found = undefined;
      /** @type {HTMLFormElement} */ (this.querySelector("form")).reset();
      await this.house.readAgents();
    });
  }

  /** @param {AgentView} agent */
  async #probe(agent) {
    this.tried.set(agent.id, t.wait);
    this.requestUpdate();
    try {
      /** @type {{ ok: boolean, ms: number, reason?: string }} */
      const found = await ask("POST", `/v1/agents/${agent.id}/probe`);
      this.tried.set(agent.id, found.ok ? t.probeOk(found.ms) : plainly(found.reason ?? t.calls.failed));
    } catch (error) {
      this.tried.set(agent.id, wordsOf(error));
    }
    this.requestUpdate();
  }

  /** @param {AgentView} agent */
  async #groups(agent) {
    const said = await typed(t.groupsLead, (agent.groups ?? []).join(", "), t.save, true);
    if (said === undefined) return;
    const groups = said.split(",").map((it) => it.trim()).filter(Boolean);
    await this.try(async () => {
      await ask("PUT", `/v1/agents/${agent.id}/groups`, { groups });
      await this.house.readAgents();
    });
  }

  /** @param {AgentView} agent */
  async #switch(agent) {
    if (agent.enabled && !(await confirmed(a.disableAsk(agent.name), a.disable))) return;
    await this.try(async () => {
      await ask("PUT", `/v1/agents/${agent.id}/enabled`, { enabled: !agent.enabled });
      await this.house.readAgents();
    });
  }

  /** @param {AgentView} agent */
  async #remove(agent) {
    if (!(await confirmed(t.removeAgentAsk(agent.name), t.removeAgent))) return;
    await this.try(async () => {
      await ask("DELETE", `/v1/agents/${agent.id}`);
      await this.house.readAgents();
    });
  }
}

/** What is known of an agent. @param {AgentView} agent @param {boolean} isAdmin */
function about(agent, isAdmin) {
  const state = agent.enabled ? (isAdmin || agent.breaker !== "closed" ? t.breakers[agent.breaker] : "") : a.isOff;
  return html`<header>
      <h2><bdi>${plainly(agent.name)}</bdi></h2>
      <code>@${agent.id}</code>
      <span class="fine">${[state, agent.effects ? t.effects : "", t.examplesOf(agent.examples)].filter(Boolean).join(" · ")}</span>
    </header>
    <p dir="auto">${plainly(agent.description)}</p>
    ${agent.questions?.length
      ? html`<ul class="fine">${agent.questions.map((it) => html`<li dir="auto">“${plainly(it)}”</li>`)}</ul>`
      : nothing}`;
}

customElements.define("sb-agents", Agents);
