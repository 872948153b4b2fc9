// How far each edge is: the round trip of a question that every edge answers from memory, and which has the list of
// edges as its answer.

import { RULES } from "./rules.js";

const LIST = "/.well-known/switchboard/edges";

/** A number below `count`. */
export const draw = (count) => Math.floor(Math.random() * count);

/** How far an edge is: the shortest round trip of a question that it answers from memory; the first has the handshakes. */
async function measure(fetch, edge) {
  const found = { edge, rtt: undefined, list: [] };
  const signal = AbortSignal.timeout(RULES.measureWithin);
  try {
    for (let sample = 0; sample < RULES.samples; sample += 1) {
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

/** Measures the known edges, and then those that these name. */
export async function look(fetch, edges) {
  const first = edges.candidates(draw);
  const found = await Promise.all(first.map((edge) => measure(fetch, edge)));
  note(edges, found);
  const fresh = edges.candidates(draw).filter((edge) => !first.includes(edge));
  const more = await Promise.all(fresh.map((edge) => measure(fetch, edge)));
  note(edges, [...found, ...more]);
}

function note(edges, found) {
  edges.list(found.flatMap((it) => it.list));
  for (const { edge, rtt } of found) edges.measured(edge, rtt);
}
