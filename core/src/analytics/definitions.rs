//! What each figure is, in one or two sentences. The page has the same in other languages.

use switchboard_shared::api::Definitions;

/// Of `GET /v1/analytics/product`.
const PRODUCT: &[(&str, &str)] = &[
    (
        "messages",
        "Messages of people that were accepted, also those between people that nobody was asked about.",
    ),
    (
        "users",
        "Different people: by minute those whose messages were accepted, by hour those whose turns ended. The total counts everybody once.",
    ),
    ("answers", "Turns that ended with an answer of Switchboard's, or with a question back."),
    (
        "without_llm",
        "Answers for which no LLM has read or written a token, neither to choose agents nor to write.",
    ),
    ("degraded", "Answers that did without something, such as an agent that was down; each says what."),
    ("failed", "Turns that ended without an answer because something went wrong on our side."),
    (
        "calls",
        "Agents asked; an agent that is asked twice in a turn counts twice, one that was skipped does not.",
    ),
    ("calls_failed", "Calls that did not end with an answer or a question: failed, too slow, or refused."),
    ("share", "The agent's part of all calls, from 0 to 1."),
    (
        "thumbs_up",
        "Turns that somebody thinks well of; of each person the last word counts, at the time of that word.",
    ),
    ("thumbs_down", "Turns that somebody does not think well of."),
    ("corrections", "Thumbs down that name the agents that would have been right."),
    ("input_tokens", "Tokens that LLMs have read, as their endpoints count them."),
    ("output_tokens", "Tokens that LLMs have written, as their endpoints count them."),
    ("calls_per_answer", "Calls divided by answers."),
    ("tokens_per_answer", "Tokens read and written divided by answers."),
    (
        "cost_of_all",
        "Tokens of each model times its price in the configuration ([analytics.price]); absent without prices.",
    ),
    ("cost_per_answer", "That divided by answers."),
    ("cost", "Tokens of the model times its price; absent without one."),
    ("unpriced_tokens", "Tokens of models that have no price: the cost is without them."),
    ("plans", "Decisions of the router of this confidence; what is between people alone is none."),
    ("confidence", "How sure the router was of the whole plan, from 0 to 1."),
    ("confidence_from", "The least confidence in the bar."),
    ("confidence_to", "The confidence at which the next bar begins."),
];

/// Of `GET /v1/analytics/running`.
const RUNNING: &[(&str, &str)] = &[
    (
        "requests",
        "Requests of people and programs that are known, however a core answered them; files of the page do not count.",
    ),
    ("client_errors", "Of these, those that were refused with 4xx."),
    ("errors", "Of these, those that were answered with 5xx."),
    (
        "edge_refused",
        "What edges refused by themselves with 4xx, such as tokens that are not valid and too many at once: besides requests, and of the whole house alone.",
    ),
    (
        "edge_errors",
        "What edges answered by themselves with 5xx, as a rule because no core could take it: besides requests, and of the whole house alone. They count against the budget.",
    ),
    ("turns", "Turns that ended, however."),
    ("failed", "Of these, those that ended without an answer because something went wrong on our side."),
    ("objective", "The share of requests and turns that is to go well."),
    (
        "budget_left",
        "How much is left of the requests and turns that may go wrong (1 - objective of all): 1 when none did, 0 when as many as may, below 0 when more. Absent where there was nothing.",
    ),
    ("count", "How often that was measured."),
    (
        "p50_ms",
        "Half of them took no longer; estimated within fixed buckets whose bounds are at most a factor of two apart.",
    ),
    ("p95_ms", "95 of 100 took no longer; estimated in the same way."),
    ("p99_ms", "99 of 100 took no longer; estimated in the same way."),
    (
        "acknowledgement_p95_ms",
        "From a message's coming to its acknowledgement, which follows the commit: 95 of 100 took no longer.",
    ),
    (
        "own_p95_ms",
        "From a turn's acceptance to its end without the time of its agents and of LLMs that chose or wrote: 95 of 100 took no longer. Turns that another core took up are left out.",
    ),
    ("agent_p95_ms", "One call of an agent: 95 of 100 took no longer."),
    ("running", "Turns that a core works on."),
    ("waiting", "Turns that wait for a place on a core."),
    ("max_running", "The most turns that a core works on at once (turn.max_running)."),
    ("streams", "Open event streams."),
    ("sockets", "Open WebSockets."),
    ("connections", "Open connections of clients."),
    ("max_connections", "The most that the edge takes."),
    ("load", "Connections by the most that the edge takes, from 0 to 1."),
    ("lag_ms", "For how long the primary has had more than the replica."),
    ("lag_bytes", "How much of what the primary has written the replica has not acknowledged."),
];

/// Of `GET /v1/analytics/capacity`.
const CAPACITY: &[(&str, &str)] = &[
    ("messages", "Messages that were accepted."),
    ("messages_per_s", "Messages divided by the seconds of the step, or of the window so far."),
    ("peak_per_s", "The same of the busiest step."),
    ("input_tokens", "Tokens that LLMs have read, as their endpoints count them."),
    ("output_tokens", "Tokens that LLMs have written, as their endpoints count them."),
    ("sockets", "The most WebSockets that all edges together had open at once in the step."),
    ("running", "The most turns that all cores together worked on at once in the step."),
    ("parts", "Edges or cores that were heard of in the last 20 seconds."),
    ("used", "How much is used now; of turns a second, in the last step that is over."),
    ("peak", "The most in the window."),
    (
        "ceiling",
        "What all parts of the tier together take: what was measured for one (`switchboard plan`, [analytics.ceilings]) times the parts, or the sum of their own bounds; `basis` says which. Absent where neither is known.",
    ),
    ("headroom", "Which share of the ceiling is free above the peak, from 0 to 1."),
    ("days", "Whole days before today of which there are messages, 28 at most."),
    ("messages_per_day", "The mean of the last seven of them; absent with fewer."),
    (
        "growth_per_day",
        "By how many messages a day there are more with each day: the line with the least squares through the days.",
    ),
    (
        "full_in_days",
        "When the busiest hour of a day reaches the measured ceiling of the cores, along the same kind of line; absent without one, or where it does not grow.",
    ),
];

pub(super) fn running() -> Definitions {
    told(RUNNING)
}

pub(super) fn capacity() -> Definitions {
    told(CAPACITY)
}

pub(super) fn product() -> Definitions {
    told(PRODUCT)
}

fn told(definitions: &[(&str, &str)]) -> Definitions {
    definitions.iter().map(|(name, words)| ((*name).to_owned(), (*words).to_owned())).collect()
}

/// The names of all numbers in an answer.
#[cfg(test)]
pub(super) fn numbers(value: &serde_json::Value) -> std::collections::BTreeSet<String> {
    use serde_json::Value;
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::Number(_) => [name.clone()].into(),
                value => numbers(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        _ => [].into(),
    }
}
