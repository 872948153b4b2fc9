// Files that agents give are listed with their answer, pictures are seen where they are some, and all can be saved.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { answered, over, picture, say, somebody, until } from "./people.mjs";

const AXE = readFileSync(new URL("../../.tools/js/node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** Presses something, and reads what is saved. */
async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
}

async function isWell(page, what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`), [], what);
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert(width <= 0, `${what}: ${width} px too wide`);
}

for (const look of [{ colorScheme: "light" }, { colorScheme: "dark", viewport: { width: 360, height: 740 } }]) {
  const ann = await somebody("ann", look);
  await say(ann, "@maker go on");
  await answered(ann);
  const given = ann.locator("sb-turn sb-given li");
  await until("all files are listed", async () => (await given.count()) === 4);
  const told = await given.allInnerTexts();
  assert.match(told[0], /chart\.png\s+1\s?kB · maker/);
  assert(!told.some((text) => /[\u202A-\u202E\u2066-\u2069]/.test(text)), told.join("\n"));

  // A picture is seen; what only says that it is one is not.
  const pictures = ann.locator("sb-turn sb-given img");
  await pictures.first().waitFor();
  await until("it is drawn", () => pictures.first().evaluate((it) => it.naturalWidth === 1));
  assert.equal(await pictures.count(), 1);
  assert.equal(await pictures.first().getAttribute("alt"), "chart.png");
  await isWell(ann, look.colorScheme);
  await picture(ann, `files-${look.colorScheme}`);

  const table = await saved(ann, given.nth(1).getByRole("button", { name: "table.csv" }));
  assert.deepEqual(table, { name: "table.csv", text: "a,b\n1,2\n" });
  const liar = await saved(ann, given.nth(2).getByRole("button"));
  assert.equal(liar.text, "<script>window.pwned = 1</script>");
  assert.equal(await ann.evaluate(() => window.pwned), undefined);

  // One's own is saved the same way, and all of it is there after loading again.
  await ann.locator('input[type="file"]').setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("mine") });
  await say(ann, "@maker and with this");
  await answered(ann);
  await ann.reload();
  await until("all files are there again", async () => (await ann.locator("sb-turn sb-given li").count()) === 8);
  const mine = ann.locator(".message sb-given").getByRole("button", { name: "notes.txt" });
  assert.deepEqual(await saved(ann, mine), { name: "notes.txt", text: "mine" });

  // An export has their bytes.
  await ann.locator("sb-menu summary").click();
  const exported = JSON.parse((await saved(ann, ann.getByRole("button", { name: "Export as JSON" }))).text);
  const files = exported.messages.flatMap((message) => message.files ?? []);
  assert.equal(files.length, 9);
  assert.equal(Buffer.from(files[1].data, "base64").toString(), "a,b\n1,2\n");
  assert.deepEqual(ann.faults, []);
  await ann.context().close();
}
await over();
