// How a growing answer is divided into blocks, without a browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Blocks } from "../../core/ui/markdown/blocks.js";
import { marked, marksOf } from "../../core/ui/markdown/claims.js";

/** The blocks of a text that comes in pieces of these sizes. */
function divided(text, size) {
  const blocks = new Blocks();
  const found = [];
  for (let end = size; end < text.length; end += size) found.push(...blocks.take(text.slice(0, end), false).done);
  const last = blocks.take(text, true);
  assert.equal(last.tail, undefined);
  return [...found, ...last.done];
}

const shape = (blocks) => blocks.map(({ kind, token, start, end, rest }) => ({ kind, type: token?.type, start, end, rest }));
const rich = readFileSync(new URL("rich.md", import.meta.url), "utf8");
const whole = divided(rich, rich.length);
assert(whole.length > 10);
for (const size of [1, 2, 7, 64, 1000]) assert.deepEqual(shape(divided(rich, size)), shape(whole), `pieces of ${size}`);
for (const { start, end, token } of whole) assert.equal(rich.slice(start, end), token.raw);

// A block that cannot change any more is handed on once; only the last one comes again.
const blocks = new Blocks();
assert.deepEqual(shape(blocks.take("one\n\ntw", false).done), [{ kind: "markdown", type: "paragraph", start: 0, end: 3, rest: undefined }]);
const second = blocks.take("one\n\ntwo", false);
assert.equal(second.done.length, 0);
assert.equal(second.tail.token.raw, "two");

// A long table is read for as many rows as are shown, and keeps the others as they are.
const rows = Array.from({ length: 10_000 }, (_, n) => `| ${n} | ${n * 7} |\n`).join("");
const table = `before\n\n| n | seven |\n| - | - |\n${rows}\nafter`;
const began = performance.now();
for (const size of [997, 16_384, table.length]) {
  const [before, long, after] = divided(table, size);
  assert.deepEqual([before.token.type, long.token.type, after.token.type], ["paragraph", "table", "paragraph"]);
  assert.equal(long.token.rows.length, 200);
  assert.equal(long.rest.split("\n").filter(Boolean).length, 9_800);
}
console.log(`three times 10,000 rows in ${Math.round(performance.now() - began)} ms`);

// An endless paragraph is shown as it is written.
assert(divided("x".repeat(300_000), 5_000).some(({ kind }) => kind === "plain"));

// Places are counted in characters by the house and in UTF-16 units here.
const marks = marksOf("😀 one. 😀 two.", [
  { start: 0, end: 6, agents: ["a"] },
  { start: 7, end: 13, agents: ["b"] },
]);
assert.deepEqual(marks, [
  { at: 7, agents: ["a"] },
  { at: 15, agents: ["b"] },
]);

// What programs read in the place of a mark is not shown beside it.
const said = "It is nine [a], and weak [b][c]. See [d].";
const ends = [10, said.indexOf(" [b]")];
const { tokens } = marked({ kind: "markdown", token: { type: "paragraph" }, start: 0, end: said.length }, said, [
  { at: ends[0], agents: ["a"] },
  { at: ends[1], agents: ["b", "c"] },
]);
assert.equal(tokens.map((token) => token.raw).join(""), "It is nine \uE000, and weak \uE001. See [d].");
