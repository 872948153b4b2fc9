// How far each edge is: the round trip of a question that every edge answers from memory, and which has the list of
// edges as its answer.

import { RULES } from "./rules.js";

const LIST = "/.well-known/switchboard/edges";

/** A number below `count`. */
export const draw = (count) => Math.floor(Math.random() * count);

/** How far an edge is: the shortest round trip of a question that it answers from memory; the first has the handshakes. */
async function measure(fetch, edge, samples) {
  const found = { edge, rtt: undefined, list: [] };
  const signal = AbortSignal.timeout(RULES.measureWithin);
  try {
    for (let sample = 0; sample < samples; sample += 1) {
      const since = performance.now();
      const answer = await fetch(edge + LIST, { cache: "no-store", credentials: "omit", signal });
      const body = await answer.json();
      if (!answer.ok) break;
      found.rtt = Math.min(performance.now() - since, found.rtt ?? Infinity);
      found.list = body.edges ?? [];
    }
  } catch {
    // Fewer samples are as good as they are.
  }
  return found;
}

/** Measures the known edges, and then those that these name. One that is alone is asked once: there is nothing to choose. */
export async function look(fetch, edges) {
  const known = edges.candidates(draw);
  const samples = known.length > 1 ? RULES.samples : 1;
  const found = await Promise.all(known.map((edge) => measure(fetch, edge, samples)));
  note(edges, found);
  const all = edges.candidates(draw);
  const isKnown = (edge) => known.includes(edge) && (samples === RULES.samples || all.length === 1);
  const others = all.filter((edge) => !isKnown(edge));
  note(edges, [...found, ...(await Promise.all(others.map((edge) => measure(fetch, edge, RULES.samples))))]);
}

function note(edges, found) {
  edges.list(found.flatMap((it) => it.list));
  for (const { edge, rtt } of found) edges.measured(edge, rtt);
}
