/** A client of Switchboard: conversations over a WebSocket that outlive the edge which they began at. */

/** The figures of "What a client does" in edge/PROTOCOL.md; times in milliseconds. */
export const RULES: Readonly<{
  backOff: number;
  backOffMost: number;
  later: number;
  held: number;
  avoided: number;
  nearerBy: number;
  nearerShare: number;
  lookEvery: number;
  measured: number;
  samples: number;
  measureWithin: number;
  openWithin: number;
  pongWithin: number;
  heartbeat: number;
  answerWithin: number;
  unacknowledged: number;
  renewBefore: number;
  tokenWithin: number;
  joinAgain: number;
}>;

/** An entry of a conversation's log; what `data` holds goes with `type` (see `GET /openapi.json`). */
export interface SwitchboardEvent {
  type: string;
  conversation: string;
  /** Gap-free from 1 in each conversation; absent on what is live only. */
  seq?: number;
  turn?: string;
  at: string;
  data: any;
}

/** What an edge says besides events: `welcome`, `joined`, `ack`, `error`, `limit`, … */
export interface Frame {
  type: string;
  [field: string]: unknown;
}

/** What came. */
export type Received =
  /** An event of a joined conversation, each once and in order. */
  | { kind: "event"; event: SwitchboardEvent }
  /** Any other frame. */
  | { kind: "frame"; frame: Frame }
  /** The session is at this edge now, in its conversations again in a moment. */
  | { kind: "at"; edge: string }
  /** The session has no edge and looks for one; why, for a person. */
  | { kind: "away"; why: string };

/** As much of a WebSocket class as is used; that of the package `ws` is one. */
export interface WebSocketClass {
  // The handlers of browsers and of `ws` differ in the types of their events.
  new (url: string, protocol: string): {
    readonly readyState: number;
    send(data: string): void;
    close(code?: number): void;
    onopen: any;
    onmessage: any;
    onclose: any;
    onerror: any;
  };
}

export interface Options {
  /** Edges to begin at. */
  edges: Iterable<string | URL>;
  /** Asked for a token: at each connection, and before a token ends. */
  token?: () => Promise<string> | string;
  /**
   * Instead of a token, in a page whose cookies speak for it: says until when they hold (as `Date.now()` counts), and
   * has made them fresh where that is soon, or where they were refused.
   */
  cookies?: (refused: boolean) => Promise<number> | number;
  /** Called with everything that comes, in order. */
  received?: (received: Received) => void;
  /** Called once, when the session cannot go on. */
  failed?: (error: SwitchboardError) => void;
  /** After so many failed tries in a row the session ends; without it, it never gives up. */
  mostTries?: number;
  /** How often to look for a nearer edge, in milliseconds. */
  lookEvery?: number;
  /** The WebSocket class, where there is none of its own: Node has one from version 22 on. */
  WebSocket?: WebSocketClass;
  /** How edges are asked for their list. */
  fetch?: typeof globalThis.fetch;
}

export type ErrorCode =
  | "no-websocket"
  | "no-edge"
  | "unreachable"
  | "token"
  | "unauthenticated"
  | "closed"
  | "full";

/** Why a session cannot go on, or could not begin. */
export class SwitchboardError extends Error {
  constructor(code: ErrorCode, message: string);
  readonly code: ErrorCode;
  /** The close code of a socket that an edge did not welcome. */
  readonly closeCode?: number;
}

/** A file that goes with a message. */
export interface Part {
  name?: string;
  media_type: string;
  [field: string]: unknown;
}

/** Measures the edges, and connects to the nearest, or to the next one that answers. */
export function open(options: Options): Promise<Session>;

/** Conversations over a WebSocket that comes back. */
export class Session {
  private constructor();
  /** The edge that the session is at, if it is at one. */
  get edge(): string | undefined;
  /** The last seq of a conversation that was handed on. */
  cursor(conversation: string): number | undefined;
  /** Comes into a conversation, after the last seq that is known of it (0: its beginning; none: from now). */
  join(conversation: string, after?: number): void;
  /** Leaves a conversation, and forgets what was said there and is not acknowledged. */
  leave(conversation: string): void;
  /** Says something under an id of the caller's: it is sent until it is acknowledged or refused, and stored once. */
  send(id: string, conversation: string, text: string, more?: { agents?: string[]; parts?: Part[] }): void;
  /** Stops a turn. Without a line, or on one that is about to go, this is lost; it can be asked again. */
  cancel(turn: string): void;
  /** Adds edges that somebody named. */
  know(edges: Iterable<string | URL>): void;
  /** Ends the session. */
  close(): void;
}

/** What to do when a socket ended. */
export type Next = "elsewhere" | "lost" | "again" | "later" | "new-token" | "stop";

/** What a close code asks for (RFC 6455 §7.4.1, and ours). */
export function afterClose(code: number | undefined): Next;
/** How long to wait before try number `tries`, counted from 0 (full jitter); `random` is from 0 to 1. */
export function backOff(tries: number, random: number): number;
/** Whether an edge is so much nearer than another one that a client moves. */
export function isNearer(edge: number, than: number): boolean;
/** When to look again; `random` is from 0 to 1. */
export function lookAfter(every: number, random: number): number;
/** How long from `now` until a token, or what ends then, should be renewed; undefined when it does not say when it ends. */
export function renewAfter(token: string | number, now: number): number | undefined;

/** An edge as lists show it. */
export interface EdgeView {
  url: string;
  region?: string;
  load: number;
  draining: boolean;
}

/** The edges that a client knows, and which of them is the best. */
export class Edges {
  give(urls: Iterable<string | URL>): void;
  list(views: EdgeView[]): void;
  name(url: string): string | undefined;
  measured(url: string, rtt: number | undefined): void;
  avoid(url: string, now: number): void;
  candidates(draw: (count: number) => number): string[];
  best(now: number, draw: (count: number) => number): string | undefined;
  betterThan(here: string, now: number, draw: (count: number) => number): string | undefined;
  get count(): number;
}

/** Where a reader stands in a conversation. */
export class Cursor {
  constructor(seq?: number);
  seq: number | undefined;
  take(event: SwitchboardEvent): SwitchboardEvent | "gap" | undefined;
}
