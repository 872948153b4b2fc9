//! What became of one call.

use crate::{
    store::{CallRow, OpenCall},
    synthesise::NamedReply,
};
use switchboard_shared::{
    api::FileView,
    events::{CallState, TurnState},
    ids::CallId,
};

/// A call that has ended, or has never begun.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) call: CallId,
    pub(super) reply: NamedReply,
    /// What the agent said that was asked before this one, and declined.
    pub(super) refused: Option<NamedReply>,
    /// Those that are kept.
    pub(super) files: Vec<FileView>,
}

impl Outcome {
    /// All that was said in it.
    pub(super) fn replies(&self) -> impl Iterator<Item = &NamedReply> {
        self.refused.iter().chain([&self.reply])
    }
}

/// How a turn ends that was answered: an agent, or somebody else of its task, may wait for its user, or work on.
pub(super) fn ends_as(outcomes: &[Outcome], left: &[OpenCall]) -> TurnState {
    let any = |state| outcomes.iter().any(|outcome| outcome.reply.state == state);
    match () {
        () if any(CallState::InputRequired) || !left.is_empty() => TurnState::InputRequired,
        () if any(CallState::Working) => TurnState::Working,
        () => TurnState::Completed,
    }
}

/// Of a call that another core, or an earlier attempt, has made.
pub(super) fn outcome_of_row(row: &CallRow, name: String) -> Outcome {
    let reply = NamedReply {
        agent: row.agent.clone(),
        name,
        question: row.question.clone(),
        state: row.state,
        text: row.reply.clone().unwrap_or_default(),
        reason: row.reason.clone(),
        partial: row.partial,
    };
    Outcome { call: row.id, reply, refused: None, files: row.files.clone() }
}
