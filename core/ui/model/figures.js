// The figures of one page of analytics, as they happen.

import { Failure, ask, signedOut } from "../api.js";
import { backOff } from "../client/switchboard-client.js";

/** @typedef {import("../types.d.ts").Figures} Data */
/** @typedef {"running" | "capacity" | "product"} Page */
/** @typedef {"hour" | "days" | "month"} Span */

const DAY_MS = 86_400_000;
/** What is not streamed is asked for so often. */
const ASK_EVERY_MS = 60_000;
/** Figures that were not said again for so long are old. */
const OLD_MS = 30_000;

/**
 * Where a page's figures are, for a person or a program.
 * @param {Page} page
 * @param {Span} span
 */
export function addressOf(page, span) {
  const query = new URLSearchParams({ step: span === "hour" ? "minute" : "hour" });
  if (span === "month") query.set("from", new Date(Date.now() - 30 * DAY_MS).toISOString());
  return `/v1/analytics/${page}?${query}`;
}

/** Follows a page, and says `change`. */
export class Figures extends EventTarget {
  /** @type {Data | undefined} */
  data = undefined;
  /** @type {unknown} */
  failure = undefined;
  isOld = false;
  /** @type {EventSource | undefined} */
  #source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #aging;
  #tries = 0;
  #isClosed = false;

  /** @param {Page} page @param {Span} span */
  constructor(page, span) {
    super();
    this.page = page;
    this.span = span;
    if (span === "month") void this.#ask();
    else this.#open();
  }

  close() {
    this.#isClosed = true;
    this.#source?.close();
    clearTimeout(this.#timer);
    clearTimeout(this.#aging);
  }

  #open() {
    const query = new URLSearchParams({ page: this.page, step: this.span === "hour" ? "minute" : "hour" });
    const source = new EventSource(`/v1/analytics/stream?${query}`);
    this.#source = source;
    source.addEventListener(this.page, (event) => {
      this.#tries = 0;
      this.#take(JSON.parse(/** @type {MessageEvent} */ (event).data));
    });
    // A stream that ends is opened again by the browser; one that is refused is not.
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) this.#again();
    });
  }

  /** Asks why, which renews a token that has ended, and opens the stream again. */
  #again() {
    if (this.#isClosed) return;
    const wait = backOff(this.#tries, 0.5 + Math.random() / 2);
    this.#tries += 1;
    this.#timer = setTimeout(async () => {
      if (await this.#ask()) this.#open();
      else this.#again();
    }, wait);
  }

  async #ask() {
    try {
      this.#take(await ask("GET", addressOf(this.page, this.span)));
      if (this.span === "month") this.#later();
      return true;
    } catch (error) {
      if (this.#isClosed) return false;
      this.failure = error;
      this.dispatchEvent(new Event("change"));
      const isOver = error instanceof Failure && error.code === "unauthenticated";
      if (isOver) signedOut.dispatchEvent(new Event("ended"));
      else if (this.span === "month") this.#later();
      return false;
    }
  }

  #later() {
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#ask(), ASK_EVERY_MS);
  }

  /** @param {Data} data */
  #take(data) {
    if (this.#isClosed) return;
    this.data = data;
    this.failure = undefined;
    this.isOld = false;
    clearTimeout(this.#aging);
    if (this.span !== "month") this.#aging = setTimeout(() => this.#age(), OLD_MS);
    this.dispatchEvent(new Event("change"));
  }

  #age() {
    this.isOld = true;
    this.dispatchEvent(new Event("change"));
  }
}
