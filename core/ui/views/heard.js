// What is told to whoever reads by ear: whom the house asks and what it answered, and no more. Pure.

import { list, t } from "../words/index.js";

/** So much of a text is told; the whole one stands in the conversation. */
const MOST = 400;

/**
 * What an event is worth telling, if anything.
 * @param {import("../types.d.ts").Event} event
 * @param {import("../model/house.js").House} house
 * @param {string} me
 */
export function heard(event, house, me) {
  const { data } = event;
  switch (event.type) {
    case "plan.decided":
      return data.steps.length > 0 ? t.heardAsking(list(data.steps.map((/** @type {{ agent: string }} */ it) => house.nameOf(it.agent)))) : "";
    case "answer.finished":
      return t.heardAnswer(data.text.slice(0, MOST));
    case "turn.input_required":
      return t.heardAnswer(data.question);
    case "message.created":
      return data.author.kind === "user" && data.author.id !== me ? t.heardMessage(data.author.id, data.text.slice(0, MOST)) : "";
    case "turn.finished":
      return data.state === "failed" ? t.failed : data.state === "canceled" ? t.stopped : "";
    case "member.added":
      return t.joined(data.user);
    case "member.removed":
      return t.left(data.user);
    default:
      return "";
  }
}
