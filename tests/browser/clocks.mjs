// A browser whose clock is wrong, and a house that is away for a moment, sign nobody out and ask for nothing again and again.

import assert from "node:assert/strict";
import { answered, over, say, somebody, until } from "./people.mjs";

const HOUR_MS = 3_600_000;
for (const by of [HOUR_MS, -HOUR_MS]) {
  const ann = await somebody(undefined);
  await ann.context().addInitScript((off) => {
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...given) {
        if (given.length > 0) super(...given);
        else super(Real.now() + off);
      }
      static now = () => Real.now() + off;
    };
  }, by);
  let renewals = 0;
  ann.on("request", (request) => {
    if (request.url().endsWith("/auth/refresh")) renewals += 1;
  });
  await ann.goto(ann.origin);
  await ann.locator("sb-sign-in .button", { hasText: "ann" }).click();
  await ann.locator("sb-side").waitFor({ state: "attached" });
  renewals = 0;
  for (const text of ["will it rain tomorrow", "@slow tell me"]) {
    await say(ann, text);
    await answered(ann);
  }
  assert(renewals <= 1, `${renewals} renewals of a token that holds`);
  assert.deepEqual(ann.faults, []);
  await ann.context().close();
}

// A token that is over while the house cannot renew it: that is said, and it goes on when it can.
const ann = await somebody("ann");
const problem = (status, code) => (route) =>
  route.fulfill({ status, contentType: "application/problem+json", body: JSON.stringify({ code, status, title: code }) });
await ann.route("**/auth/me", problem(401, "unauthenticated"));
await ann.route("**/auth/refresh", problem(503, "unavailable"));
await ann.reload();
await ann.locator(".problem").waitFor();
assert.equal(await ann.locator("sb-sign-in").count(), 0);
await ann.unroute("**/auth/me");
await ann.locator(".problem button").click();
await ann.locator("sb-side").waitFor({ state: "attached" });
await ann.locator(".examples button").first().waitFor();
await ann.route("**/v1/conversations", problem(401, "unauthenticated"));
await ann.getByRole("textbox", { name: "Message" }).fill("will it rain tomorrow");
await ann.keyboard.press("Enter");
await ann.locator(".welcome .problem").waitFor();
assert.equal(await ann.locator("sb-sign-in").count(), 0);
await ann.unroute("**/v1/conversations");
await ann.unroute("**/auth/refresh");
await ann.keyboard.press("Enter");
await until("it is asked", async () => (await ann.locator("sb-turn article").count()) === 1);
await answered(ann);
await over(ann);
