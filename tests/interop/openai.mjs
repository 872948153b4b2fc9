// OpenAI's own library for JavaScript, unchanged: what it makes of a house, as one line of JSON.
//
//     node openai.mjs BASE_URL TOKEN

import OpenAI from "../../.tools/js/node_modules/openai/index.mjs";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const user = { role: "user", content: "Will it rain tomorrow in Oslo?" };

const raised = async (call) => {
  try {
    await call();
  } catch (error) {
    return [error.constructor.name, error.code ?? null];
  }
  return null;
};

const models = [];
for await (const model of client.models.list()) models.push(model.id);
const whole = await client.chat.completions.create({ model: "auto", messages: [user] });
let streamed = "";
let usage = null;
const request = { model: "weather", messages: [user], stream: true, stream_options: { include_usage: true } };
for await (const piece of await client.chat.completions.create(request)) {
  streamed += piece.choices[0]?.delta.content ?? "";
  usage = piece.usage ?? usage;
}
const errors = [
  await raised(() => new OpenAI({ baseURL, apiKey: "nobody", maxRetries: 0 }).models.list()),
  await raised(() => client.chat.completions.create({ model: "nobody-is-called-so", messages: [user] })),
];
const total = usage?.total_tokens ?? null;
console.log(JSON.stringify({ models, whole: whole.choices[0].message.content, streamed, usage: total, errors }));
