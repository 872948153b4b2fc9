// Requests to the edge that the page came from. Who is signed in is in cookies that no script sees.

/** @typedef {import("./types.d.ts").Trial} Trial */

/** Why a request was not answered as hoped: `code` is one of the house's problems, or `offline`. */
export class Failure extends Error {
  /**
   * @param {string} code
   * @param {string} [detail]
   * @param {{ retryAfter?: number, report?: Trial, requestId?: string }} [more]
   */
  constructor(code, detail = "", more = {}) {
    super(detail || code);
    this.name = "Failure";
    this.code = code;
    this.detail = detail;
    this.retryAfter = more.retryAfter;
    this.report = more.report;
    this.requestId = more.requestId;
  }
}

/** A request that nobody answers ends after this, so that nothing waits for ever. */
const WITHIN_MS = 30_000;

/** By how many milliseconds the house's clock is before this one, as its last answer says. */
let ahead = 0;

/** A moment of the house's clock, by this one. @param {string} at */
export const here = (at) => Date.parse(at) - ahead;

/** Hears that the session has ended. */
export const signedOut = new EventTarget();

/**
 * Asks for something; the answer's JSON, or undefined where it has none.
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {{ idempotencyKey?: string, outlivesPage?: boolean }} [more]
 * @returns {Promise<T>}
 */
export async function ask(method, path, body, more = {}) {
  const answer = await answered(method, path, body, more);
  return /** @type {T} */ (answer.status === 204 ? undefined : await answer.json());
}

/** A file's bytes; its type is what the house found that it is. @param {string} path */
export const blob = async (path) => (await answered("GET", path)).blob();

/**
 * An answer that is as hoped.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {{ idempotencyKey?: string, outlivesPage?: boolean }} [more]
 */
async function answered(method, path, body, more = {}) {
  let answer = await send(method, path, body, more);
  if (answer.status === 401 && !path.startsWith("/auth/")) {
    const renewed = await send("POST", "/auth/refresh");
    // Why it is not renewed is why this is not answered: a house that is away has signed nobody out.
    answer = renewed.ok ? await send(method, path, body, more) : renewed;
  }
  if (answer.ok) return answer;
  const failure = await failureOf(answer);
  if (failure.code === "unauthenticated" && path !== "/auth/me") signedOut.dispatchEvent(new Event("ended"));
  throw failure;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {{ idempotencyKey?: string, outlivesPage?: boolean }} [more]
 */
async function send(method, path, body, more = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "X-Switchboard": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (more.idempotencyKey) headers["Idempotency-Key"] = more.idempotencyKey;
  try {
    const answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      keepalive: more.outlivesPage ?? false,
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    const date = Date.parse(answer.headers.get("Date") ?? "");
    if (!Number.isNaN(date)) ahead = date - Date.now();
    return answer;
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new Failure(late ? "deadline_exceeded" : "offline");
  }
}

/** @param {Response} answer */
async function failureOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  const fallback = answer.status === 401 ? "unauthenticated" : answer.status >= 500 ? "unavailable" : "bad_request";
  const retryAfter = problem.retry_after_s ?? (Number(answer.headers.get("Retry-After")) || undefined);
  return new Failure(problem.code ?? fallback, problem.detail ?? problem.error ?? "", {
    retryAfter,
    report: problem.report,
    requestId: problem.request_id ?? answer.headers.get("X-Request-Id") ?? undefined,
  });
}

/**
 * All pages of a list, up to a bound.
 * @template T
 * @param {string} path
 * @param {number} most
 * @returns {Promise<T[]>}
 */
export async function all(path, most) {
  /** @type {T[]} */
  const items = [];
  let next = "";
  do {
    const after = next && `${path.includes("?") ? "&" : "?"}after=${encodeURIComponent(next)}`;
    /** @type {import("./types.d.ts").Page<T>} */
    const page = await ask("GET", path + after);
    items.push(...page.items);
    next = page.next ?? "";
  } while (next && items.length < most);
  return items;
}
