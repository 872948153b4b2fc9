// Two people in one room, each at a browser of their own.

import assert from "node:assert/strict";
import { answered, over, picture, say, somebody, until } from "./people.mjs";

const bob = await somebody("bob");
const ann = await somebody("ann");
await say(ann, "will it rain tomorrow");
await answered(ann);
await ann.getByRole("button", { name: "1 person" }).click();
await ann.getByLabel("Add somebody").fill("nobody-of-this-name");
await ann.getByRole("button", { name: "Add", exact: true }).click();
await ann.getByText("Nobody of this name has been here yet.").waitFor();
await ann.getByLabel("Add somebody").fill("bob");
await ann.getByRole("button", { name: "Add", exact: true }).click();
await ann.getByRole("button", { name: "Remove bob" }).waitFor();

// Bob finds the room in his list when he looks at the page again.
await bob.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
await bob.locator(`sb-side .list a[href="${new URL(ann.url()).pathname}"]`).click();
await bob.locator("sb-turn").waitFor();
assert.match(await bob.locator("sb-turn").innerText(), /It will rain\./);
await ann.locator(".members li", { hasText: "bob" }).getByText("here now").waitFor();

await bob.getByRole("textbox", { name: "Message" }).pressSequentially("hello ann");
await ann.getByText("bob is writing…").waitFor();
await picture(ann, "room");
await bob.keyboard.press("Enter");
await ann.locator(".message", { hasText: "hello ann" }).waitFor();
await ann.getByText("bob is writing…").waitFor({ state: "hidden" });
// What people say to each other is nobody else's.
assert.equal(await ann.locator("sb-turn article").count(), 1);

await say(bob, "@weather and the day after?");
await until("both see it", async () => (await ann.locator("sb-turn article").count()) === 2 && (await bob.locator("sb-turn article").count()) === 2);
await answered(ann);
await answered(bob);

await ann.getByRole("button", { name: "Remove bob" }).click();
await bob.getByText("This conversation is not here, or you are not in it any more.").waitFor();
await over(ann, bob);
