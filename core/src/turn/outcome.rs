//! What became of one call.

use crate::{store::CallRow, synthesise::NamedReply};
use switchboard_shared::{api::FileView, ids::CallId};

/// A call that has ended, or has never begun.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) call: CallId,
    pub(super) reply: NamedReply,
    /// Those that are kept.
    pub(super) files: Vec<FileView>,
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
    Outcome { call: row.id, reply, files: row.files.clone() }
}
