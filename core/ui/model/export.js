// A conversation as a file, for whoever wants to keep it.

import { ask, blob } from "../api.js";
import { base64 } from "./base64.js";
import { save } from "./save.js";

/** @typedef {import("../types.d.ts").MessageView} MessageView */
/** @typedef {import("./room.js").Room} Room */

/** So many messages are exported: the newest ones. */
const MOST = 5_000;
/** And so many bytes of their files; of those beyond, the names. */
const MOST_BYTES = 50_000_000;

/** @param {Room} room */
export async function asJson(room) {
  const messages = await withFiles(room, await everything(room));
  save(nameOf(room, "json"), new Blob([JSON.stringify({ conversation: room.summary, messages }, null, 2)]));
}

/** @param {Room} room */
export async function asMarkdown(room) {
  const messages = await everything(room);
  const names = (/** @type {MessageView} */ { files = [] }) => files.map((file) => `\n- ${file.name} (${file.media_type}, ${file.bytes})\n`).join("");
  const said = messages.map((it) => `## ${it.author.kind === "user" ? it.author.id : "Switchboard"}, ${it.at}\n\n${it.text}\n${names(it)}`);
  save(nameOf(room, "md"), new Blob([`# ${room.summary?.title ?? ""}\n\n${said.join("\n")}`]));
}

/** @param {Room} room */
async function everything(room) {
  /** @type {MessageView[]} */
  let messages = [];
  let before = "";
  do {
    const query = before && `&before=${before}`;
    /** @type {import("../types.d.ts").Page<MessageView>} */
    const page = await ask("GET", `/v1/conversations/${room.id}/messages?limit=200${query}`);
    messages = [...page.items, ...messages];
    before = page.next ?? "";
  } while (before && messages.length < MOST);
  return messages;
}

/** Messages with the bytes of their files, as they were sent. @param {Room} room @param {MessageView[]} messages */
async function withFiles(room, messages) {
  let left = MOST_BYTES;
  const whole = [];
  for (const message of messages) {
    const files = [];
    for (const file of message.files ?? []) {
      const fits = file.id !== undefined && file.bytes <= left;
      if (fits) left -= file.bytes;
      const data = fits ? await base64(await blob(`/v1/conversations/${room.id}/files/${file.id}`)) : undefined;
      files.push({ ...file, data });
    }
    whole.push(files.length > 0 ? { ...message, files } : message);
  }
  return whole;
}

/** @param {Room} room @param {string} ending */
function nameOf(room, ending) {
  const name = (room.summary?.title ?? "").replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || room.id;
  return `${name}.${ending}`;
}
