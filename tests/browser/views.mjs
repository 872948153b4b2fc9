// Every view in light, dark and from right to left, by axe; on a narrow screen; and by keyboard alone.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { answered, over, picture, say, somebody } from "./people.mjs";

const AXE = readFileSync(new URL("../../.tools/js/node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const LOOKS = [
  { name: "light", colorScheme: "light", locale: "en-GB" },
  { name: "dark", colorScheme: "dark", locale: "en-GB" },
  { name: "rtl", colorScheme: "light", locale: "ar" },
  { name: "narrow", colorScheme: "light", locale: "de-DE", viewport: { width: 360, height: 740 } },
];
const table = [];

/** What axe finds, by every rule that it has. */
async function check(page, view, look) {
  // The policy of the page lets nobody put scripts into it, so axe comes by the debugger.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`);
  table.push({ view, look, violations: violations.length });
  assert.deepEqual(told, [], `${view}, ${look}`);
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert(width <= 0, `${view}, ${look}: ${width} px too wide`);
  await picture(page, `${view}-${look}`);
}

const pages = [];
for (const { name: look, ...context } of LOOKS) {
  const out = await somebody(undefined, context);
  await out.locator(".sign-in .button").first().waitFor();
  await check(out, "sign-in", look);
  await out.context().close();

  const ann = await somebody("ann", context);
  pages.push(ann);
  await ann.locator(".examples button").first().waitFor();
  await check(ann, "home", look);
  await ann.locator("textarea").fill("@rich go on");
  await ann.keyboard.press("Enter");
  await ann.locator("sb-turn .turn > .actions").waitFor();
  const turn = ann.locator("sb-turn").last();
  await turn.locator(".call summary").first().click();
  await turn.locator(".call dd sb-answer").first().waitFor();
  await ann.locator(".bar .wide").click();
  await check(ann, "conversation", look);
  await turn.locator(".turn > .actions .icon-button").nth(2).click();
  await ann.locator("sb-choice").waitFor();
  await check(ann, "feedback", look);
  await ann.locator("textarea").fill("@");
  await ann.locator("textarea").press("End");
  await ann.keyboard.type("r");
  await ann.locator(".mentions li").first().waitFor();
  await check(ann, "mentions", look);
  for (const view of ["agents", "review", "keys", "sessions", "users", "audit", "usage"]) {
    await ann.goto(`${ann.origin}/${view}`);
    await ann.locator(".office .sheet").waitFor();
    await ann.locator(".office .waiting").waitFor({ state: "detached" });
    await check(ann, view, look);
  }
  for (const page of ["running", "capacity", "product"]) {
    await ann.goto(`${ann.origin}/analytics/${page}`);
    await ann.locator(".told").waitFor();
    await ann.locator(".figure").first().waitFor();
    await ann.locator(".figure").first().click();
    await ann.locator("sb-chart summary").first().click();
    await ann.locator(".meanings summary").click();
    await check(ann, `analytics-${page}`, look);
  }
}
for (const { view, look, violations } of table) console.log(`axe ${view.padEnd(14)} ${look.padEnd(7)} ${violations} violations`);

// By keyboard alone: from the skip link to the field, a question, its answer and its cards.
const ann = await somebody("ann");
await ann.locator("textarea").waitFor();
await ann.keyboard.type("@rich go on");
await ann.keyboard.press("Enter");
await answered(ann);
const reached = new Set();
for (let presses = 0; presses < 60; presses += 1) {
  await ann.keyboard.press("Tab");
  reached.add(await ann.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent?.trim().slice(0, 40) ?? ""));
}
for (const name of ["Skip to the conversation", "New conversation", "Message", "Ask again", "Messages"]) {
  assert(reached.has(name) || [...reached].some((it) => it.includes(name)), `${name} in ${[...reached].join(" | ")}`);
}
await over(ann, ...pages);
