//! What a user is told when no agent answers. Plain sentences that claim nothing.

use super::Because;
use crate::agents::Agent;
use std::sync::Arc;
use switchboard_shared::{
    events::{Mode, Plan, Reason, Stage},
    ids::AgentId,
};

/// Words that are in every message and ask for nothing.
const LITTLE: &[&str] = &[
    "a", "an", "the", "of", "to", "in", "on", "or", "but", "so", "if", "is", "it", "that", "der", "die",
    "das", "ein", "eine", "oder", "aber", "zu", "von", "im", "el", "la", "los", "las", "un", "una", "o",
    "pero", "de", "que", "le", "les", "ou", "mais", "du", "des", "il", "lo", "ma", "di", "os", "as", "mas",
    "do", "da", "het", "een", "of", "maar", "или", "но", "в", "на", "с", "а",
];
/// What is said where there is nobody to ask.
const NOBODY_YET: &str = "There is no agent here yet that you may ask: whoever runs Switchboard adds one with `switchboard agents add URL`.";
const NAMED: usize = 3;
const MAX_NAMED: usize = 6;
/// Of a name that the user wrote: as long as an agent's id may be.
const MAX_NAME_CHARS: usize = 64;

/// Whether a word asks for nothing in any message.
pub(super) fn is_little(word: &str) -> bool {
    LITTLE.iter().any(|little| word.eq_ignore_ascii_case(little))
}

/// A plan that asks nobody, or the user back, or is quiet.
pub(crate) fn without_agents(
    mode: Mode,
    stage: Stage,
    confidence: f64,
    because: impl Into<Because>,
    says: impl Into<Option<String>>,
) -> Plan {
    let (Because { sentence, why }, says) = (because.into(), says.into());
    Plan {
        mode,
        steps: Vec::new(),
        confidence,
        reason: sentence,
        why,
        stage,
        degraded: None,
        says,
        choices: Vec::new(),
    }
}

/// A plan that lets the user choose between the likeliest agents.
pub(super) fn ask_back(
    agents: &[&Agent],
    stage: Stage,
    confidence: f64,
    because: impl Into<Because>,
) -> Plan {
    let choices = agents.iter().take(NAMED).map(|agent| agent.id.clone()).collect();
    Plan { choices, ..without_agents(Mode::Clarify, stage, confidence, because, which(agents)) }
}

/// The same where one of them acts, and is not asked on a guess.
pub(super) fn ask_before(
    agents: &[&Agent],
    stage: Stage,
    confidence: f64,
    because: impl Into<Because>,
) -> Plan {
    let reply = format!(
        "I do not have this done on a guess, since it may send, write or delete something. Which agent shall do it?\n{}",
        lines(agents)
    );
    Plan { says: Some(reply), ..ask_back(agents, stage, confidence, because) }
}

/// Asks which of the agents that wait a message is for.
pub(super) fn which_waits(agents: &[&Agent]) -> Plan {
    let reply = format!("Several agents wait for you. Which one is this for?\n{}", lines(agents));
    Plan { says: Some(reply), ..ask_back(agents, Stage::Rule, 1.0, Reason::SeveralWait) }
}

/// "No agent here does this", and what can be asked.
pub(super) fn nobody(agents: &[Arc<Agent>]) -> String {
    match agents {
        [] => NOBODY_YET.to_owned(),
        agents => format!("No agent here does this. {}", what_can_be_asked(agents)),
    }
}

/// What is said while there is nobody to ask.
pub(super) fn no_agents(agents: &[Arc<Agent>]) -> Option<Plan> {
    let plan = || without_agents(Mode::None, Stage::Rule, 1.0, Reason::NoAgents, nobody(agents));
    agents.is_empty().then(plan)
}

pub(super) fn welcome(agents: &[Arc<Agent>]) -> String {
    format!("Hello! {}", what_can_be_asked(agents))
}

pub(super) fn thanked() -> String {
    "You are welcome.".to_owned()
}

/// Asks back between the likeliest agents.
fn which(agents: &[&Agent]) -> String {
    format!(
        "I am not sure who should answer this. Could you say a little more, or choose an agent?\n{}",
        lines(agents)
    )
}

fn lines(agents: &[&Agent]) -> String {
    let lines: Vec<_> = agents.iter().take(NAMED).map(|agent| line(agent)).collect();
    lines.join("\n")
}

/// The agents that somebody may choose from who wrote a name that is nobody's.
pub(super) fn meant(closest: &[AgentId]) -> Vec<AgentId> {
    closest.iter().take(NAMED).cloned().collect()
}

/// Says that there is no such agent.
pub(super) fn unknown(name: &str, closest: &[AgentId]) -> String {
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    let close: Vec<_> = closest.iter().take(NAMED).map(|id| format!("@{id}")).collect();
    match close.as_slice() {
        [] => format!("There is no agent @{name} here."),
        close => format!("There is no agent @{name} here. Did you mean {}?", close.join(" or ")),
    }
}

/// Says that agents are switched off.
pub(super) fn switched_off(ids: &[AgentId]) -> String {
    let mut names: Vec<_> = ids.iter().map(|id| format!("@{id}")).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [one] => format!("{one} is switched off."),
        several => format!("{} are switched off.", several.join(" and ")),
    }
}

fn what_can_be_asked(agents: &[Arc<Agent>]) -> String {
    if agents.is_empty() {
        return NOBODY_YET.to_owned();
    }
    let lines: Vec<_> = agents.iter().take(MAX_NAMED).map(|agent| line(agent)).collect();
    let more = match agents.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!("\n… and {more} more."),
    };
    format!("You can ask about:\n{}{more}", lines.join("\n"))
}

/// At most so much of a description, cut at a word.
fn cut(text: &str) -> String {
    const MOST: usize = 120;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(MOST).collect();
    let words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{words} …")
}

fn line(agent: &Agent) -> String {
    let first = agent.description.split(['.', '\n']).next().unwrap_or_default();
    format!("- @{}: {}", agent.id, cut(first.trim()))
}
