// The ES module at work: its commands come as lines of JSON, and what it receives goes out as such.
// switchboard.mjs LOOK_EVERY_MS TOKEN,… EDGE…   The tokens are given one after another; the last one stays.

import { createInterface } from "node:readline";
import { open } from "../../edge/clients/js/switchboard-client.js";

const [lookEvery, given, ...edges] = process.argv.slice(2);
const tokens = given.split(",");
// Node has a WebSocket from version 22 on.
const WebSocket = globalThis.WebSocket ?? (await import("../../.tools/js/node_modules/ws/wrapper.mjs")).WebSocket;
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const session = await open({
  edges,
  token: async () => (tokens.length > 1 ? tokens.shift() : tokens[0]),
  lookEvery: Number(lookEvery),
  received: say,
  failed: (error) => say({ kind: "failed", code: error.code, why: error.message }),
  WebSocket,
});
say({ kind: "at", edge: session.edge });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.do === "join") session.join(command.conversation, command.after);
  if (command.do === "send") session.send(command.id, command.conversation, command.text);
}
session.close();
