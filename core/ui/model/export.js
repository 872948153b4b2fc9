// A conversation as a file, for whoever wants to keep it.

import { ask } from "../api.js";

/** @typedef {import("../types.d.ts").MessageView} MessageView */
/** @typedef {import("./room.js").Room} Room */

/** So many messages are exported: the newest ones. */
const MOST = 5_000;

/** @param {Room} room */
export async function asJson(room) {
  const messages = await everything(room);
  save(room, "json", "application/json", JSON.stringify({ conversation: room.summary, messages }, null, 2));
}

/** @param {Room} room */
export async function asMarkdown(room) {
  const messages = await everything(room);
  const said = messages.map(({ author, at, text }) => `## ${author.kind === "user" ? author.id : "Switchboard"}, ${at}\n\n${text}\n`);
  save(room, "md", "text/markdown", `# ${room.summary?.title ?? ""}\n\n${said.join("\n")}`);
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

/** @param {Room} room @param {string} ending @param {string} type @param {string} text */
function save(room, ending, type, text) {
  const link = document.createElement("a");
  const name = (room.summary?.title ?? "").replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || room.id;
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = `${name}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
