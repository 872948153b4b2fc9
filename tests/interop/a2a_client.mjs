// The official JavaScript client of A2A, unchanged: every operation over each binding, as one line of JSON.
//
//     node a2a_client.mjs URL TOKEN      what came of each: its outcome, or the class of the error

import {
  ClientFactory,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  RestTransportFactory,
} from "../../.tools/js/node_modules/@a2a-js/sdk/dist/client/index.js";

const [url, token] = process.argv.slice(2);
const STATES = ["unspecified", "submitted", "working", "completed", "failed", "canceled", "input_required", "rejected"];

const fetchImpl = (input, init = {}) =>
  fetch(input, { ...init, headers: { ...Object.fromEntries(new Headers(init.headers)), Authorization: `Bearer ${token}` } });
const text = (value) => ({ content: { $case: "text", value }, metadata: undefined, filename: "", mediaType: "" });
const said = (words, more = {}) => ({
  messageId: crypto.randomUUID(), contextId: "", taskId: "", role: 1, parts: [text(words)], metadata: undefined,
  extensions: [], referenceTaskIds: [], ...more,
});
const asked = (message, configuration) => ({ tenant: "", message, configuration, metadata: undefined });
const name = (task) => STATES[task.status.state];
const words = (artifact) => artifact.parts.map((part) => part.content.value).join("");

async function everyOperation(binding) {
  const transports = { "JSONRPC": JsonRpcTransportFactory, "HTTP+JSON": RestTransportFactory };
  const factory = new ClientFactory({
    transports: [new transports[binding]({ fetchImpl })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
  });
  const client = await factory.createFromUrl(url);
  const [rows, seen] = [[], {}];
  const did = async (operation, call) => {
    let outcome;
    try {
      outcome = await call();
    } catch (error) {
      outcome = error.name === "Error" ? `Error: ${error.message}` : error.name;
    }
    rows.push({ client: "js", binding: `${binding} 1.0`, operation, outcome });
  };
  const collect = async (events, enough = () => false) => {
    const all = [];
    for await (const event of events) {
      all.push(event.payload);
      if (enough(event.payload)) break;
    }
    return all;
  };
  const send = (words, more, configuration) => client.sendMessage(asked(said(words, more), configuration));
  const subscribe = async () => {
    const events = client.resubscribeTask({ tenant: "", id: seen.slow.id });
    const all = await collect(events, (payload) => payload.$case === "artifactUpdate");
    return [all[0].$case, all.at(-1).$case];
  };
  const cancel = async () => name(await client.cancelTask({ tenant: "", id: seen.slow.id, metadata: undefined }));
  const one = () => ({ tenant: "", taskId: seen.task.id, id: "1" });

  await did("send", async () => {
    seen.task = await send("@weather rain?");
    return [name(seen.task), words(seen.task.artifacts[0])];
  });
  await did("stream", async () => {
    const all = await collect(client.sendMessageStream(asked(said("@weather rain?"))));
    const pieces = all.filter((payload) => payload.$case === "artifactUpdate");
    return [all[0].$case, all.at(-1).$case, pieces.map((payload) => words(payload.value.artifact)).join("")];
  });
  await did("ask back, send again, reply", async () => {
    const message = said("@booker book a room");
    const task = await client.sendMessage(asked(message));
    const same = await client.sendMessage(asked(message));
    const answered = await send("Tuesday", { taskId: task.id, contextId: task.contextId });
    const sameTask = same.id === task.id && answered.id === task.id;
    return [name(task), task.status.message.parts[0].content.value, sameTask, words(answered.artifacts[0])];
  });
  await did("get", async () => {
    const task = await client.getTask({ tenant: "", id: seen.task.id, historyLength: 1 });
    return [name(task), task.history.length, task.history[0].parts[0].content.value];
  });
  await did("list", async () => {
    const page = await client.listTasks({ tenant: "", contextId: seen.task.contextId, status: 0, pageSize: 1,
      pageToken: "", statusTimestampAfter: undefined });
    return [page.tasks[0].id === seen.task.id, page.totalSize, page.nextPageToken, page.tasks[0].artifacts.length];
  });
  await did("send, return at once", async () => {
    const configuration = { acceptedOutputModes: [], taskPushNotificationConfig: undefined, historyLength: 0,
      returnImmediately: true };
    seen.slow = await send("@slow take your time", {}, configuration);
    return [["submitted", "working"].includes(name(seen.slow)), seen.slow.history.length];
  });
  await did("subscribe", subscribe);
  await did("cancel", cancel);
  await did("cancel again", cancel);
  await did("subscribe to what is over", subscribe);
  await did("reply to what is over", () => send("x", { taskId: seen.task.id }));
  await did("get what is not there", () => client.getTask({ tenant: "", id: crypto.randomUUID() }));
  await did("extended card", async () => {
    const own = await client.getAgentCard();
    return own.skills.some((skill) => skill.id.startsWith("weather/"));
  });
  const noted = (config) => [config.id, config.url];
  const notedAll = async () => {
    const page = await client.listTaskPushNotificationConfig({ tenant: "", taskId: seen.task.id, pageSize: 0,
      pageToken: "" });
    return page.configs.map((config) => config.url);
  };
  await did("push: create", async () => noted(await client.createTaskPushNotificationConfig({ ...one(), token: "",
    url: "https://example.com/told", authentication: undefined })));
  await did("push: get", async () => noted(await client.getTaskPushNotificationConfig(one())));
  await did("push: list", notedAll);
  await did("push: delete", async () => {
    await client.deleteTaskPushNotificationConfig(one());
    return (await notedAll()).length === 0;
  });
  return rows;
}

console.log(JSON.stringify([...(await everyOperation("JSONRPC")), ...(await everyOperation("HTTP+JSON"))]));
