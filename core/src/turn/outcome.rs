//! What became of one call.

use super::{given, opening};
use crate::{
    agents::Reply,
    core::Core,
    error::Result,
    outside,
    store::{CallRow, FinishedCall, OpenCall},
    synthesise::NamedReply,
};
use switchboard_shared::{
    api::FileView,
    events::{CallState, TurnState},
    ids::{CallId, TenantId, UserId},
};
use tokio::time::Instant;

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

/// What a reply leaves of its call: for whoever makes the answer, and for its row.
pub(super) async fn settled(
    core: &Core,
    (tenant, user, deadline): (&TenantId, &UserId, Instant),
    (row, name): (&CallRow, &str),
    reply: Reply,
    ms: u64,
) -> Result<(NamedReply, FinishedCall)> {
    let open = opening::of(&core.config.open_calls, row, &reply);
    let (files, refused) = given::within_quota(core, (tenant, user), deadline, reply.files).await?;
    let reasons: Vec<_> = reply.reason.into_iter().chain(refused).collect();
    let reason = (!reasons.is_empty()).then(|| outside::line(&reasons.join("; "), outside::MAX_REASON_CHARS));
    let named = NamedReply {
        agent: row.agent.clone(),
        name: name.to_owned(),
        question: row.question.clone(),
        state: reply.state,
        text: reply.text,
        reason: reason.clone(),
        partial: reply.partial,
    };
    let ended = FinishedCall {
        id: row.id,
        agent: row.agent.clone(),
        state: reply.state,
        task_id: reply.task_id,
        reply: named.text.clone(),
        reason,
        partial: reply.partial,
        ms,
        files,
        open,
    };
    Ok((named, ended))
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
