// The figures of "What a client does" in edge/PROTOCOL.md, and what follows from them. Pure.

/** The figures of "What a client does"; times in milliseconds. */
export const RULES = Object.freeze({
  backOff: 250,
  backOffMost: 15_000,
  later: 4,
  held: 10_000,
  avoided: 30_000,
  nearerBy: 20,
  nearerShare: 2 / 3,
  lookEvery: 300_000,
  measured: 8,
  samples: 3,
  measureWithin: 3_000,
  openWithin: 10_000,
  pongWithin: 10_000,
  heartbeat: 25_000,
  answerWithin: 15_000,
  unacknowledged: 32,
  renewBefore: 60_000,
  tokenWithin: 30_000,
  joinAgain: 2_000,
});

/** Problems of a conversation's stream that time may mend. */
export const TEMPORARY = new Set([
  "rate_limited",
  "request_timeout",
  "internal",
  "bad_gateway",
  "unavailable",
  "deadline_exceeded",
]);

/** What a close code asks for (RFC 6455 §7.4.1, and ours): "elsewhere", "lost", "again", "later", "new-token", "stop". */
export function afterClose(code) {
  switch (code) {
    case 1012:
      return "elsewhere";
    case 1013:
    case 4429:
      return "later";
    case 4401:
      return "new-token";
    case 4408:
    case 4413:
      return "again";
    case 1002:
    case 1003:
    case 1007:
    case 1008:
    case 1009:
    case 4400:
    case 4403:
      return "stop";
    default:
      return "lost";
  }
}

/** How long to wait before try number `tries`, counted from 0 (full jitter); `random` is from 0 to 1. */
export function backOff(tries, random) {
  return Math.min(RULES.backOff * 2 ** Math.min(tries, 10), RULES.backOffMost) * random;
}

/** Whether an edge is so much nearer than another one that a client moves. */
export function isNearer(edge, than) {
  return than - edge >= RULES.nearerBy && edge <= than * RULES.nearerShare;
}

/** When to look again; `random` is from 0 to 1. */
export function lookAfter(every, random) {
  return every * (0.5 + random);
}

/** How long from `now` until the token should be renewed; undefined when it does not say when it ends. */
export function renewAfter(token, now) {
  const end = typeof token === "number" ? token : endOf(token);
  if (end === undefined) return undefined;
  const left = Math.max(end - now, 0);
  return Math.max(left - RULES.renewBefore, left / 2);
}

function endOf(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const { exp } = JSON.parse(atob(payload));
    return typeof exp === "number" ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
