// How fast the page is: its first view, and an answer that comes at 200 tokens a second.

import assert from "node:assert/strict";
import { answered, over, say, somebody } from "./people.mjs";

const ann = await somebody("ann");
await ann.locator("textarea").waitFor();
await ann.reload();
await ann.locator("textarea").waitFor();
const first = await ann.evaluate(() => {
  const bytes = performance.getEntriesByType("resource").filter((it) => /\.(js|css)$/.test(it.name)).length;
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN;
  return { files: bytes, paint };
});
const cold = await somebody("bob");
await cold.locator("textarea").waitFor();
const [paint, size] = await cold.evaluate(() => [
  performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
  performance.getEntriesByType("resource").filter((it) => /\.(js|css)$/.test(it.name)).reduce((sum, it) => sum + it.encodedBodySize, 0),
]);
console.log(`first view: ${Math.round(paint)} ms to the first paint, ${size} bytes of script and style; again from the cache ${Math.round(first.paint)} ms`);
assert(size > 10_000 && size <= 90_000, `${size} bytes of script and style`);

// What a busy machine keeps from the page is no fault of the page. So the frames are told, and what is judged is how long
// the page itself keeps the processor: no task of it may cost a frame of 50 ms.
const chrome = ann.context().browser();
await chrome.startTracing(ann, { categories: ["-*", "toplevel"] });
await say(ann, "@writer go on");
await ann.locator("sb-turn sb-answer").waitFor();
await ann.evaluate(() => {
  globalThis.frames_ = [];
  let last = performance.now();
  const frame = (now) => {
    globalThis.frames_.push(now - last);
    last = now;
    globalThis.frame_ = requestAnimationFrame(frame);
  };
  globalThis.frame_ = requestAnimationFrame(frame);
  globalThis.tasks_ = [];
  new PerformanceObserver((list) => globalThis.tasks_.push(...list.getEntries().map((it) => it.duration))).observe({ type: "longtask" });
});
const answer = await answered(ann);
const own = longest(JSON.parse(await chrome.stopTracing()).traceEvents);
const { frames, tasks } = await ann.evaluate(() => ({ frames: globalThis.frames_, tasks: globalThis.tasks_ }));
const length = (await answer.innerText()).length;
const long = frames.filter((ms) => ms > 50);
console.log(`writing: ${length} characters in ${frames.length} frames, ${long.length} longer than 50 ms (longest ${Math.round(Math.max(...frames))} ms), ${tasks.length} long tasks (longest ${Math.round(Math.max(0, ...tasks))} ms; of the processor at most ${own.toFixed(1)} ms)`);
assert(length > 15_000, String(length));
assert(own > 0 && own <= 50, `a task of the page takes ${own} ms of the processor`);
await over(ann, cold);

/** The longest task of a page's main thread, in milliseconds of the processor. */
function longest(events) {
  const mains = events.filter((it) => it.name === "thread_name" && it.args.name === "CrRendererMain");
  const keys = new Set(mains.map((it) => `${it.pid} ${it.tid}`));
  const tasks = events.filter((it) => it.ph === "X" && it.tdur && keys.has(`${it.pid} ${it.tid}`));
  return tasks.reduce((most, it) => Math.max(most, it.tdur), 0) / 1_000;
}
