// What a program in TypeScript writes; `tsc --noEmit` reads it, nobody runs it.

import {
  Cursor,
  Edges,
  RULES,
  SwitchboardError,
  afterClose,
  backOff,
  isNearer,
  open,
  type Next,
  type Options,
  type Received,
  type Session,
} from "../../edge/clients/js/switchboard-client.js";

function show(received: Received): string {
  switch (received.kind) {
    case "event":
      return `${received.event.seq ?? "live"} ${received.event.type}`;
    case "frame":
      return received.frame.type;
    case "at":
      return received.edge;
    case "away":
      return received.why;
  }
}

const options: Options = {
  edges: ["https://chat.example", new URL("https://other.example")],
  token: async () => "a.b.c",
  received: (received) => console.log(show(received)),
  failed: (error) => console.log(error.code, error.message),
  lookEvery: RULES.lookEvery,
  WebSocket,
};
const session: Session = await open(options);
session.join("conversation", 0);
session.send("id", "conversation", "text", { agents: ["agent"] });
const next: Next = afterClose(1012);
const wait: number = backOff(3, Math.random());
const best: string | undefined = new Edges().best(0, (count) => count - 1);
const taken = new Cursor(4).take({ type: "notice", conversation: "c", at: "now", data: {} });
console.log(next, wait, best, taken, isNearer(1, 30), new SwitchboardError("full", "x").code);
// @ts-expect-error: no session is made without `open`.
new Session();
