// What somebody writes and attaches is lost nowhere, and goes nowhere else than where it was written.

import assert from "node:assert/strict";
import { answered, over, say, somebody, until } from "./people.mjs";

const ann = await somebody("ann");
const field = ann.getByRole("textbox", { name: "Message" });
const files = ann.locator(".composer .files li");
const picker = ann.locator('input[type="file"]');
const file = (name) => ({ name, mimeType: "text/plain", buffer: Buffer.from(name) });
const paste = (length) =>
  field.evaluate((element, count) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", "word ".repeat(count / 5));
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, length);
const news = ann.getByRole("link", { name: "New conversation" });

// A house that cannot be reached at the beginning: the text and its files stay in the field.
await field.waitFor();
await picker.setInputFiles([file("one.txt")]);
await ann.route("**/v1/conversations", (route) => route.abort());
await field.fill("will it rain tomorrow");
await ann.keyboard.press("Enter");
await ann.locator(".welcome .problem").waitFor();
assert.deepEqual([await field.inputValue(), await files.count()], ["will it rain tomorrow", 1]);
await ann.unroute("**/v1/conversations");

// One that goes away a moment later: what was said is said when it is there again.
await ann.route(/\/messages\?limit=/, (route) => route.abort());
await ann.keyboard.press("Enter");
await ann.locator(".log .problem").waitFor();
await ann.unroute(/\/messages\?limit=/);
await ann.locator(".log .problem button").click();
assert.match(await (await answered(ann)).innerText(), /It will rain\./);
await ann.locator(".message").getByRole("button", { name: "one.txt" }).waitFor();
const first = ann.url();

// A file goes with the conversation that it was given to, and so does a text.
await picker.setInputFiles([file("secret.txt")]);
await field.fill("half a");
await files.first().waitFor();
await news.click();
await ann.locator(".welcome").waitFor();
assert.deepEqual([await field.inputValue(), await files.count()], ["", 0]);
await say(ann, "how is the weather");
await answered(ann);
assert.equal(await files.count(), 0);
await ann.locator("sb-side .list").getByRole("link", { name: "will it rain tomorrow" }).first().click();
await until("it is the first one", async () => ann.url() === first);
await until("its file and its text are there", async () => (await files.count()) === 1 && (await field.inputValue()) === "half a");
await ann.getByRole("button", { name: /Remove.*secret\.txt/ }).click();

// A name that turns the direction is shown with a sign in its place, also in what is asked about it.
const turns = /[\u202A-\u202E\u2066-\u2069]/;
await picker.setInputFiles([file("gnp\u202Eexe.txt")]);
await files.first().waitFor();
assert.doesNotMatch(await ann.locator(".composer").innerHTML(), turns);
await files.first().getByRole("button").click();

// Too many files are told from too large ones.
await picker.setInputFiles(Array.from({ length: 10 }, (_, n) => file(`${n}.txt`)));
await ann.getByText("A message has at most 8 files.").waitFor();
for (let left = await files.count(); left > 0; left -= 1) await files.first().getByRole("button").click();

// What is long and pasted goes as a file; what is too long even for that is refused at once.
await field.fill("");
await paste(5_000_000);
await ann.getByText("text.txt is too large: at most 1.4 MB in one message.").waitFor();
await paste(30_000);
await until("it is a file", async () => (await files.count()) === 1);
assert.equal(await field.inputValue(), "");
await say(ann, "@weather read this");
await answered(ann);
await ann.locator(".message").getByRole("button", { name: "text.txt" }).waitFor();

// What the line has not brought yet when somebody goes on is posted; what cannot be is there again.
let isHeld = false;
await ann.routeWebSocket(/\/ws$/, (socket) => {
  const edge = socket.connectToServer();
  socket.onMessage((message) => isHeld || edge.send(message));
});
await ann.reload();
const room = ann.locator("sb-side .list").getByRole("link", { name: "will it rain tomorrow" }).first();
const unsent = ann.locator("[data-unsent]");
const sayAndLeave = async (text) => {
  isHeld = true;
  await ann.locator(".message").first().waitFor();
  await field.fill(text);
  await ann.keyboard.press("Enter");
  await unsent.waitFor();
  await news.click();
  await ann.locator(".welcome").waitFor();
};
const isSaid = (text) =>
  until(`${text} is said once`, async () => (await unsent.count()) === 0 && (await ann.locator(".message", { hasText: text }).count()) === 1);
const posted = ann.waitForResponse((answer) => answer.request().method() === "POST" && answer.url().endsWith("/messages"));
await sayAndLeave("@weather and then?");
assert.equal((await posted).ok(), true);
isHeld = false;
await room.click();
await isSaid("and then?");
await ann.route(/\/messages$/, (route) => route.abort());
await sayAndLeave("@weather and after that?");
await ann.unroute(/\/messages$/);
isHeld = false;
await room.click();
await ann.getByRole("button", { name: "Send again" }).click();
await isSaid("and after that?");
await answered(ann);

// A first message that the house refuses: whoever discards it is left with no empty conversation.
const listed = ann.locator("sb-side .list li");
await news.click();
await ann.locator(".welcome").waitFor();
const before = await listed.count();
await ann.route(/\/messages$/, (route) =>
  route.fulfill({ status: 413, contentType: "application/problem+json", body: JSON.stringify({ code: "payload_too_large" }) }),
);
await picker.setInputFiles([file("large.txt")]);
await field.fill("too much");
await ann.keyboard.press("Enter");
await ann.getByRole("button", { name: "Discard" }).click();
await ann.locator(".welcome").waitFor();
await until("it is off the list", async () => (await listed.count()) === before);
await ann.unroute(/\/messages$/);

// Who signs in after somebody else does not find what that one was writing.
await news.click();
await ann.locator(".welcome").waitFor();
await field.fill("nobody else's");
await ann.locator(".me summary").click();
await ann.getByRole("button", { name: "Sign out", exact: true }).click();
await ann.locator("sb-sign-in .button", { hasText: "bob" }).click();
await ann.locator(".welcome").waitFor();
assert.equal(await field.inputValue(), "");
await over(ann);
