// People at browsers, for the scenarios beside this file. A scenario is started by `tests/e2e/browser.rs` with one
// argument: where the house is, as JSON. What it wants done to the house it says as a line of JSON, and waits.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { chromium } from "../../.tools/js/node_modules/playwright-core/index.mjs";

export const house = JSON.parse(process.argv[2]);
/** Generous, since a machine may be busy; nothing waits that long when all is well. */
export const PATIENCE = 60_000;
const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const browser = await chromium.launch({
  executablePath: BROWSERS.find((path) => existsSync(path)),
  // Root may not have a sandbox, and containers have little shared memory.
  args: [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    // A page that no server sent counts as one of the internet, which may not ask this machine for anything.
    ...(house.sources ? ["--disable-features=LocalNetworkAccessChecks"] : []),
  ],
});
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has something done to the house, and waits until it is done. */
export async function doing(what) {
  console.log(JSON.stringify(what));
  await lines.next();
}

/** Somebody who is signed in, with the page before them. `faults` are what the page itself complained about. */
export async function somebody(name, { path = "/", at = 0, ...more } = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-GB", ...more });
  context.setDefaultTimeout(PATIENCE);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|TrustedHTML/.test(message.text())) page.faults.push(message.text());
  });
  page.origin = house.edges[at];
  if (house.sources) await fromSources(context);
  await signIn(page, name, path);
  return page;
}

/** The page as it lies in `core/ui`, so that a change can be seen before it is built into the core. */
async function fromSources(context) {
  const ui = new URL("../../core/ui/", import.meta.url);
  const headers = (await (await fetch(house.edges[0])).headers.get("content-security-policy")) ?? "";
  const index = readFileSync(new URL("index.html", ui), "utf8").replace(/(href|src)="(?!\/)/g, '$1="/assets/');
  await context.route(/^https:\/\/[^/]+\/(c\/.*|agents|review|keys|sessions|users|audit|usage|analytics\/.*)?$/, (route) =>
    route.fulfill({ body: index, contentType: "text/html", headers: { "content-security-policy": headers } }),
  );
  const kinds = { js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
  await context.route("**/assets/**", (route) => {
    // A page that came by a redirect is the core's own, which names its files by their content.
    const path = new URL(route.request().url()).pathname.replace("/assets/", "").replace(/\.[0-9a-f]{12}\./, ".");
    return route.fulfill({ body: readFileSync(new URL(path, ui)), contentType: kinds[path.split(".").pop()] });
  });
}

/** Signs in with the development provider, as anybody would: one click. */
async function signIn(page, name, path) {
  await page.goto(page.origin + path);
  if (name === undefined) return;
  await page.locator("sb-sign-in .button", { hasText: name }).click();
  await page.locator("sb-side").waitFor({ state: "attached" });
}

/** Says something to Switchboard in the conversation that is open, or begins one; returns when it is at work. */
export async function say(page, text) {
  const turns = page.locator("sb-turn article");
  const before = await turns.count();
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.keyboard.press("Enter");
  await until("it is at work", async () => (await turns.count()) > before);
}

/** The last answer, once it is there as a whole. */
export async function answered(page) {
  const answer = page.locator("sb-turn").last().locator('sb-answer[aria-busy="false"]').last();
  await answer.waitFor();
  await page.locator("sb-turn").last().getByRole("button", { name: "Ask again", exact: true }).waitFor();
  return answer;
}

/** A picture for whoever wants to look: only where a folder is named. */
export async function picture(page, name) {
  if (!house.pictures) return;
  mkdirSync(house.pictures, { recursive: true });
  await page.screenshot({ path: `${house.pictures}/${name}.png` });
}

/** Waits until something holds. */
export async function until(what, holds) {
  const end = Date.now() + PATIENCE;
  while (!(await holds())) {
    assert(Date.now() < end, `in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Ends the scenario; nothing may have been complained about. */
export async function over(...pages) {
  for (const page of pages) assert.deepEqual(page.faults, []);
  await browser.close();
  process.exit(0);
}
