// What an agent says is text, whatever it says.

import assert from "node:assert/strict";
import { answered, house, over, picture, say, somebody } from "./people.mjs";

const ann = await somebody("ann");
/** @type {string[]} */
const asked = [];
ann.on("request", (request) => asked.push(request.url()));
await say(ann, "@hostile go on");
const answer = await answered(ann);

const found = await answer.evaluate((element) => ({
  scripts: element.querySelectorAll("script, iframe, object, embed, style, form, base, meta, svg, math").length,
  images: element.querySelectorAll("img, picture, video, audio").length,
  handlers: [...element.querySelectorAll("*")].flatMap((it) => [...it.attributes]).filter((it) => it.name.startsWith("on") || it.name === "style").length,
  links: [...element.querySelectorAll("a")].map((it) => ({ href: it.href, rel: it.rel, text: it.textContent })),
  headings: [...element.querySelectorAll("h1, h2")].length,
  text: element.textContent,
}));
assert.deepEqual([found.scripts, found.images, found.handlers, found.headings], [0, 0, 0, 0]);
assert.equal(await ann.evaluate(() => window.pwned), undefined);
for (const { href, rel } of found.links) {
  assert.match(href, /^(https?|mailto):/);
  assert.match(rel, /noopener/);
}
// A link that says one place and leads to another one says where.
assert(found.links.some(({ text }) => text === "my bank (evil.example)"), JSON.stringify(found.links));
assert.match(found.text, /<script>/, "it is shown as it is written");
assert(!/[\u202A\u202B\u202D\u202E]/.test(found.text), "what turns the direction is shown as a sign");
assert(asked.every((url) => house.edges.some((edge) => url.startsWith(edge) || url.startsWith(edge.replace("http", "ws")))), asked.join("\n"));
await picture(ann, "hostile");

await say(ann, "@wide go on");
const wide = await answered(ann);
assert.equal(await wide.locator("tbody tr").count(), 200);
const more = wide.getByRole("button", { name: /further rows/ });
assert.match(await more.innerText(), /9[.,]?800/);
await more.click();
assert.equal(await wide.locator("tbody tr").count(), 700);

await say(ann, "@endless go on");
await answered(ann);
const width = await ann.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
assert(width <= 0, `the page is ${width} px too wide`);
await picture(ann, "wide");
await over(ann);
