// Who is signed in, and that they stay so while they are here.

import { Failure, ask, here, signedOut } from "./api.js";

/** @typedef {import("./types.d.ts").Me} Me */
/** @typedef {import("./types.d.ts").Provider} Provider */

/** The token is renewed this long before it ends. */
const BEFORE_MS = 60_000;
/** Who asks whether it holds gets one that does for at least this long. */
const FRESH_MS = 90_000;
/** After a renewal that could not be asked for, it is tried again. */
const AGAIN_MS = 10_000;

/** The session of whoever is signed in. */
export class Session {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Promise<void> | undefined} */
  #renewal;

  /** @param {Me} me */
  constructor(me) {
    this.me = me;
    /** When the token ends, by this page's clock, in milliseconds. */
    this.expires = here(me.expires_at);
    this.#later();
    addEventListener("visibilitychange", this.#looked);
  }

  /** Whoever is signed in; undefined when nobody is. @returns {Promise<Session | undefined>} */
  static async find() {
    try {
      return new Session(await ask("GET", "/auth/me"));
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "unauthenticated") throw error;
    }
    // The short token may be over while the session is not.
    try {
      await ask("POST", "/auth/refresh");
      return new Session(await ask("GET", "/auth/me"));
    } catch (error) {
      if (error instanceof Failure && error.code === "unauthenticated") return undefined;
      throw error;
    }
  }

  /** @param {...string} roles */
  has(...roles) {
    return roles.some((role) => this.me.roles.includes(role));
  }

  /**
   * Until when the cookies hold; renewed when that is soon, or when they were refused.
   * @param {boolean} refused
   */
  async holds(refused) {
    if (refused || this.expires - Date.now() < FRESH_MS) await this.#renew();
    return this.expires;
  }

  /** Ends it; where to go then. @param {boolean} everywhere */
  async end(everywhere) {
    /** @type {{ to: string } | undefined} */
    const signedOut = await ask("POST", "/auth/logout", everywhere ? { everywhere } : {});
    this.close();
    return signedOut?.to ?? "/";
  }

  close() {
    clearTimeout(this.#timer);
    removeEventListener("visibilitychange", this.#looked);
  }

  // A page that slept has missed its timer.
  #looked = () => {
    if (document.visibilityState === "visible" && this.expires - Date.now() < BEFORE_MS) void this.#renewInTime();
  };

  #later(wait = Math.max(this.expires - Date.now() - BEFORE_MS, 1_000)) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#renewInTime(), Math.min(wait, 2 ** 31 - 1));
  }

  async #renewInTime() {
    try {
      await this.#renew();
      this.#later();
    } catch (error) {
      if (error instanceof Failure && error.code === "unauthenticated") signedOut.dispatchEvent(new Event("ended"));
      else this.#later(AGAIN_MS);
    }
  }

  /** Once, however many want it. */
  #renew() {
    this.#renewal ??= (async () => {
      await ask("POST", "/auth/refresh");
      this.me = await ask("GET", "/auth/me");
      this.expires = here(this.me.expires_at);
    })().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }
}

/** Where one can sign in. @returns {Promise<Provider[]>} */
export async function providers() {
  /** @type {{ providers: Provider[] }} */
  const answer = await ask("GET", "/auth/providers");
  return answer.providers;
}

/**
 * The address that begins a sign-in and comes back here.
 * @param {string} provider
 * @param {string} [as] whom the development provider is to take
 */
export function signInAt(provider, as) {
  const query = new URLSearchParams({ provider, return_to: location.pathname });
  if (as) query.set("as", as);
  return `/auth/login?${query}`;
}
