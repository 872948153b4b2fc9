// Whoever looks after the house switches an agent off and on, sees who is here, and checks and takes out the record.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { answered, over, picture, say, somebody, until } from "./people.mjs";

const ann = await somebody("ann");
await say(ann, "will it rain tomorrow");
assert.match(await (await answered(ann)).innerText(), /It will rain\./);
const bob = await somebody("bob");
await bob.getByRole("button", { name: /will it rain tomorrow/ }).waitFor();

// Off: it is gone from lists and answers, and whoever names it is told.
await ann.goto(`${ann.origin}/agents`);
const weather = ann.getByRole("article", { name: "weather" });
await weather.getByText("is asked").waitFor();
await weather.getByRole("button", { name: "Try it" }).click();
await weather.getByText(/Its card can be read/).waitFor();
await weather.getByRole("button", { name: "Switch off" }).click();
await ann.getByRole("dialog").getByRole("button", { name: "Switch off" }).click();
await weather.getByText("switched off: nobody asks it").waitFor();
await picture(ann, "agents-off");
await bob.goto(`${bob.origin}/agents`);
await bob.getByRole("article", { name: "sums" }).waitFor();
assert.equal(await bob.getByRole("article", { name: "weather" }).count(), 0);
await bob.goto(bob.origin);
await say(bob, "@weather will it rain tomorrow");
assert.match(await (await answered(bob)).innerText(), /@weather is switched off\./);
await weather.getByRole("button", { name: "Switch on" }).click();
await weather.getByText("is asked").waitFor();
await say(bob, "@weather will it rain tomorrow");
await until("it is asked again", async () => /It will rain\./.test(await (await answered(bob)).innerText()));

// A card is looked at before anything is kept.
const url = await ann.evaluate(async () => (await (await fetch("/v1/agents/weather")).json()).card_url);
const adding = ann.locator("form").first();
await adding.getByLabel("Address").fill("http://127.0.0.1:1/");
await adding.getByRole("button", { name: "Look at the card" }).click();
await adding.getByText(/It cannot be added:/).waitFor();
await adding.getByLabel("Address").fill(url);
await adding.getByRole("button", { name: "Look at the card" }).click();
await adding.getByText("There is an agent @weather already.").waitFor();
await adding.getByText("(would be used)").waitFor();
await picture(ann, "card");

// Its examples.
await weather.getByRole("button", { name: "Examples" }).click();
await weather.getByLabel("A message that it should get").fill("is it going to hail");
await weather.getByRole("button", { name: "Add" }).click();
await weather.getByRole("button", { name: "Save" }).click();
await weather.getByText("3 examples").waitFor();

// Who is here.
await ann.getByRole("link", { name: "Users" }).click();
const card = ann.getByRole("article", { name: "bob" });
await card.getByText(/Roles: user/).waitFor();
await picture(ann, "users");

// The record: found, checked, taken out.
await ann.getByRole("link", { name: "Audit" }).click();
await ann.getByRole("button", { name: "Check the chain" }).click();
await ann.getByText(/The chain holds: \d+ rows checked/).waitFor();
await ann.getByLabel("What (beginning)").fill("agent.disabled");
await ann.getByRole("button", { name: "Look", exact: true }).click();
await until("one row", async () => (await ann.locator(".record li").count()) === 1);
assert.match(await ann.locator(".record li").innerText(), /ann\s+agent\.disabled\s+weather/);
await picture(ann, "audit");
const [download] = await Promise.all([ann.waitForEvent("download"), ann.getByRole("link", { name: "As a table (CSV)" }).click()]);
assert.match(download.suggestedFilename(), /^audit-demo-\d{4}-\d\d-\d\d\.csv$/);
const lines = readFileSync(await download.path(), "utf8").trim().split("\r\n");
assert.deepEqual([lines.length, lines[0]], [2, "seq,at,actor,action,subject,detail,hash"]);

// How much is used.
await ann.getByRole("link", { name: "Usage" }).click();
await until("ann has asked", async () => /ann\s+standard/.test(await ann.locator(".figures").innerText()));
await picture(ann, "usage");

// Nobody else is shown these rooms, nor what is in them.
assert.equal(await bob.getByRole("link", { name: "Audit" }).count(), 0);
await bob.goto(`${bob.origin}/audit`);
await bob.getByText("You may not do this.").first().waitFor();
await over(ann, bob);
