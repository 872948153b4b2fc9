// One message on its way to its answer, as the page knows it. Events and views of it may come in any mixture.

/** @typedef {import("../types.d.ts").Event} LogEvent */
/** @typedef {import("../types.d.ts").CallState} CallState */

/**
 * @typedef {object} Call
 * @property {string} id
 * @property {string} agent
 * @property {string} question
 * @property {CallState} state
 * @property {number} [ms]
 * @property {number} [began] by this page's clock, for a call that runs
 * @property {number} [ended] by this page's clock, when its turn did not wait for it any more
 * @property {string} [progress] the agent's own words on how far it is
 * @property {string} [reason]
 * @property {boolean} [partial]
 * @property {string} [reply] once it was asked for
 */

/** What is there of the answer. */
export class AnswerText {
  text = "";
  attempt = 0;
  isFinal = false;
  /** @type {import("../types.d.ts").Claim[]} */
  claims = [];
  /** In characters as the house counts them (code points). */
  #length = 0;

  /** @param {number} attempt */
  begin(attempt) {
    if (attempt <= this.attempt || this.isFinal) return;
    Object.assign(this, { attempt, text: "" });
    this.#length = 0;
  }

  /** @param {{ attempt: number, offset: number, text: string }} piece */
  grow({ attempt, offset, text }) {
    this.begin(attempt);
    // A piece before it was lost: the rest comes with the whole answer.
    if (this.isFinal || attempt < this.attempt || offset !== this.#length) return;
    this.text += text;
    this.#length += countOf(text);
  }

  /** @param {string} text @param {import("../types.d.ts").Claim[]} [claims] */
  end(text, claims = []) {
    Object.assign(this, { text, claims: claims.length > 0 ? claims : this.claims, isFinal: true });
  }
}

/** @param {string} text */
function countOf(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** That there is no LLM is how a house is run: its plans say that they are without one, and no answer lacks anything. */
const NO_LLM = "no LLM configured";

/** What a plan or an answer did without. @param {string | undefined} degraded */
const parts = (degraded) => (degraded ?? "").split("; ").filter(Boolean);

/** Whether the house has no LLM that could have chosen. @param {import("../types.d.ts").Plan} plan */
export const isWithoutLlm = (plan) => parts(plan.degraded).includes(NO_LLM);

/** A turn. `version` grows with each change. */
export class Turn {
  version = 0;
  /** @type {import("../types.d.ts").TurnState} */
  state = "running";
  attempt = 0;
  /** @type {import("../types.d.ts").Plan | undefined} */
  plan = undefined;
  /** @type {Map<string, Call>} */
  calls = new Map();
  answer = new AnswerText();
  isWriting = false;
  /** The messages of agents that said something later. @type {Set<string>} */
  later = new Set();
  /** Those that agents gave. @type {import("../types.d.ts").FileView[]} */
  files = [];
  /** @type {string | undefined} */
  degraded = undefined;
  /** @type {string | undefined} */
  error = undefined;
  /** @type {{ agent: string, question: string } | undefined} */
  asks = undefined;
  /** @type {import("../types.d.ts").Usage | undefined} */
  usage = undefined;
  /** What the reader said of it here. @type {"up" | "down" | undefined} */
  thumb = undefined;
  /** Whether all of it came as events, or was asked for. */
  isKnown = false;
  /** When something of it was last heard, by this page's clock. */
  heard = performance.now();

  /** @param {string} id */
  constructor(id) {
    this.id = id;
  }

  /** Whether it is known to run: of an old one only the answer may be known, or not even that. */
  get isRunning() {
    return this.isKnown && this.state === "running";
  }

  /** Whether it was answered, and agents work on. */
  get goesOn() {
    return this.state === "working";
  }

  /** Takes what happened. @param {LogEvent} event */
  take(event) {
    const { data } = event;
    this.version += 1;
    this.heard = performance.now();
    switch (event.type) {
      case "turn.started":
        this.attempt = data.attempt;
        this.isKnown = true;
        break;
      case "plan.decided":
        this.plan = data;
        this.degraded = data.degraded ?? this.degraded;
        break;
      case "call.started":
        this.#call(data.call, { agent: data.agent, question: data.question, state: "running", began: performance.now() });
        break;
      case "call.progress":
        if (this.calls.has(data.call)) this.#call(data.call, { progress: data.text });
        break;
      case "call.finished": {
        const { agent, state, ms, reason, partial } = data;
        // What was read of its reply before it was done is not all of it.
        const reply = this.calls.get(data.call)?.state === "working" ? undefined : this.calls.get(data.call)?.reply;
        this.#call(data.call, { agent, state, ms, reason, partial, reply, progress: undefined, ended: performance.now() });
        break;
      }
      case "answer.started":
        // It may begin with the plan: while agents are asked, that is what is seen of it.
        this.isWriting = [...this.calls.values()].every((call) => call.state !== "running");
        this.answer.begin(data.attempt);
        break;
      case "answer.delta":
        this.isWriting = true;
        this.answer.grow(data);
        break;
      case "answer.finished":
        this.isWriting = false;
        // It stands as a message of its own.
        if (this.later.has(data.message)) break;
        this.answer.end(data.text, data.claims);
        this.files = data.files ?? this.files;
        this.degraded = data.degraded ?? this.degraded;
        break;
      case "turn.input_required":
        this.asks = { agent: data.agent, question: data.question };
        break;
      case "turn.finished":
        this.#end(data.state, data.error, data.usage);
        break;
    }
  }

  /** What is wrong with it, in the house's own words; empty when nothing is. */
  get faults() {
    return parts(this.degraded).filter((it) => it !== NO_LLM).join("; ");
  }

  /** Those that wait for somebody's answer. */
  get waiting() {
    return [...new Set([...this.calls.values()].filter((call) => call.state === "input_required").map((call) => call.agent))];
  }

  /** Takes what the house says of it as a whole. @param {import("../types.d.ts").TurnView} view */
  see(view) {
    this.version += 1;
    this.heard = performance.now();
    this.isKnown = true;
    this.attempt = view.attempt;
    this.plan = view.plan ?? this.plan;
    this.degraded = view.degraded ?? this.plan?.degraded ?? this.degraded;
    for (const { id, ...call } of view.calls) this.#call(id, call);
    if (view.answer !== undefined && this.later.size === 0) this.files = view.calls.flatMap((call) => call.files ?? []);
    if (view.answer !== undefined) this.answer.end(view.answer);
    if (view.state !== "running") this.#end(view.state, view.error, view.usage);
  }

  /** The answer as a message says it, where no event did. @param {import("../types.d.ts").MessageView} message */
  answered({ text, files = [] }) {
    if (this.answer.isFinal) return;
    this.version += 1;
    this.files = files;
    this.answer.end(text);
    if (!this.isKnown) this.state = "completed";
  }

  /**
   * @param {import("../types.d.ts").TurnState} state
   * @param {string} [error]
   * @param {import("../types.d.ts").Usage} [usage]
   */
  #end(state, error, usage) {
    Object.assign(this, { state, error, usage, isWriting: false });
    for (const call of this.calls.values()) {
      const goesOn = call.state === "working" ? state !== "canceled" : state === "input_required";
      if ((call.state === "running" || call.state === "working") && !goesOn) call.state = "canceled";
    }
  }

  /** @param {string} id @param {Partial<Call>} change */
  #call(id, change) {
    const known = this.calls.get(id) ?? { id, agent: "", question: "", state: /** @type {CallState} */ ("running") };
    this.calls.set(id, { ...known, ...change });
  }
}
