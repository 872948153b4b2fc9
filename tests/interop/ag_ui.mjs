// The client of AG-UI, unchanged: what it makes of a run on a house, as one line of JSON.
//
//     node ag_ui.mjs URL TOKEN THREAD QUESTION

import { HttpAgent } from "../../.tools/js/node_modules/@ag-ui/client/dist/index.mjs";

const [url, token, threadId, question] = process.argv.slice(2);
const agent = new HttpAgent({ url, threadId, headers: { Authorization: `Bearer ${token}` } });
agent.addMessage({ id: "question", role: "user", content: question });
const events = [];
let error = null;
const warnings = [];
for (const say of ["warn", "error"]) console[say] = (...words) => warnings.push(words.join(" "));
try {
  await agent.runAgent({ runId: `run-${process.pid}` }, { onEvent: ({ event }) => void events.push(event) });
} catch (thrown) {
  error = String(thrown.message ?? thrown);
}
console.log(JSON.stringify({ events, messages: agent.messages, error, warnings }));
