// The one WebSocket of the page, for all its conversations: it moves between edges, and conversations do not notice.

import { backOff, open } from "./client/switchboard-client.js";
import { signedOut } from "./api.js";

/** @typedef {import("./types.d.ts").Event} LogEvent */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {{ took: (event: LogEvent) => void, said: (frame: any) => void }} Listener */

/** The line to the house: `state` changes are events named `change`. */
export class Line extends EventTarget {
  /** @type {import("./client/switchboard-client.js").Session | undefined} */
  #socket;
  /** @type {Map<string, Listener>} */
  #listeners = new Map();
  /** @type {Map<string, number>} */
  #wanted = new Map();
  #isClosed = false;
  /** @type {"connecting" | "open" | "away" | "ended"} */
  state = "connecting";

  /** @param {Session} session */
  constructor(session) {
    super();
    this.session = session;
    void this.#open();
  }

  /**
   * Comes into a conversation after a cursor.
   * @param {string} conversation
   * @param {number} after
   * @param {Listener} listener
   */
  join(conversation, after, listener) {
    this.#listeners.set(conversation, listener);
    this.#wanted.set(conversation, after);
    this.#socket?.join(conversation, after);
  }

  /** @param {string} conversation */
  leave(conversation) {
    this.#listeners.delete(conversation);
    this.#wanted.delete(conversation);
    this.#socket?.leave(conversation);
  }

  /**
   * Says something; false when there is no line yet that would keep it.
   * @param {string} id
   * @param {string} conversation
   * @param {string} text
   * @param {string[]} [agents]
   */
  send(id, conversation, text, agents) {
    if (!this.#socket) return false;
    this.#socket.send(id, conversation, text, { agents: agents?.length ? agents : undefined });
    return true;
  }

  close() {
    this.#isClosed = true;
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #open() {
    for (let tries = 0; !this.#isClosed; tries += 1) {
      try {
        const socket = await open({
          edges: [location.origin],
          cookies: (refused) => this.session.holds(refused),
          received: (received) => this.#take(received),
          failed: (error) => this.#failed(error),
        });
        if (this.#isClosed) return socket.close();
        this.#socket = socket;
        for (const [conversation, after] of this.#wanted) socket.join(conversation, after);
        return this.#be("open");
      } catch (error) {
        if (isFinal(error)) return this.#failed(error);
        this.#be("away");
        await new Promise((resolve) => setTimeout(resolve, backOff(tries, 0.5 + Math.random() / 2)));
      }
    }
  }

  /** @param {import("./client/switchboard-client.js").Received} received */
  #take(received) {
    if (received.kind === "away") return this.#be("away");
    if (received.kind === "at") return this.#be("open");
    if (received.kind === "event") return this.#listeners.get(received.event.conversation)?.took(received.event);
    /** @type {any} */
    const frame = received.frame;
    if (frame.type === "error" && frame.id !== undefined && frame.conversation === undefined) {
      // The answer to something that was said, wherever that was.
      for (const listener of this.#listeners.values()) listener.said(frame);
      return;
    }
    const conversation = frame.conversation?.id ?? frame.conversation;
    if (conversation) this.#listeners.get(conversation)?.said(frame);
    else if (frame.type === "ack") for (const listener of this.#listeners.values()) listener.said(frame);
  }

  /** @param {unknown} error */
  #failed(error) {
    this.#socket = undefined;
    this.#be("ended");
    const code = /** @type {{ code?: string }} */ (error)?.code;
    if (code === "unauthenticated" || code === "token") signedOut.dispatchEvent(new Event("ended"));
  }

  /** Begins anew after it has ended. */
  again() {
    if (this.state !== "ended") return;
    this.#be("connecting");
    void this.#open();
  }

  /** @param {Line["state"]} state */
  #be(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {unknown} error */
function isFinal(error) {
  const code = /** @type {{ code?: string }} */ (error)?.code;
  return code === "unauthenticated" || code === "no-websocket";
}
