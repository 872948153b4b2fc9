// Files that go with a message.

import { base64 } from "../model/base64.js";
import { size, t } from "../words/index.js";

/** @typedef {import("../types.d.ts").Part} Part */

/** All files of a message together; base64 makes four bytes of three, and the message has to fit into a request. */
const MOST_BYTES = 1_400_000;
const MOST_FILES = 8;

/**
 * Reads files; what is too large is named.
 * @param {Iterable<File>} files
 * @param {Part[]} there
 * @returns {Promise<{ parts: Part[], refused: string }>}
 */
export async function read(files, there) {
  const parts = [...there];
  let refused = "";
  for (const file of files) {
    const left = MOST_BYTES - parts.reduce((sum, part) => sum + bytesOf(part), 0);
    if (parts.length >= MOST_FILES) refused = t.tooManyFiles(MOST_FILES);
    else if (file.size > left) refused = t.tooLargeFile(file.name, size(MOST_BYTES));
    else parts.push({ name: file.name, media_type: file.type || "application/octet-stream", data: await base64(file) });
  }
  return { parts, refused };
}

/** @param {Part} part */
export const bytesOf = (part) => Math.floor((part.data.length * 3) / 4);
