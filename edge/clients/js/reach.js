// How a session gets to an edge: with a token, or with the next one where that does not hold.

import { SwitchboardError } from "./error.js";
import { RULES, afterClose } from "./rules.js";

const SUBPROTOCOL = "switchboard.v1";

async function within(ms, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new SwitchboardError("token", what)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks for a token; where the browser's cookies speak instead, what stands for it is until when they hold. */
export async function tokenOf(options, refused) {
  try {
    const seconds = RULES.tokenWithin / 1000;
    const asked = options.cookies ? options.cookies(refused !== undefined) : options.token();
    return await within(RULES.tokenWithin, asked, `none came within ${seconds} s`);
  } catch (error) {
    throw new SwitchboardError("token", `no token: ${error.message ?? error}`);
  }
}

/** The frame that a text is; undefined when it is none. */
export function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Opens a socket at an edge and waits until it welcomes the token. */
function openSocket(options, edge, token) {
  return new Promise((resolve, reject) => {
    const socket = new options.WebSocket(`${edge.replace(/^http/, "ws")}/ws`, SUBPROTOCOL);
    const late = setTimeout(() => fail(undefined, "it did not answer in time"), RULES.openWithin);
    const fail = (closeCode, reason) => {
      clearTimeout(late);
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.onerror = () => {};
      socket.close();
      const error = new SwitchboardError("unreachable", `${edge} cannot be reached: ${reason || "without a word"}`);
      reject(Object.assign(error, { closeCode }));
    };
    socket.onopen = () => options.cookies || socket.send(JSON.stringify({ type: "hello", token }));
    socket.onerror = () => {};
    socket.onclose = (event) => fail(event.code, event.reason);
    socket.onmessage = (message) => {
      const welcome = read(message.data);
      // One that is about to go says `move` to strangers as well.
      if (welcome?.type !== "welcome") return;
      clearTimeout(late);
      socket.onmessage = socket.onclose = null;
      resolve({ socket, token, edge, welcome });
    };
  });
}

/** Gets to an edge with a token, or with the next one where that does not hold; `refused` is known not to. */
export async function reach(options, edge, refused) {
  const first = await tokenOf(options, refused);
  const unauthenticated = () => new SwitchboardError("unauthenticated", "the token does not hold (any more)");
  if (first === refused) throw unauthenticated();
  try {
    return await openSocket(options, edge, first);
  } catch (error) {
    if (afterClose(error.closeCode) !== "new-token") throw error;
  }
  const next = await tokenOf(options, first);
  if (next === first) throw unauthenticated();
  return openSocket(options, edge, next);
}
