// A house without agents says so, at the beginning and when it is asked.

import assert from "node:assert/strict";
import { answered, over, say, somebody } from "./people.mjs";

const ann = await somebody("ann");
await ann.getByText("There are no agents yet that could answer.").waitFor();
await say(ann, "who is there?");
assert.match(await (await answered(ann)).innerText(), /There is no agent here yet/);
const how = ann.locator("sb-turn .how");
await how.getByText("There are no agents yet.").waitFor();
assert.doesNotMatch(await how.innerText(), /You named/);
await over(ann);
