//! What became of one call.

use crate::{store::CallRow, synthesise::NamedReply};
use switchboard_shared::{
    events::CallState,
    ids::{AgentId, CallId},
};

/// A call that has ended, or has never begun.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) call: CallId,
    pub(super) agent: AgentId,
    pub(super) name: String,
    pub(super) question: String,
    pub(super) state: CallState,
    pub(super) text: String,
    pub(super) reason: Option<String>,
    pub(super) partial: bool,
}

impl Outcome {
    /// As the answer is written of it.
    pub(super) fn named(&self) -> NamedReply {
        NamedReply {
            agent: self.agent.clone(),
            name: self.name.clone(),
            question: self.question.clone(),
            state: self.state,
            text: self.text.clone(),
            reason: self.reason.clone(),
            partial: self.partial,
        }
    }
}

/// Of a call that another core, or an earlier attempt, has made.
pub(super) fn outcome_of_row(row: &CallRow, name: String) -> Outcome {
    Outcome {
        call: row.id,
        agent: row.agent.clone(),
        name,
        question: row.question.clone(),
        state: row.state,
        text: row.reply.clone().unwrap_or_default(),
        reason: row.reason.clone(),
        partial: row.partial,
    }
}
