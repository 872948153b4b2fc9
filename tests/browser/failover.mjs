// An edge and then a core are killed in mid-answer: a pause and no more.

import assert from "node:assert/strict";
import { answered, doing, house, over, picture, say, somebody, until } from "./people.mjs";

const ann = await somebody("ann");
/** The edges that the page's socket was at, the last one at the end. */
const sockets = [];
ann.on("websocket", (socket) => sockets.push(house.edges.indexOf(new URL(socket.url()).origin.replace("wss", "https"))));
// Both edges are as near: it is drawn at which one the socket is. The worst is that which the page came from.
for (let loads = 1; sockets.at(-1) !== 0; loads += 1) {
  assert(loads < 40, "the socket is never at the edge of the page");
  const before = sockets.length;
  await ann.reload();
  await until("it has a socket", () => sockets.length > before);
}

const WORDS = /^a b c d e f g h i j k l m n o p q r s t$/;
const answer = () => ann.locator("sb-turn").last().locator("sb-answer");
const grows = () => until("the answer grows", async () => (await answer().count()) > 0 && (await answer().innerText()).length > 2);
const isWhole = async (turns) => {
  await answered(ann);
  assert.match(await answer().innerText(), WORDS);
  assert.equal(await ann.locator(".problem").count(), 0);
  assert.deepEqual([await ann.locator("sb-turn").count(), await ann.locator(".message").count()], [turns, turns]);
};

await say(ann, "@slow tell me");
await grows();
await doing({ do: "kill", part: "edge", n: 0 });
await until("it is at the other edge", () => sockets.at(-1) === 1);
await picture(ann, "another-edge");
await isWhole(1);

// Only one core is there to take the next turn up, and only the other one to finish it.
await doing({ do: "kill", part: "core", n: 1 });
await say(ann, "@slow once more");
await grows();
await doing({ do: "restart", part: "core", n: 1 });
await doing({ do: "kill", part: "core", n: 0 });
await isWhole(2);
console.log("the edge of the page and a core died in mid-answer, and each answer came whole");
await over(ann);
