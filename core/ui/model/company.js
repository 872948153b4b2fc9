// Who else has a conversation before them, and who writes there. Everybody says so for themselves, again and again.

import { ask } from "../api.js";

/** @typedef {"here" | "writing" | "gone"} Presence */
/** @typedef {{ id: string, me: string, members: { user: string }[], changed: () => void }} Place */

/** Said again after this, and taken as over after that. */
const AGAIN_MS = 25_000;
const OVER_MS = 40_000;
const WRITING_MS = 6_000;

/** The people of one conversation who are here. */
export class Company {
  /** Until when each is here, by this page's clock. @type {Map<string, number>} */
  #here = new Map();
  /** @type {Map<string, number>} */
  #writing = new Map();
  /** @type {Place | undefined} */
  #place = undefined;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer = undefined;

  /** @param {Place} place */
  enter(place) {
    this.leave();
    this.#place = place;
    this.#say("here");
    this.#timer = setInterval(() => {
      this.#say("here");
      place.changed();
    }, AGAIN_MS);
    addEventListener("pagehide", this.#hidden);
  }

  leave() {
    if (!this.#place) return;
    this.#say("gone");
    clearInterval(this.#timer);
    removeEventListener("pagehide", this.#hidden);
    this.#place = undefined;
  }

  /** Says to somebody new that this reader is here. */
  greet() {
    this.#say("here");
  }

  /** Says that something is being written. */
  write() {
    this.#say("writing");
  }

  /** @param {string} user @param {Presence} state */
  take(user, state) {
    const place = this.#place;
    if (!place || user === place.me) return;
    const now = performance.now();
    const isNew = !this.has(user);
    if (state === "gone") this.#here.delete(user);
    else this.#here.set(user, now + OVER_MS);
    if (state === "writing") this.#writing.set(user, now + WRITING_MS);
    else this.#writing.delete(user);
    // Whoever comes has not heard who was here before.
    if (isNew && state !== "gone") this.#say("here");
    if (state === "writing") setTimeout(() => place.changed(), WRITING_MS + 100);
  }

  /** What somebody says ends their writing. @param {string} user */
  said(user) {
    this.#writing.delete(user);
  }

  /** @param {string} user */
  has(user) {
    return (this.#here.get(user) ?? 0) > performance.now();
  }

  /** Who is writing now. */
  get writers() {
    const now = performance.now();
    return [...this.#writing].filter(([, until]) => until > now).map(([user]) => user);
  }

  #hidden = () => this.#say("gone");

  /** Only where somebody could hear it. @param {Presence} state */
  #say(state) {
    const place = this.#place;
    if (!place || place.members.length < 2) return;
    // Not to be heard is no fault that anybody could do something about.
    ask("POST", `/v1/conversations/${place.id}/presence`, { state }, { outlivesPage: true }).catch(() => {});
  }
}
