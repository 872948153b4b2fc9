// What the page knows of the house besides one conversation: the list of conversations, and the agents.

import { all, ask } from "../api.js";

/** @typedef {import("../types.d.ts").Summary} Summary */
/** @typedef {import("../types.d.ts").AgentView} AgentView */

/** So many conversations are listed; older ones are found by their address. */
const MOST_CONVERSATIONS = 1000;

/** So long a deleted conversation can be had back: only then is it deleted. */
const UNDO_MS = 8_000;

/** What a signed-in person can see. It says `change`. */
export class House extends EventTarget {
  /** @type {Summary[] | undefined} */
  conversations = undefined;
  /** @type {Map<string, AgentView>} */
  agents = new Map();
  /** @type {unknown} */
  failure = undefined;
  /** The conversation that is about to be deleted. @type {Summary | undefined} */
  leaving = undefined;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  constructor() {
    super();
    // Whoever leaves the page has not taken it back.
    addEventListener("pagehide", () => this.#let(true));
  }

  /** Reads both lists. */
  async read() {
    this.failure = undefined;
    await Promise.all([this.readConversations(), this.readAgents()]);
  }

  async readConversations() {
    try {
      const items = /** @type {Summary[]} */ (await all("/v1/conversations?limit=100", MOST_CONVERSATIONS));
      this.conversations = items.filter((it) => it.id !== this.leaving?.id);
    } catch (error) {
      this.failure = error;
    }
    this.#changed();
  }

  /** Reads the newest ones again, which others may have begun or deleted; where that fails the list is as it was. */
  async readNewest() {
    const before = new Set(this.conversations);
    try {
      /** @type {import("../types.d.ts").Page<Summary>} */
      const { items, next } = await ask("GET", "/v1/conversations?limit=100");
      const read = new Set(items.map((it) => it.id));
      const oldest = next ? (items.at(-1)?.updated_at ?? "") : "";
      const isGone = (/** @type {Summary} */ it) => before.has(it) && it.updated_at > oldest;
      const others = (this.conversations ?? []).filter((it) => !read.has(it.id) && !isGone(it));
      this.conversations = newestFirst([...items.filter((it) => it.id !== this.leaving?.id), ...others]);
      this.#changed();
    } catch {
      // Whoever opens one is told what is wrong.
    }
  }

  async readAgents() {
    try {
      const items = /** @type {AgentView[]} */ (await all("/v1/agents", 1000));
      this.agents = new Map(items.map((agent) => [agent.id, agent]));
    } catch (error) {
      this.failure = error;
    }
    this.#changed();
  }

  /** Those that can be asked: who manages agents is told of others as well. */
  get able() {
    return [...this.agents.values()].filter((agent) => agent.enabled);
  }

  /** How people call an agent. @param {string} id */
  nameOf(id) {
    return this.agents.get(id)?.name ?? id;
  }

  /** Begins a conversation. @returns {Promise<Summary>} */
  async begin() {
    const idempotencyKey = crypto.randomUUID();
    /** @type {Summary} */
    const summary = await ask("POST", "/v1/conversations", {}, { idempotencyKey });
    this.note(summary);
    return summary;
  }

  /** Reads one conversation again. @param {string} id @returns {Promise<Summary>} */
  async look(id) {
    /** @type {Summary} */
    const summary = await ask("GET", `/v1/conversations/${id}`);
    this.note(summary);
    return summary;
  }

  /** @param {string} id @param {string} title */
  async rename(id, title) {
    this.note(await ask("PATCH", `/v1/conversations/${id}`, { title }));
  }

  /** Takes it off the list, and deletes it unless that is undone in time. @param {Summary} summary */
  delete(summary) {
    this.#let(false);
    this.leaving = summary;
    this.#timer = setTimeout(() => this.#let(false), UNDO_MS);
    this.conversations = this.conversations?.filter((it) => it.id !== summary.id);
    this.#changed();
  }

  /** Puts what is about to be deleted back. */
  undo() {
    clearTimeout(this.#timer);
    const { leaving } = this;
    this.leaving = undefined;
    if (leaving) this.note(leaving);
  }

  /** Deletes what was to be deleted; what cannot be is there again. @param {boolean} outlivesPage */
  #let(outlivesPage) {
    clearTimeout(this.#timer);
    const { leaving } = this;
    if (!leaving) return;
    this.leaving = undefined;
    ask("DELETE", `/v1/conversations/${leaving.id}`, undefined, { outlivesPage }).catch((error) => {
      this.failure = error;
      this.note(leaving);
    });
    this.#changed();
  }

  /**
   * Begins a conversation with what was said in another one before a message.
   * @param {string} id
   * @param {number} before
   * @param {string} idempotencyKey
   * @returns {Promise<Summary>}
   */
  async fork(id, before, idempotencyKey) {
    /** @type {Summary} */
    const summary = await ask("POST", `/v1/conversations/${id}/fork`, { before }, { idempotencyKey });
    this.note(summary);
    return summary;
  }

  /** Notes what is known of a conversation now. @param {Summary} summary */
  note(summary) {
    const others = (this.conversations ?? []).filter((it) => it.id !== summary.id);
    this.conversations = newestFirst([summary, ...others]);
    this.#changed();
  }

  /** Takes off the list what somebody else has deleted, or what one was taken out of. @param {string} id */
  lost(id) {
    if (!this.conversations?.some((it) => it.id === id)) return;
    this.conversations = this.conversations.filter((it) => it.id !== id);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {Summary[]} all */
const newestFirst = (all) => all.sort((one, other) => other.updated_at.localeCompare(one.updated_at));
