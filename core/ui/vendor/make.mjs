// Makes the files of others that the page is served with, from the packages of .tools/js, and their lock:
//   node core/ui/vendor/make.mjs          writes them and lock.json
//   node core/ui/vendor/make.mjs --check  says whether they are what the packages give
// The versions stand in tests/interop/package.json, as exact ones.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, "../../../.tools/js/node_modules");
const esbuild = await import(join(packages, "esbuild/lib/main.js"));

const version = (name) => JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
const notice = (name) => {
  const { version: number, license, homepage } = version(name);
  return `/*! ${name} ${number} · ${license} · ${homepage ?? ""} */`;
};

/** One module of a package, small, with the names of those whose work it is. */
function bundle(names, entry) {
  const made = esbuild.buildSync({
    ...entry,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    nodePaths: [packages],
    write: false,
    banner: { js: names.map(notice).join("\n") },
  });
  return made.outputFiles[0].text;
}

const of = (what, file) => ({ stdin: { contents: `export { ${what} } from ${JSON.stringify(join(packages, file))};`, resolveDir: here } });
const files = {
  "lit.js": [["lit", "lit-html", "lit-element", "@lit/reactive-element"], { entryPoints: [join(here, "entry.js")] }],
  "marked.js": [["marked"], of("Marked", "marked/lib/marked.esm.js")],
  "dompurify.js": [["dompurify"], of("default", "dompurify/dist/purify.es.mjs")],
  "uplot.js": [["uplot"], of("default", "uplot/dist/uPlot.esm.js")],
};

const licences = () => {
  const names = new Set(Object.values(files).flatMap(([all]) => all));
  const text = (name) => readFileSync(join(packages, name, readdirSync(join(packages, name)).find((it) => /^licen[cs]e/i.test(it))), "utf8");
  return [...names].map((name) => `${name}\n${"=".repeat(name.length)}\n\n${text(name).trim()}\n`).join("\n\n");
};

const check = process.argv[2] === "--check";
const lock = {};
for (const [file, [names, entry]] of Object.entries(files)) {
  const text = bundle(names, entry);
  const made = names.map((name) => ({ name, version: version(name).version, license: version(name).license }));
  lock[file] = { packages: made, sha256: createHash("sha256").update(text).digest("hex") };
  if (check && readFileSync(join(here, file), "utf8") !== text) throw new Error(`${file} is not what its packages give: run make.mjs`);
  if (!check) writeFileSync(join(here, file), text);
}
const written = `${JSON.stringify(lock, null, 2)}\n`;
if (check && readFileSync(join(here, "lock.json"), "utf8") !== written) throw new Error("lock.json is not what the packages give");
if (!check) writeFileSync(join(here, "lock.json"), written);
if (check && readFileSync(join(here, "LICENSES"), "utf8") !== licences()) throw new Error("LICENSES is not what the packages say");
if (!check) writeFileSync(join(here, "LICENSES"), licences());
console.log(Object.entries(lock).map(([file, { sha256 }]) => `${sha256}  ${file}`).join("\n"));
