//! An explanation in aligned lines. What users, agents and examples say in it is cleaned.

use crate::terminal::{clean_line, clean_short};
use std::fmt::Write;
use switchboard_shared::{
    api::{AgentShare, Bound, Change, ChangeKind, Explanation, NearExample, Outcome, written},
    events::{Mode, Stage},
    ids::AgentId,
};

const MAX_TEXT_CHARS: usize = 90;
const MAX_WORD_CHARS: usize = 40;

/// All of it.
pub(super) fn show(why: &Explanation) -> String {
    let mut text = format!("why: {}\n", clean_line(&why.because));
    if !why.local.sure {
        writeln!(text, "without an LLM: {}", outcome(&why.local)).ok();
    }
    shares(&mut text, why);
    if !why.bounds.is_empty() {
        text.push_str("\nwhat the local model is held to for the whole:\n");
    }
    why.bounds.iter().for_each(|one| bound(&mut text, one));
    if !why.nearest.is_empty() {
        text.push_str("\nnearest examples, by their words:\n");
    }
    why.nearest.iter().for_each(|near| nearest(&mut text, near));
    if !why.clauses.is_empty() {
        text.push_str("\nits requests one by one:\n");
    }
    for clause in &why.clauses {
        let (said, sure) = (clean_short(&clause.text, MAX_TEXT_CHARS), if clause.sure { "sure" } else { "" });
        writeln!(text, "  {:>5}  {:20} {sure:4}  {said}", written(clause.share, 2), clause.agent.as_str())
            .ok();
    }
    parts(&mut text, why);
    writeln!(text, "\nwhat would have changed it ({} words were left out, one at a time):", why.words_tried)
        .ok();
    if why.changes.is_empty() {
        text.push_str("  nothing of what was tried\n");
    }
    for one in &why.changes {
        writeln!(text, "  {}: {}", change(one), outcome(&one.then)).ok();
    }
    match why.more_words {
        0 => {}
        1 => text.push_str("  and 1 more word\n"),
        more => writeln!(text, "  and {more} more words").unwrap_or_default(),
    }
    text
}

/// What each part of a message is held to, and all of them together.
fn parts(text: &mut String, why: &Explanation) {
    if why.clauses.iter().all(|clause| clause.bounds.is_empty()) {
        return;
    }
    text.push_str("\nwhat the local model is held to for each of them:\n");
    for (number, clause) in (1..).zip(&why.clauses) {
        writeln!(text, "  {number}. {}", clause.agent).ok();
        clause.bounds.iter().for_each(|one| bound(text, one));
    }
    if !why.together.is_empty() {
        text.push_str("  the parts together (division: what the examples ask for)\n");
    }
    why.together.iter().for_each(|one| bound(text, one));
}

fn bound(text: &mut String, bound: &Bound) {
    let (value, limit) = bound.digits();
    let met = match (bound.met, bound.value >= bound.limit) {
        (true, true) => "met",
        (true, false) => "but it goes on with the turn before",
        (false, _) => "not met",
    };
    writeln!(text, "  {:17}  {value:>5} of {limit}, {met}", clean_line(&bound.key)).ok();
}

fn shares(text: &mut String, why: &Explanation) {
    let with_meaning = why.shares.iter().any(|share| share.with_meaning.is_some());
    let meaning = if with_meaning { "  with meaning" } else { "" };
    writeln!(text, "\n  {:5}  {:20} words alone{meaning}", "share", "agent").ok();
    for AgentShare { agent, share, words, with_meaning } in &why.shares {
        let meaning = with_meaning.map_or_else(String::new, |share| format!("  {:>12}", written(share, 2)));
        let (share, words) = (written(*share, 2), written(*words, 2));
        writeln!(text, "  {share:>5}  {:20} {words:>11}{meaning}", name(agent.as_ref())).ok();
    }
    if let (Some(known), Some(novelty)) = (why.known, why.novelty) {
        writeln!(text, "  {:.0} % of its words are known; novelty {novelty:.2}", known * 100.0).ok();
    }
}

/// An example on one line.
fn nearest(text: &mut String, near: &NearExample) {
    let said = near.text.as_deref().map(|text| clean_short(text, MAX_TEXT_CHARS)).unwrap_or_default();
    let line = format!("  {:5.2}  {:20} {said}", near.likeness, name(near.agent.as_ref()));
    writeln!(text, "{}", line.trim_end()).ok();
}

fn name(agent: Option<&AgentId>) -> &str {
    agent.map_or("(nobody)", AgentId::as_str)
}

fn change(change: &Change) -> String {
    match change.kind {
        ChangeKind::Bounds => {
            let bounds = change.bounds.iter().map(|b| format!("{} at {:.2}", clean_line(&b.key), b.value));
            format!("with {}", bounds.collect::<Vec<_>>().join(" and "))
        }
        ChangeKind::WithoutChosen => "without the agents that were chosen".to_owned(),
        ChangeKind::WithoutMention => "without the agents that it addresses".to_owned(),
        ChangeKind::WithoutWaiting => "without the agent that waits".to_owned(),
        ChangeKind::WithoutPrevious => "without the agents of the turn before".to_owned(),
        ChangeKind::WithoutWord => {
            let word = clean_short(change.word.as_deref().unwrap_or_default(), MAX_WORD_CHARS);
            let times = change.times.map_or_else(String::new, |times| format!(", all {times} times"));
            format!("without \"{word}\"{times}")
        }
    }
}

/// What would be done, in words.
fn outcome(outcome: &Outcome) -> String {
    let agents: Vec<_> = outcome.agents.iter().map(AgentId::as_str).collect();
    let who = match outcome.mode {
        None => return "the LLM is asked".to_owned(),
        Some(Mode::None) => "nobody".to_owned(),
        Some(Mode::Quiet) => "nobody, as it is between people".to_owned(),
        Some(Mode::Clarify) => "the user is asked back".to_owned(),
        Some(Mode::Sequential) => agents.join(", then "),
        Some(Mode::Direct | Mode::Parallel) => agents.join(" and "),
    };
    match (outcome.stage, outcome.sure) {
        (_, false) => format!("{who}, as a guess"),
        (Stage::Rule, true) => format!("{who}, by a rule"),
        (Stage::Lexical, true) => format!("{who}, decided by the local model"),
        (Stage::Llm, true) => format!("{who}, decided by the LLM"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_explanation_is_aligned_and_cannot_steer_the_terminal() {
        let guess = json!({"stage": "lexical", "mode": "direct", "agents": ["weather"], "sure": false});
        let llm = json!({"stage": "llm", "agents": [], "sure": false});
        let why: Explanation = serde_json::from_value(json!({
            "because": "The local model\u{1b}[2J leaves it open.",
            "local": guess,
            "shares": [
                {"agent": "weather", "share": 0.5, "words": 0.4, "with_meaning": 0.45},
                {"share": 0.25, "words": 0.3, "with_meaning": 0.2},
            ],
            "known": 0.5, "novelty": 0.75,
            "bounds": [
                {"key": "route.accept", "value": 0.6499, "limit": 0.65, "met": false},
                {"key": "route.margin", "value": 0.996, "limit": 0.25, "met": true},
                {"key": "route.min_known", "value": 0.1, "limit": 0.3, "met": true},
            ],
            "nearest": [
                {"agent": "weather", "likeness": 0.5, "text": "Will it\u{202e} rain?\n\u{7}Yes."},
                {"likeness": 0.25},
            ],
            "clauses": [
                {"text": "rain", "agent": "weather", "share": 0.5, "sure": true,
                    "bounds": [{"key": "route.accept_each", "value": 0.5, "limit": 0.5, "met": true}]},
                {"text": "euros", "agent": "money", "share": 0.4, "sure": false,
                    "bounds": [{"key": "route.accept_each", "value": 0.4, "limit": 0.5, "met": false}]},
            ],
            "together": [{"key": "division", "value": 0.2, "limit": 0.55, "met": false}],
            "changes": [
                {"kind": "bounds", "bounds": [{"key": "route.accept", "value": 0.64}], "then":
                    {"stage": "lexical", "mode": "parallel", "agents": ["weather", "money"], "sure": true}},
                {"kind": "without_word", "word": "ra\u{1b}in", "then": llm},
                {"kind": "without_word", "word": "will", "times": 2, "then": llm},
            ],
            "words_tried": 4, "more_words": 3, "us": 900,
        }))
        .unwrap();
        let expected = "why: The local model[2J leaves it open.
without an LLM: weather, as a guess

  share  agent                words alone  with meaning
   0.50  weather                     0.40          0.45
   0.25  (nobody)                    0.30          0.20
  50 % of its words are known; novelty 0.75

what the local model is held to for the whole:
  route.accept       0.6499 of 0.6500, not met
  route.margin        0.99 of 0.25, met
  route.min_known     0.10 of 0.30, but it goes on with the turn before

nearest examples, by their words:
   0.50  weather              Will it rain? Yes.
   0.25  (nobody)

its requests one by one:
   0.50  weather              sure  rain
   0.40  money                      euros

what the local model is held to for each of them:
  1. weather
  route.accept_each   0.50 of 0.50, met
  2. money
  route.accept_each   0.40 of 0.50, not met
  the parts together (division: what the examples ask for)
  division            0.20 of 0.55, not met

what would have changed it (4 words were left out, one at a time):
  with route.accept at 0.64: weather and money, decided by the local model
  without \"rain\": the LLM is asked
  without \"will\", all 2 times: the LLM is asked
  and 3 more words
";
        assert_eq!(show(&why), expected);
    }
}
