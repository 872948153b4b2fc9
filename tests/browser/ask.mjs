// Somebody signs in, asks, sees whom the house asked and why, and what else can be done with an answer.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { answered, over, picture, say, somebody, until } from "./people.mjs";

const ann = await somebody("ann");
await ann.getByRole("heading", { name: /What would you like to know/ }).waitFor();
await ann.getByRole("button", { name: /will it rain tomorrow/ }).waitFor();
await picture(ann, "home");

await say(ann, "will it rain tomorrow");
const answer = await answered(ann);
assert.match(await answer.innerText(), /It will rain\./);
const turn = ann.locator("sb-turn").last();
assert.match(await turn.locator(".how > summary").innerText(), /Asked\s+weather\s+\d+\s?%/);
assert.match(await turn.locator(".why").first().innerText(), /^.weather. is the best guess\.$/);
await turn.locator(".call summary").click();
await turn.locator(".call dd sb-answer").waitFor();
assert.match(await turn.locator(".call").innerText(), /answered/);
await picture(ann, "answer");

// Its address and its title are its own, and it is there after loading again.
await until("its title", async () => (await ann.title()).startsWith("will it rain tomorrow"));
assert.match(new URL(ann.url()).pathname, /^\/c\/[0-9a-f-]{36}$/);
await ann.reload();
await ann.locator("sb-turn").last().locator("sb-answer").waitFor();
assert.equal(await ann.locator("sb-turn").count(), 1);

// The reason is said in the reader's language, and there are words for each that the house has.
const speak = async (language) => {
  await ann.evaluate((chosen) => localStorage.setItem("switchboard.language", chosen), language);
  await ann.reload();
};
await speak("de");
await turn.locator(".how > summary").click();
await turn.locator(".why", { hasText: /^.weather. ist die beste Vermutung\.$/ }).waitFor();
await speak("en");
await turn.locator("sb-answer").waitFor();
const ui = new URL("../../core/", import.meta.url);
const codes = JSON.parse(readFileSync(new URL("src/faces/http/openapi.json", ui), "utf8")).components.schemas.Why.properties.code.enum;
for (const file of readdirSync(new URL("ui/words/", ui)).filter((it) => it.endsWith(".js") && it !== "index.js")) {
  const { words } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(new URL(`ui/words/${file}`, ui), "utf8"))}`);
  assert.deepEqual(Object.keys(words.reasons).sort(), [...codes].sort(), file);
}

// A thumb, a correction that asks another agent, and the question once more.
await ann.getByRole("button", { name: /^Good/ }).click();
await ann.getByText("Thank you.").first().waitFor();
await ann.getByRole("button", { name: "Ask another agent" }).click();
await ann.locator("sb-choice").getByRole("button", { name: "sums" }).click();
await until("two turns", async () => (await ann.locator("sb-turn").count()) === 2);
assert.match(await (await answered(ann)).innerText(), /It is seven\./);

// Names are completed, by keyboard alone.
const field = ann.getByRole("textbox", { name: "Message" });
await field.pressSequentially("@su");
await ann.getByRole("option", { name: /@sums/ }).waitFor();
await ann.keyboard.press("Enter");
assert.equal(await field.inputValue(), "@sums ");
await field.pressSequentially("and now?");
await ann.keyboard.press("Enter");
await until("three turns", async () => (await ann.locator("sb-turn").count()) === 3);
await answered(ann);

// What was said is changed: it is asked in a branch, and all that was said before it is there.
const whole = ann.url();
await ann.locator(".message").nth(1).hover();
await ann.locator(".message .edit").nth(1).click();
await ann.getByText("Asks again in a branch.").waitFor();
await until("it stands in the field", async () => (await field.inputValue()) === "will it rain tomorrow");
await field.fill("@sums and what is it then?");
await ann.keyboard.press("Enter");
await until("another conversation", () => ann.url() !== whole);
await until("two turns in the branch", async () => (await ann.locator("sb-turn").count()) === 2);
assert.match(await (await answered(ann)).innerText(), /It is seven\./);
const copied = ann.locator("sb-turn").first();
assert.match(await copied.innerText(), /It will rain\./);
await copied.getByRole("button", { name: "How was this answered?" }).click();
await copied.locator(".how > summary", { hasText: "weather" }).waitFor();
await picture(ann, "branch");
await ann.getByRole("link", { name: "This is a branch of another conversation." }).click();
await until("the conversation as it was", async () => ann.url() === whole && (await ann.locator("sb-turn").count()) === 3);

// A running answer is stopped.
await say(ann, "@slow tell me");
await ann.locator("sb-turn").last().locator("sb-answer").waitFor();
await ann.getByRole("button", { name: "Stop" }).click();
await ann.locator(".turn").getByText("Stopped.").waitFor();

// It is renamed, found, and deleted.
await ann.locator("sb-menu summary").click();
await ann.getByRole("button", { name: "Rename" }).click();
await ann.getByRole("textbox", { name: "Title" }).fill("Rain and sums");
await ann.getByRole("button", { name: "Save" }).click();
await ann.getByRole("heading", { name: "Rain and sums" }).waitFor();
await ann.getByRole("searchbox").fill("sums rain");
await ann.locator("sb-side").getByRole("link", { name: "Rain and sums" }).waitFor();
await ann.getByRole("searchbox").fill("snow");
await ann.getByText("No conversation is called like that.").waitFor();
await ann.getByRole("searchbox").fill("");
const link = ann.locator("sb-side").getByRole("link", { name: "Rain and sums" });
const isThere = async () => (await ann.context().request.get(whole.replace("/c/", "/v1/conversations/"))).status();
const remove = async () => {
  await ann.locator("sb-menu summary").click();
  await ann.getByRole("button", { name: "Delete" }).click();
  await ann.getByRole("heading", { name: /What would you like to know/ }).waitFor();
  await until("it is off the list", async () => (await link.count()) === 0);
};

// It can be had back for a moment; then it is gone, and so it is when the page is left within that moment.
await remove();
await ann.getByText("“Rain and sums” is deleted.").waitFor();
assert.equal(await isThere(), 200);
await ann.getByRole("button", { name: "Undo" }).click();
await until("it is there again", async () => ann.url() === whole && (await ann.locator("sb-turn").count()) === 4);
await link.waitFor();
const gone = ann.waitForResponse((answer) => answer.request().method() === "DELETE");
await remove();
await gone;
assert.equal(await isThere(), 404);
await say(ann, "will it rain tomorrow");
await answered(ann);

// What is deleted in another tab is off the list here, whether it is open or not.
const entries = ann.locator("sb-side .list li");
const listed = await entries.count();
const elsewhere = (method, path, data) =>
  ann.context().request.fetch(ann.origin + path, { method, data, headers: { Origin: ann.origin, "X-Switchboard": "1" } });
const { id } = await (await elsewhere("POST", "/v1/conversations", {})).json();
const look = () => ann.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
await look();
await until("what was begun elsewhere is listed", async () => (await entries.count()) === listed + 1);
await elsewhere("DELETE", `/v1/conversations/${id}`);
await look();
await until("what was deleted elsewhere is not", async () => (await entries.count()) === listed);
const open = new URL(ann.url()).pathname;
await elsewhere("DELETE", open.replace("/c/", "/v1/conversations/"));
await ann.locator(".empty").waitFor();
await until("what was open is not either", async () => (await entries.count()) === listed - 1);
await ann.locator(".empty a").click();
await say(ann, "will it rain tomorrow");
await answered(ann);
const second = ann.url().replace("/c/", "/v1/conversations/");
await ann.locator("sb-menu summary").click();
await ann.getByRole("button", { name: "Delete" }).click();
await ann.getByRole("button", { name: "Undo" }).waitFor();
await ann.goto(`${ann.origin}/keys`);
await until("it is deleted", async () => (await ann.context().request.get(second)).status() === 404);
await over(ann);
