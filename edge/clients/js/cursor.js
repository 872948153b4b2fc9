// Where a reader stands in a conversation. Pure.

/** Finished answers that are remembered, so that a late piece of one is known for what it is. */
const REMEMBERED = 16;

/** Where a reader stands in a conversation: what it has seen is not passed twice, what it has missed is noticed. */
export class Cursor {
  #running = new Map();
  #finished = [];

  constructor(seq) {
    this.seq = seq;
  }

  /** The event to hand on; "gap" when something before it is missing, undefined when it was handed on already. */
  take(event) {
    if (event.type === "answer.delta") return this.#piece(event);
    if (event.seq !== undefined) {
      if (this.seq !== undefined && event.seq <= this.seq) return undefined;
      if (this.seq !== undefined && event.seq > this.seq + 1) return "gap";
      this.seq = event.seq;
    }
    if (event.turn && (event.type === "answer.finished" || event.type === "turn.finished")) {
      this.#running.delete(event.turn);
      if (!this.#finished.includes(event.turn)) this.#finished.push(event.turn);
      if (this.#finished.length > REMEMBERED) this.#finished.shift();
    }
    return event;
  }

  /** A piece of an answer, cut to what is new. Offsets count characters (code points), not UTF-16 units. */
  #piece(event) {
    if (this.#finished.includes(event.turn)) return undefined;
    const { attempt, offset, text } = event.data;
    const characters = [...text];
    const end = offset + characters.length;
    let progress = this.#running.get(event.turn);
    if (!progress || attempt > progress.attempt) {
      progress = { attempt, offset };
      this.#running.set(event.turn, progress);
    }
    if (attempt < progress.attempt || (end <= progress.offset && characters.length > 0)) return undefined;
    const seen = Math.max(progress.offset - offset, 0);
    progress.offset = Math.max(end, progress.offset);
    if (seen === 0) return event;
    return { ...event, data: { ...event.data, offset: offset + seen, text: characters.slice(seen).join("") } };
  }
}
