//! An explanation in aligned lines. What users, agents and examples say in it is cleaned.

use crate::terminal::{clean_line, clean_short};
use std::fmt::Write;
use switchboard_shared::{
    api::{AgentShare, Change, ChangeKind, Explanation, NearExample, Outcome},
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
    for bound in &why.bounds {
        // Never more than it is: what misses a bound by little must not look as if it met it.
        let (value, met) = ((bound.value * 100.0).floor() / 100.0, if bound.met { "met" } else { "not met" });
        writeln!(text, "  {:15}  {value:5.2} of {:.2}, {met}", clean_line(&bound.key), bound.limit).ok();
    }
    if !why.nearest.is_empty() {
        text.push_str("\nnearest examples, by their words:\n");
    }
    why.nearest.iter().for_each(|near| nearest(&mut text, near));
    if !why.clauses.is_empty() {
        text.push_str("\nits requests one by one:\n");
    }
    for clause in &why.clauses {
        let (said, sure) = (clean_short(&clause.text, MAX_TEXT_CHARS), if clause.sure { "sure" } else { "" });
        writeln!(text, "  {:5.2}  {:20} {sure:4}  {said}", clause.share, clause.agent.as_str()).ok();
    }
    writeln!(text, "\nwhat would have changed it ({} words were left out, one at a time):", why.words_tried)
        .ok();
    if why.changes.is_empty() {
        text.push_str("  nothing of what was tried\n");
    }
    for one in &why.changes {
        writeln!(text, "  {}: {}", change(one), outcome(&one.then)).ok();
    }
    text
}

fn shares(text: &mut String, why: &Explanation) {
    let with_meaning = why.shares.iter().any(|share| share.with_meaning.is_some());
    let meaning = if with_meaning { "  with meaning" } else { "" };
    writeln!(text, "\n  {:5}  {:20} words alone{meaning}", "share", "agent").ok();
    for AgentShare { agent, share, words, with_meaning } in &why.shares {
        let meaning = with_meaning.map_or_else(String::new, |share| format!("  {share:12.2}"));
        writeln!(text, "  {share:5.2}  {:20} {words:11.2}{meaning}", name(agent.as_ref())).ok();
    }
    writeln!(text, "  {:.0} % of its words are known; novelty {:.2}", why.known * 100.0, why.novelty).ok();
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
            format!("without \"{}\"", clean_short(change.word.as_deref().unwrap_or_default(), MAX_WORD_CHARS))
        }
    }
}

/// What would be done, in words.
fn outcome(outcome: &Outcome) -> String {
    let agents: Vec<_> = outcome.agents.iter().map(AgentId::as_str).collect();
    let who = match outcome.mode {
        None => return "the LLM is asked".to_owned(),
        Some(Mode::None) => "nobody".to_owned(),
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
            "bounds": [{"key": "route.accept", "value": 0.6499, "limit": 0.65, "met": false}],
            "nearest": [
                {"agent": "weather", "likeness": 0.5, "text": "Will it\u{202e} rain?\n\u{7}Yes."},
                {"likeness": 0.25},
            ],
            "clauses": [{"text": "rain", "agent": "weather", "share": 0.5, "sure": true}],
            "changes": [
                {"kind": "bounds", "bounds": [{"key": "route.accept", "value": 0.64}], "then":
                    {"stage": "lexical", "mode": "parallel", "agents": ["weather", "money"], "sure": true}},
                {"kind": "without_word", "word": "ra\u{1b}in", "then": llm},
            ],
            "words_tried": 4, "us": 900,
        }))
        .unwrap();
        let expected = "why: The local model[2J leaves it open.
without an LLM: weather, as a guess

  share  agent                words alone  with meaning
   0.50  weather                     0.40          0.45
   0.25  (nobody)                    0.30          0.20
  50 % of its words are known; novelty 0.75

what the local model is held to for the whole:
  route.accept      0.64 of 0.65, not met

nearest examples, by their words:
   0.50  weather              Will it rain? Yes.
   0.25  (nobody)

its requests one by one:
   0.50  weather              sure  rain

what would have changed it (4 words were left out, one at a time):
  with route.accept at 0.64: weather and money, decided by the local model
  without \"rain\": the LLM is asked
";
        assert_eq!(show(&why), expected);
    }
}
