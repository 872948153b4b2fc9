// An edge and then a core are killed in mid-answer: a pause and no more.

import assert from "node:assert/strict";
import { answered, doing, house, over, picture, say, somebody, until } from "./people.mjs";

const ann = await somebody("ann");
await say(ann, "@slow tell me");
const writing = () => ann.locator("sb-turn").last().locator("sb-answer").innerText();
const grows = async (from) => until("the answer grows", async () => (await ann.locator("sb-turn").last().locator("sb-answer").count()) > 0 && (await writing()).length > from);
await grows(2);

await doing({ do: "kill-edge" });
await ann.getByText("No connection. Trying again…").waitFor();
await picture(ann, "away");
assert.match((await answered(ann)) && (await writing()), /^a b c d e f g h i j k l m n o p q r s t$/);
assert.equal(await ann.locator(".problem").count(), 0);

await say(ann, "@slow once more");
await until("a second turn", async () => (await ann.locator("sb-turn").count()) === 2);
await grows(2);
await doing({ do: "kill-core" });
await answered(ann);
assert.match(await writing(), /^a b c d e f g h i j k l m n o p q r s t$/);
assert.equal(await ann.locator(".problem").count(), 0);
assert.equal(await ann.locator("sb-turn").count(), 2);
assert.equal(await ann.locator(".message").count(), 2);
console.log(`${house.edges.length} edges: an edge and a core died in mid-answer, and each answer came whole`);
await over(ann);
