// The client of AG-UI, unchanged: what it makes of a run on a house, as one line of JSON; and, where that asks back and
// there is an answer, of the run that goes on.
//
//     node ag_ui.mjs URL TOKEN THREAD QUESTION [ANSWER]

import { HttpAgent, buildResumeArray } from "../../.tools/js/node_modules/@ag-ui/client/dist/index.mjs";

const [url, token, threadId, question, answer] = process.argv.slice(2);
const agent = new HttpAgent({ url, threadId, headers: { Authorization: `Bearer ${token}` } });
agent.addMessage({ id: "question", role: "user", content: question });
let error = null;
const warnings = [];
for (const say of ["warn", "error"]) console[say] = (...words) => warnings.push(words.join(" "));

/** One run; its events, and what it asks. */
async function run(more) {
  const events = [];
  try {
    await agent.runAgent(more, { onEvent: ({ event }) => void events.push(event) });
  } catch (thrown) {
    error = String(thrown.message ?? thrown);
  }
  return { events, asks: structuredClone(agent.pendingInterrupts) };
}

const first = await run({ runId: `run-${process.pid}` });
const all = { ...first, messages: structuredClone(agent.messages) };
if (answer !== undefined) {
  const response = answer === "" ? { status: "cancelled" } : { status: "resolved", payload: answer };
  const responses = Object.fromEntries(first.asks.map(({ id }) => [id, response]));
  const resume = buildResumeArray(first.asks, responses);
  all.then = await run({ runId: `run-${process.pid}-on`, resume });
  all.said = agent.messages.map(({ role, content }) => [role, content]);
  // Sent again, as after a connection that broke.
  agent.pendingInterrupts = [];
  all.again = await run({ runId: `run-${process.pid}-again`, resume });
}
console.log(JSON.stringify({ ...all, error, warnings }));
