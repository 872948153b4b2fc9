// A client of Switchboard: conversations over a WebSocket that outlive the edge which they began at.
//
// It does what edge/PROTOCOL.md says under "What a client does", as the library in Rust beside it does, with the same
// names. For browsers, and for Node from 22 on; on Node 20 the option WebSocket takes the class of the package `ws`.
//
//   import { open } from "./switchboard-client.js";
//
//   const session = await open({
//     edges: ["https://chat.example"],
//     token: async () => "a.b.c",
//     received: (received) => received.kind === "event" && console.log(received.event),
//   });
//   session.join("01a206cc-a890-746d-b756-f80d41c27068", 0);
//   session.send("question-1", "01a206cc-a890-746d-b756-f80d41c27068", "What is the mean of 4, 8 and 15?");

import { Conversations } from "./conversations.js";
import { Edges } from "./edges.js";
import { SwitchboardError } from "./error.js";
import { draw, look } from "./measure.js";
import { reach, read, tokenOf } from "./reach.js";
import { RULES, afterClose, backOff, lookAfter, renewAfter } from "./rules.js";

export { Cursor } from "./cursor.js";
export { Edges, SwitchboardError };
export { RULES, afterClose, backOff, isNearer, lookAfter, renewAfter } from "./rules.js";

/** Measures the edges, and connects to the nearest, or to the next one that answers. */
export async function open(given) {
  const options = {
    mostTries: Infinity,
    lookEvery: RULES.lookEvery,
    received: () => {},
    failed: () => {},
    WebSocket: globalThis.WebSocket,
    fetch: (...request) => globalThis.fetch(...request),
    ...given,
  };
  if (typeof options.WebSocket !== "function") {
    throw new SwitchboardError(
      "no-websocket",
      "there is no WebSocket here: Node has one from version 22 on; on an older one give the class of the package " +
        "`ws` as the option WebSocket",
    );
  }
  const edges = new Edges();
  edges.give(options.edges);
  await look(options.fetch, edges);
  let failure = new SwitchboardError("no-edge", "no edge is known");
  for (let tries = edges.count; tries > 0; tries -= 1) {
    const edge = edges.best(performance.now(), draw);
    try {
      return new Session(options, edges, await reach(options, edge));
    } catch (error) {
      if (error.code !== "unreachable") throw error;
      edges.avoid(edge, performance.now());
      failure = error;
    }
  }
  throw failure;
}

/** Conversations over a WebSocket that comes back. Made by `open`. */
export class Session {
  #options;
  #edges;
  #conversations = new Conversations();
  #line;
  #connecting = false;
  #looking = false;
  #tries = 0;
  #refused;
  #connectAt = 0;
  #lookAt = 0;
  #timer;
  #isClosed = false;

  /** @private */
  constructor(options, edges, opened) {
    this.#options = options;
    this.#edges = edges;
    this.#lookLater();
    this.#opened(opened);
  }

  /** The edge that the session is at, if it is at one. */
  get edge() {
    return this.#line?.edge;
  }

  /** The last seq of a conversation that was handed on. */
  cursor(conversation) {
    return this.#conversations.cursor(conversation);
  }

  /** Comes into a conversation, after the last seq that is known of it (0: its beginning; none: from now). */
  join(conversation, after) {
    this.#conversations.join(conversation, after, performance.now());
    this.#writeWhatIsDue();
  }

  /** Leaves a conversation, and forgets what was said there and is not acknowledged. */
  leave(conversation) {
    this.#conversations.leave(conversation);
    this.#write({ type: "leave", conversation });
  }

  /** Says something under an id of the caller's: it is sent until it is acknowledged or refused, and stored once. */
  send(id, conversation, text, more) {
    this.#conversations.send(id, conversation, text, more);
    this.#writeWhatIsDue();
  }

  /** Stops a turn. Without a line, or on one that is about to go, this is lost; it can be asked again. */
  cancel(turn) {
    this.#write({ type: "cancel", turn });
  }

  /** Adds edges that somebody named. */
  know(edges) {
    this.#edges.give(edges);
  }

  /** Ends the session. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#drop()?.socket.close(1000);
  }

  #hand(received) {
    try {
      this.#options.received(received);
    } catch (error) {
      // It is the program's own, and must not stop what goes on here.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #stop(error) {
    this.close();
    this.#options.failed(error);
  }

  /** Takes the line away, so that nothing of it is heard any more. */
  #drop() {
    const line = this.#line;
    this.#line = undefined;
    if (line) {
      line.socket.onmessage = line.socket.onclose = null;
      line.socket.onerror = () => {};
    }
    return line;
  }

  #wake() {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const times = [this.#lookAt];
    if (this.#line) {
      times.push(this.#silentAt(), this.#line.renewAt ?? Infinity);
      times.push(this.#conversations.dueAt(), this.#conversations.overdueAt());
    } else if (!this.#connecting) {
      times.push(this.#connectAt);
    }
    const wait = Math.max(Math.min(...times) - performance.now(), 0);
    // Timers count whole milliseconds, must not come too early, and hold no more than 31 bits.
    this.#timer = setTimeout(() => this.#due(), Math.min(Math.ceil(wait), 2 ** 31 - 1));
  }

  #silentAt() {
    const { heard, heartbeat, pinged } = this.#line;
    return heard + heartbeat + (pinged ? RULES.pongWithin : 0);
  }

  #due() {
    const now = performance.now();
    if (this.#lookAt <= now) {
      this.#lookLater();
      this.#look();
    }
    if (!this.#line) {
      if (!this.#connecting && this.#connectAt <= now) this.#connect(this.#edges.best(now, draw));
    } else if (this.#conversations.overdueAt() <= now) {
      this.#lost(undefined, "no answer");
    } else if (this.#silentAt() <= now && this.#line.pinged) {
      this.#lost(undefined, "no sign of life");
    } else {
      if (this.#silentAt() <= now) {
        this.#line.pinged = true;
        this.#write({ type: "ping" });
      }
      if (this.#line.renewAt <= now) this.#renew();
      this.#writeWhatIsDue();
    }
    this.#wake();
  }

  async #connect(edge) {
    this.#connecting = true;
    try {
      const opened = await reach(this.#options, edge, this.#refused);
      this.#connecting = false;
      if (this.#isClosed) return opened.socket.close(1000);
      this.#opened(opened);
      this.#hand({ kind: "at", edge });
      this.#hand({ kind: "frame", frame: opened.welcome });
    } catch (error) {
      this.#connecting = false;
      if (!this.#isClosed) this.#failed(edge, error);
    }
  }

  #opened({ socket, token, edge, welcome }) {
    const now = performance.now();
    this.#drop()?.socket.close(1000);
    this.#line = { socket, token, edge, since: now, heard: now, heartbeat: RULES.heartbeat, pinged: false };
    this.#renewLater();
    socket.onmessage = (message) => this.#came(message.data);
    socket.onclose = (event) => this.#lost(event.code, event.reason);
    this.#conversations.again(now);
    this.#welcomed(welcome);
    this.#writeWhatIsDue();
  }

  #welcomed({ heartbeat_s: heartbeat, edges = [] }) {
    this.#refused = undefined;
    this.#line.heartbeat = Math.max(heartbeat, 1) * 1000;
    this.#edges.list(edges);
  }

  #write(frame) {
    if (this.#line?.socket.readyState === 1) this.#line.socket.send(JSON.stringify(frame));
  }

  #writeWhatIsDue() {
    if (!this.#line) return;
    for (const frame of this.#conversations.due(performance.now())) this.#write(frame);
    this.#wake();
  }

  #lost(code, reason) {
    const line = this.#drop();
    line.socket.close();
    const now = performance.now();
    this.#conversations.again(now);
    if (now - line.since >= RULES.held) this.#tries = 0;
    const next = afterClose(code);
    const why = `the socket ended (${[code, reason].filter(Boolean).join(" ") || "without a word"})`;
    if (next === "stop") return this.#stop(new SwitchboardError("closed", why));
    if (next === "new-token") {
      if (this.#refused) return this.#stop(new SwitchboardError("unauthenticated", why));
      this.#refused = line.token;
    }
    if (next === "elsewhere" || next === "lost") this.#edges.avoid(line.edge, now);
    // On the way to another edge already: there is nothing to wait for.
    if (!this.#connecting) {
      this.#tryAgain(next);
      if (this.#tries > this.#options.mostTries) return this.#stop(new SwitchboardError("closed", why));
      this.#hand({ kind: "away", why });
    }
    this.#wake();
  }

  #failed(edge, error) {
    const now = performance.now();
    const next = error.code === "unreachable" ? afterClose(error.closeCode) : "again";
    if (next === "lost" || next === "elsewhere" || next === "later") this.#edges.avoid(edge, now);
    // It was only to be better there: here is good enough.
    if (this.#line) return this.#wake();
    this.#tryAgain(next);
    const isFinal = next === "stop" || next === "new-token" || error.code === "unauthenticated";
    if (isFinal || this.#tries > this.#options.mostTries) return this.#stop(error);
    this.#hand({ kind: "away", why: error.message });
    this.#wake();
  }

  #tryAgain(next) {
    // Once: an edge that says so to everybody who comes must not be asked without end.
    const atOnce = this.#tries === 0 && (next === "elsewhere" || next === "new-token");
    if (next === "later") this.#tries = Math.max(this.#tries, RULES.later);
    this.#connectAt = performance.now() + (atOnce ? 0 : backOff(this.#tries, Math.random()));
    this.#tries += 1;
  }

  #lookLater() {
    this.#lookAt = performance.now() + lookAfter(this.#options.lookEvery, Math.random());
  }

  /** Looks for a better edge and goes there; the line here is read until the one there is open. */
  async #look() {
    if (this.#looking) return;
    this.#looking = true;
    await look(this.#options.fetch, this.#edges);
    this.#looking = false;
    if (this.#isClosed || this.#connecting || !this.#line) return;
    const better = this.#edges.betterThan(this.#line.edge, performance.now(), draw);
    if (better) this.#connect(better);
  }

  #renewLater() {
    const after = renewAfter(this.#line.token, Date.now());
    this.#line.renewAt = after === undefined ? undefined : performance.now() + after;
  }

  async #renew() {
    const line = this.#line;
    line.renewAt = undefined;
    try {
      const token = await tokenOf(this.#options);
      // Nobody has a newer one: the edge will say when this one is over.
      if (line !== this.#line || token === line.token) return;
      // A socket keeps the cookies that it was opened with: a new one is opened before this one ends.
      if (this.#options.cookies) return void (this.#connecting || this.#connect(line.edge));
      line.token = token;
      this.#write({ type: "refresh", token });
      this.#renewLater();
    } catch {
      line.renewAt = performance.now() + RULES.backOffMost;
    }
    this.#wake();
  }

  #came(text) {
    this.#line.heard = performance.now();
    this.#line.pinged = false;
    const received = this.#conversations.came(read(text), this.#line.heard);
    if (received?.frame?.type === "welcome") this.#welcomed(received.frame);
    if (received?.frame?.type === "move") this.#leaveFor(received.frame.to);
    if (received) this.#hand(received);
    this.#writeWhatIsDue();
  }

  /** This edge is about to go: the one that it names is gone to at once. The line here is read until it ends. */
  #leaveFor(to) {
    const now = performance.now();
    this.#edges.avoid(this.#line.edge, now);
    const other = this.#edges.name(to) ?? this.#edges.best(now, draw);
    if (other !== this.#line.edge && !this.#connecting) this.#connect(other);
  }
}
