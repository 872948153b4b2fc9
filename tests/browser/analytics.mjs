// The pages of analytics: their figures move while messages come, and are those of the JSON beside them.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { answered, over, picture, say, somebody, until } from "./people.mjs";

const ann = await somebody("ann");
await ann.locator("textarea").waitFor();
const looker = await somebody("ann", { path: "/analytics/product" });

/** A figure as the page shows it. */
const shown = async (key) => {
  const figure = looker.locator(`.figure[data-key="${key}"] strong`);
  return (await figure.count()) === 0 ? undefined : (await figure.first().innerText()).replaceAll(/[,\s]/g, "");
};

// Nothing has happened, which is said.
await looker.getByRole("heading", { name: "Product" }).waitFor();
await looker.getByText("Nothing yet in this time.", { exact: false }).waitFor();

await say(ann, "@weather will it rain tomorrow");
await answered(ann);
await until("the first message", async () => (await shown("answers")) === "1");
await ann.getByRole("button", { name: /^Good/ }).click();
await until("the thumb", async () => (await shown("thumbs_up")) === "1");
await say(ann, "@weather and the day after?");
await answered(ann);
await until("the second message", async () => (await shown("messages")) === "2" && (await shown("answers")) === "2");

// The JSON beside the page says the same.
const address = await looker.getByRole("link", { name: "The same as JSON" }).getAttribute("href");
const twin = await looker.evaluate(async (path) => (await fetch(path, { headers: { "X-Switchboard": "1" } })).json(), address);
for (const key of ["messages", "users", "answers", "without_llm", "calls", "thumbs_up", "failed"]) {
  assert.equal(await shown(key), String(twin.totals[key]), key);
}
const row = looker.locator("section", { has: looker.getByRole("heading", { name: "Agents", exact: true }) }).locator("tbody tr");
assert.match(await row.first().innerText(), /weather\s+2\s+100\s?%\s+0/);

// What a figure is, is said when it is pressed; and a chart is a table for who wants one.
await looker.locator('.figure[data-key="without_llm"]').click();
await looker.getByText(twin.definitions.without_llm).first().waitFor();
await looker.locator("sb-chart details summary").first().click();
const sum = await looker.locator("sb-chart tbody").first().evaluate((body) => [...body.rows].reduce((all, { cells }) => all + Number(cells[1].textContent), 0));
assert.equal(sum, 2);
assert((await looker.locator("sb-chart canvas").count()) >= 4, "charts");
await picture(looker, "analytics-product");

await looker.getByRole("link", { name: "Running", exact: true }).click();
await looker.getByRole("heading", { name: "Running", exact: true }).waitFor();
await until("its requests", async () => Number(await shown("requests")) > 0);
for (const part of ["Edges", "Cores", "Postgres"]) {
  const rows = looker.locator("section", { has: looker.getByRole("heading", { name: part, exact: true }) }).locator("tbody tr");
  await rows.first().waitFor();
}
await picture(looker, "analytics-running");
await looker.getByRole("link", { name: "Capacity", exact: true }).click();
await looker.getByRole("heading", { name: "Capacity", exact: true }).waitFor();
await until("its messages", async () => (await shown("messages")) === "2");
await looker.getByRole("button", { name: "30 days" }).click();
await until("a month", async () => (await shown("messages")) === "2");
await looker.locator(".note code").getByText("switchboard plan --json", { exact: true }).waitFor();
await picture(looker, "analytics-capacity");

// Every language has a word for each figure, and what it is.
const definitions = {};
for (const page of ["running", "capacity", "product"]) {
  Object.assign(definitions, await looker.evaluate(async (name) => (await (await fetch(`/v1/analytics/${name}`)).json()).definitions, page));
}
const folder = new URL("../../core/ui/words/analytics/", import.meta.url);
for (const file of readdirSync(folder).filter((it) => it !== "index.js")) {
  const { words } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(new URL(file, folder), "utf8"))}`);
  for (const key of Object.keys(definitions)) {
    assert(words.names[key], `${file} has no name for ${key}`);
    assert(file === "en.js" || words.definitions[key], `${file} does not say what ${key} is`);
  }
}
await over(ann, looker);
