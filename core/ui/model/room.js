// One conversation as the page knows it: its messages, its turns and its people. Events, pages and snapshots fill it.

import { Failure, ask } from "../api.js";
import { Company } from "./company.js";
import { Turn } from "./turn.js";

/** @typedef {import("../types.d.ts").Event} LogEvent */
/** @typedef {import("../types.d.ts").MessageView} MessageView */
/** @typedef {import("../types.d.ts").Summary} Summary */
/** @typedef {import("../types.d.ts").Part} Part */
/** @typedef {{ clientId: string, text: string, agents: string[], parts: Part[], failure?: Failure }} Unsent */

/** Messages that a page of history has. */
const PAGE = 50;
/** Frames are larger than their text; what is longer is posted. */
const MOST_IN_A_FRAME = 200_000;

/** What is not stored yet of conversations that were left, by their ids. @type {Map<string, Map<string, Unsent>>} */
const leftBehind = new Map();

/** A conversation. It says `change`, at most once a frame, and `news` for whoever reads by ear. */
export class Room extends EventTarget {
  /** Messages of people, and replies that came later than the answer of their turn, by seq. @type {Map<number, MessageView>} */
  messages = new Map();
  /** @type {Map<string, Turn>} */
  turns = new Map();
  /** Said here, not stored yet. @type {Map<string, Unsent>} */
  unsent;
  /** @type {Summary | undefined} */
  summary = undefined;
  /** @type {"loading" | "ready" | "gone"} */
  state = "loading";
  /** @type {Failure | undefined} */
  failure = undefined;
  /** Who else is here, and who writes. */
  company = new Company();
  /** The notice that holds now. @type {string | undefined} */
  notice = undefined;
  /** @type {string | undefined} */
  #before = undefined;
  #isDue = false;
  #isLive = false;
  #isLeft = false;

  /**
   * @param {string} id
   * @param {import("../line.js").Line} line
   * @param {string} me
   */
  constructor(id, line, me) {
    super();
    Object.assign(this, { id, line, me });
    this.id = id;
    this.line = line;
    this.me = me;
    this.unsent = leftBehind.get(id) ?? new Map();
    leftBehind.delete(id);
  }

  get members() {
    return this.summary?.members ?? [];
  }

  get isOwner() {
    return this.members.some((it) => it.user === this.me && it.role === "owner");
  }

  get hasEarlier() {
    return this.#before !== undefined;
  }

  /** The turns that run. */
  get running() {
    return [...this.turns.values()].filter((turn) => turn.isRunning);
  }

  /** Reads the newest messages and follows what happens from there. */
  async enter() {
    this.failure = undefined;
    this.state = "loading";
    this.changed();
    try {
      const path = `/v1/conversations/${this.id}`;
      const [summary, page] = await Promise.all([
        ask("GET", path),
        ask("GET", `${path}/messages?limit=${PAGE}`),
      ]);
      this.summary = /** @type {Summary} */ (summary);
      this.#see(/** @type {import("../types.d.ts").Page<MessageView>} */ (page));
      const first = Math.min(...this.#seqs(), this.summary.last_seq + 1);
      // Whoever has gone on meanwhile does not follow it any more.
      if (!this.#isLeft) this.line.join(this.id, first - 1, { took: (event) => this.take(event), said: (frame) => this.#said(frame) });
      this.state = "ready";
      // A message that is sent twice is one message.
      for (const { clientId, failure } of this.unsent.values()) if (!failure) this.#send(clientId);
    } catch (error) {
      this.#failed(error);
    }
    if (this.state === "ready" && !this.#isLeft) this.company.enter(this);
    this.changed();
  }

  /** The line forgets what it has not brought yet: that is posted, and is here again when it could not be. */
  leave() {
    this.#isLeft = true;
    this.company.leave();
    this.line.leave(this.id);
    if (this.unsent.size > 0) leftBehind.set(this.id, this.unsent);
    for (const unsent of this.unsent.values()) if (!unsent.failure) void this.#post(unsent);
  }

  /** Reads the messages before those that are here. */
  async earlier() {
    if (this.#before === undefined) return;
    /** @type {import("../types.d.ts").Page<MessageView>} */
    const page = await ask("GET", `/v1/conversations/${this.id}/messages?limit=${PAGE}&before=${this.#before}`);
    this.#see(page);
    this.changed();
  }

  /** Asks how far a turn is. @param {Turn} turn */
  async look(turn) {
    turn.see(await ask("GET", `/v1/turns/${turn.id}`));
    this.changed();
  }

  /**
   * Says something; it is shown at once, and stays until it is stored.
   * @param {string} text
   * @param {{ agents?: string[], parts?: Part[] }} [more]
   */
  say(text, { agents = [], parts = [] } = {}) {
    const clientId = crypto.randomUUID();
    this.unsent.set(clientId, { clientId, text, agents, parts });
    this.#send(clientId);
    this.changed();
  }

  /** @param {string} clientId */
  sayAgain(clientId) {
    const unsent = this.unsent.get(clientId);
    if (unsent) delete unsent.failure;
    this.#send(clientId);
    this.changed();
  }

  /** @param {string} clientId */
  forget(clientId) {
    this.unsent.delete(clientId);
    this.changed();
  }

  /** @param {Turn} turn */
  async stop(turn) {
    turn.see(await ask("POST", `/v1/turns/${turn.id}/cancel`));
    this.changed();
  }

  /** Takes what happened. @param {LogEvent} event */
  take(event) {
    const { data } = event;
    switch (event.type) {
      case "message.created":
        this.#message(data);
        // The events of its turn follow.
        if (data.author.kind === "user" && data.turn) this.#turn(data.turn).isKnown = true;
        break;
      case "member.added":
        this.#people([...this.members.filter((it) => it.user !== data.user), data]);
        this.company.greet();
        break;
      case "member.removed":
        this.#people(this.members.filter((it) => it.user !== data.user));
        if (data.user === this.me) this.state = "gone";
        break;
      case "member.present":
        this.company.take(data.user, data.state);
        break;
      case "conversation.renamed":
        if (this.summary) this.summary = { ...this.summary, title: data.title };
        this.dispatchEvent(new Event("renamed"));
        break;
      case "conversation.deleted":
        this.state = "gone";
        break;
      case "notice":
        this.notice = data.code === "restored" || data.code === "reconnected" ? undefined : data.code;
        break;
      default:
        if (event.turn) this.#turn(event.turn).take(event);
    }
    this.#tell(event);
    this.changed();
  }

  /** Lets views know, once a frame; a page that nobody sees gets no frames. */
  changed() {
    if (this.#isDue) return;
    this.#isDue = true;
    const tell = () => {
      this.#isDue = false;
      this.dispatchEvent(new Event("change"));
    };
    if (document.visibilityState === "visible") requestAnimationFrame(tell);
    else setTimeout(tell, 100);
  }

  /** What happened since the page was opened, for whoever reads by ear. @param {LogEvent} event */
  #tell(event) {
    if (this.#isLive) this.dispatchEvent(new CustomEvent("news", { detail: event }));
  }

  /** @param {string} id */
  #turn(id) {
    const turn = this.turns.get(id) ?? new Turn(id);
    this.turns.set(id, turn);
    return turn;
  }

  /** @param {MessageView} message */
  #message(message) {
    if (message.client_id) this.unsent.delete(message.client_id);
    if (message.author.kind === "user") {
      this.company.said(message.author.id);
      this.messages.set(message.seq, message);
      if (message.turn) this.#turn(message.turn);
    } else if (message.agent) {
      this.messages.set(message.seq, message);
      if (message.turn) this.#turn(message.turn).later.add(message.id);
    } else if (message.turn) {
      this.#turn(message.turn).answered(message);
    }
  }

  /** @param {import("../types.d.ts").Page<MessageView>} page */
  #see(page) {
    page.items.forEach((message) => this.#message(message));
    this.#before = page.next;
  }

  #seqs() {
    return [...this.messages.keys()];
  }

  /** @param {import("../types.d.ts").Member[]} members */
  #people(members) {
    if (this.summary) this.summary = { ...this.summary, members };
  }

  /** @param {string} clientId */
  #send(clientId) {
    const unsent = this.unsent.get(clientId);
    if (!unsent) return;
    const { text, agents, parts } = unsent;
    const byLine = !this.#isLeft && parts.length === 0 && text.length < MOST_IN_A_FRAME;
    try {
      if (byLine && this.line.send(clientId, this.id, text, agents)) return;
    } catch {
      // Too much waits on the line already: it is posted.
    }
    void this.#post(unsent);
  }

  /** @param {Unsent} unsent */
  async #post(unsent) {
    const { clientId, text, agents, parts } = unsent;
    const body = { client_id: clientId, text, agents, parts };
    try {
      await ask("POST", `/v1/conversations/${this.id}/messages`, body);
      // Otherwise its event says so.
      if (this.#isLeft) this.unsent.delete(clientId);
    } catch (error) {
      unsent.failure = error instanceof Failure ? error : new Failure("internal");
      this.changed();
    }
  }

  /** What the edge says about this conversation. @param {any} frame */
  #said(frame) {
    if (frame.type === "joined") this.#isLive = true;
    if (frame.type === "error" && frame.id !== undefined) {
      const unsent = this.unsent.get(frame.id);
      if (unsent) unsent.failure = new Failure(frame.code, frame.message, { retryAfter: frame.retry_after_s });
    } else if (frame.type === "error" && (frame.code === "not_found" || frame.code === "forbidden")) {
      this.state = "gone";
    } else if (frame.type === "snapshot") {
      this.summary = { ...frame.conversation, members: frame.conversation.members ?? this.members };
      frame.messages.forEach((/** @type {MessageView} */ message) => this.#message(message));
    }
    this.changed();
  }

  /** @param {unknown} error */
  #failed(error) {
    this.failure = error instanceof Failure ? error : new Failure("internal", String(error));
    if (this.failure.code === "not_found") this.state = "gone";
  }
}
