// The conversations of a session: what is read of them and what is said there, whatever socket is below. Pure.

import { Cursor } from "./cursor.js";
import { SwitchboardError } from "./error.js";
import { RULES, TEMPORARY } from "./rules.js";

/** The conversations of a session. */
export class Conversations {
  /** A cursor each, whether this socket is in it, and when to join it. */
  #rooms = new Map();
  /** What was said and is not acknowledged, in its order. */
  #waiting = new Map();

  join(conversation, after, now) {
    this.#rooms.set(conversation, { cursor: new Cursor(after), inside: false, joinAt: now });
  }

  leave(conversation) {
    this.#rooms.delete(conversation);
    for (const [id, waiting] of this.#waiting) {
      if (waiting.conversation === conversation) this.#waiting.delete(id);
    }
  }

  send(id, conversation, text, { agents, parts } = {}) {
    if (this.#waiting.size >= RULES.unacknowledged) {
      throw new SwitchboardError("full", `${this.#waiting.size} messages are not acknowledged yet`);
    }
    const frame = { type: "send", id, conversation, text, agents, parts };
    this.#waiting.set(id, { conversation, frame, sent: undefined });
  }

  cursor(conversation) {
    return this.#rooms.get(conversation)?.cursor.seq;
  }

  /** There is another socket, or none: everything is joined and said again. */
  again(now) {
    for (const room of this.#rooms.values()) Object.assign(room, { inside: false, joinAt: now });
    for (const waiting of this.#waiting.values()) waiting.sent = undefined;
  }

  /** What is to be written now. */
  due(now) {
    const frames = [];
    for (const [conversation, room] of this.#rooms) {
      if (!(room.joinAt <= now)) continue;
      room.joinAt = undefined;
      frames.push({ type: "join", conversation, after: room.cursor.seq });
    }
    for (const waiting of this.#waiting.values()) {
      // In a conversation that was to be joined, only once it is, so that the answer is heard.
      const room = this.#rooms.get(waiting.conversation);
      if (waiting.sent !== undefined || (room && !room.inside)) continue;
      waiting.sent = now;
      frames.push(waiting.frame);
    }
    return frames;
  }

  /** When something is to be written. */
  dueAt() {
    return Math.min(...[...this.#rooms.values()].map((room) => room.joinAt ?? Infinity));
  }

  /** When the socket is of no use, because what was said is not answered. */
  overdueAt() {
    return Math.min(...[...this.#waiting.values()].map((it) => it.sent ?? Infinity)) + RULES.answerWithin;
  }

  /** Takes what came from the socket; what of it is to be handed on. */
  came(frame, now) {
    if (typeof frame?.at === "string") return this.#event(frame, now);
    if (typeof frame?.type !== "string") return undefined;
    const room = this.#rooms.get(frame.conversation?.id ?? frame.conversation);
    if (frame.type === "ack" || (frame.type === "error" && frame.id !== undefined)) {
      this.#waiting.delete(frame.id);
    } else if (room) {
      this.#about(room, frame, now);
    }
    return { kind: "frame", frame };
  }

  #event(event, now) {
    const room = this.#rooms.get(event.conversation);
    const taken = room?.cursor.take(event);
    // Not at once: what is left out again must not be asked for without end.
    if (taken === "gap") room.joinAt ??= now + RULES.joinAgain;
    if (taken === undefined || taken === "gap") return undefined;
    // Our own message may come before its acknowledgement, and is as good as that.
    if (event.type === "message.created") this.#waiting.delete(event.data.client_id);
    return { kind: "event", event: taken };
  }

  #about(room, frame, now) {
    if (frame.type === "joined") {
      room.cursor.seq ??= frame.seq;
      Object.assign(room, { inside: true, joinAt: undefined });
    } else if (frame.type === "snapshot") {
      Object.assign(room, { cursor: new Cursor(frame.seq), inside: true, joinAt: undefined });
    } else if (frame.type === "error" && TEMPORARY.has(frame.code)) {
      const wait = Math.max((frame.retry_after_s ?? 0) * 1000, RULES.joinAgain);
      Object.assign(room, { inside: false, joinAt: now + wait });
    } else if (frame.type === "error") {
      this.leave(frame.conversation);
    }
  }
}
