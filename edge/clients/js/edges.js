// The edges that a client knows, and which of them is the best. Pure: clocks and chance come in as arguments.

import { RULES, isNearer } from "./rules.js";

const FAR = 3_600_000;

/** The edges that a client knows, and which of them is the best. */
export class Edges {
  #known = new Map();

  /** Adds those that somebody named; they stay, whatever a list says. */
  give(urls) {
    for (const url of urls) this.#add(new URL(url).origin).isGiven = true;
  }

  /** Takes lists that edges gave. Those that none of them names are forgotten, unless they were given. */
  list(views) {
    if (views.length === 0) return;
    const named = new Set();
    for (const view of views) {
      const url = this.name(view.url);
      if (url === undefined) continue;
      Object.assign(this.#known.get(url), { draining: view.draining, load: view.load });
      named.add(url);
    }
    for (const edge of this.#known.values()) {
      if (!edge.isGiven && !named.has(edge.url)) this.#known.delete(edge.url);
    }
  }

  /** Takes an edge that another one named, unless it is less private than what was given: the token goes there. */
  name(text) {
    if (!URL.canParse(text)) return undefined;
    const url = new URL(text);
    const isOpen = url.protocol === "http:" && [...this.#known.keys()].some((it) => it.startsWith("http:"));
    if (url.protocol !== "https:" && !isOpen) return undefined;
    return this.#add(url.origin).url;
  }

  /** Notes how far an edge was, or that it did not answer. */
  measured(url, rtt) {
    const edge = this.#known.get(url);
    if (!edge) return;
    edge.rtt = rtt ?? FAR;
    if (rtt !== undefined) edge.avoidedUntil = -Infinity;
  }

  /** Notes that an edge was lost: for a while it is tried last. */
  avoid(url, now) {
    const edge = this.#known.get(url);
    if (edge) edge.avoidedUntil = now + RULES.avoided;
  }

  /** Which ones to measure: the nearest that are known, then those that were never measured, as chance has it. */
  candidates(draw) {
    const edges = [...this.#known.values()].filter((edge) => !edge.draining);
    for (let index = edges.length - 1; index > 0; index -= 1) {
      const other = draw(index + 1);
      [edges[index], edges[other]] = [edges[other], edges[index]];
    }
    edges.sort((one, other) => other.isGiven - one.isGiven || one.rtt - other.rtt);
    return edges.slice(0, RULES.measured).map((edge) => edge.url);
  }

  /** Where to go: the nearest; of several that are about as near and are drawn, the one with less to do. */
  best(now, draw) {
    const all = [...this.#known.values()];
    const fine = all.filter((edge) => !edge.draining && edge.avoidedUntil <= now);
    if (fine.length === 0) {
      // Nothing is left but what was lost; the longest ago may be back.
      all.sort((one, other) => one.avoidedUntil - other.avoidedUntil || one.draining - other.draining);
      return all[0]?.url;
    }
    const nearest = Math.min(...fine.map((edge) => edge.rtt));
    const near = fine.filter((edge) => !isNearer(nearest, edge.rtt));
    const [one, other] = [near[draw(near.length)], near[draw(near.length)]];
    return (other.load < one.load ? other : one).url;
  }

  /** Where to go from `here`: away from one that drains, and from a far one to one that is clearly nearer. */
  betterThan(here, now, draw) {
    const best = this.best(now, draw);
    const [own, other] = [this.#known.get(here), this.#known.get(best)];
    if (best === here || !own || !other || other.draining) return undefined;
    const nearer = own.rtt < FAR && other.rtt < FAR && isNearer(other.rtt, own.rtt);
    return own.draining || nearer ? best : undefined;
  }

  get count() {
    return this.#known.size;
  }

  #add(url) {
    const fresh = { url, isGiven: false, draining: false, load: 0, rtt: FAR, avoidedUntil: -Infinity };
    if (!this.#known.has(url)) this.#known.set(url, fresh);
    return this.#known.get(url);
  }
}
