//! What the router decided, on what grounds, and what it would decide today.

use super::{
    extract::{Caller, Id, Params},
    turns::analysis,
};
use crate::{
    accept::Envelope,
    access::{Permission, Reach, permit},
    core::Core,
    error::{Error, Result},
    route::{ContextMessage, Question},
    store::{DecisionRow, retrying},
};
use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use switchboard_shared::{
    api::FileView,
    identity::Identity,
    ids::{AgentId, TurnId},
};

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(turn): Id<TurnId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let seen = retrying!(envelope.patience, see(&core, &me, turn, "decision.read"))?;
    Ok(axum::Json(seen.decision.view))
}

/// What is wanted of a decision that is made again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default)]
    explain: bool,
}

/// Asks the router again, with the agents that the caller may use: they may be others than the message's author had.
pub(crate) async fn replay(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(turn): Id<TurnId>,
    Params(wanted): Params<Wanted>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    core.budgets.spend(&me)?;
    let Seen { mut decision, context, files } =
        retrying!(envelope.patience, see(&core, &me, turn, "decision.replayed"))?;
    let roster = core.registry.roster(&core.store, &me.tenant, &Reach::from(&me)).await?;
    let known = |id: &AgentId| roster.knows(id);
    decision.view.previous.retain(known);
    let question = Question {
        text: &decision.view.question,
        chosen: &decision.view.chosen,
        waiting: decision.view.waiting.as_ref().filter(|id| known(id)),
        unclear: &[],
        context: &context,
        previous: &decision.view.previous,
        files: &files,
        deadline: envelope.deadline,
    };
    Ok(axum::Json(analysis(&core, &me, &roster, &question, wanted.explain).await))
}

/// A decision, with what stood around its message.
struct Seen {
    decision: DecisionRow,
    context: Vec<ContextMessage>,
    files: Vec<FileView>,
}

/// Reads a decision. Whoever manages agents need not be a member of the conversation, so that it was read is audited.
async fn see(core: &Core, me: &Identity, turn: TurnId, action: &'static str) -> Result<Seen> {
    let tx = core.store.write(&me.tenant).await?;
    let decision = tx.decision(&me.tenant, turn).await?.ok_or_else(Error::not_found)?;
    let (conversation, at) = (decision.conversation, decision.message_seq);
    let message = tx.message(&me.tenant, conversation, at).await?;
    let size = core.config.events.size(core.config.turn.context_messages);
    let before = tx.messages_before(&me.tenant, conversation, 0..at, size).await?;
    tx.audit(me, action, turn, json!({"conversation": conversation})).await?;
    tx.commit().await?;
    let files = message.map(|message| message.files).unwrap_or_default();
    Ok(Seen { decision, context: before.rows.into_iter().rev().map(ContextMessage::from).collect(), files })
}
