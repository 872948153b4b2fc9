//! Turns: how far they are, stopping them, and what the router would do.

use super::extract::{Caller, Id, Json};
use crate::{
    accept::Envelope,
    access::{Permission, Reach, permit},
    core::Core,
    error::{Error, Result},
    route::{ContextMessage, Question},
    store::{CallRow, TurnRow, Tx, retrying},
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use std::sync::Arc;
use switchboard_shared::{
    api::{Analysis, Analyze, TurnView},
    identity::Identity,
    ids::TurnId,
    problem::ProblemKind,
};
use tokio::time::Instant;

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<TurnId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let tx = core.store.read_own(&me.tenant).await?;
    let view = view(&tx, &me, id).await?;
    tx.commit().await?;
    Ok(axum::Json(view))
}

pub(crate) async fn cancel(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<TurnId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let view = retrying!(envelope.deadline, request_cancel(&core, &me, id))?;
    core.turns.cancel(id);
    Ok((StatusCode::ACCEPTED, axum::Json(view)))
}

async fn request_cancel(core: &Core, me: &Identity, id: TurnId) -> Result<TurnView> {
    let tx = core.store.write(&me.tenant).await?;
    let view = view(&tx, me, id).await?;
    tx.request_cancel(&me.tenant, id).await?;
    tx.commit().await?;
    Ok(view)
}

pub(crate) async fn analyze(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Json(ask): Json<Analyze>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    if ask.text.trim().is_empty() {
        return Err(Error::public(ProblemKind::BadRequest, "The text is empty."));
    }
    if ask.text.chars().count() > core.config.max_text_chars {
        return Err(Error::public(ProblemKind::TooLarge, "The text is too long."));
    }
    let roster = core.registry.roster(&core.store, &me.tenant, &Reach::from(&me)).await?;
    let context = context(&core, &me, &ask).await?;
    let began = Instant::now();
    let question = Question {
        text: &ask.text,
        chosen: &[],
        waiting: None,
        context: &context,
        previous: &[],
        files: &[],
        deadline: envelope.deadline,
    };
    let decision = core.router.plan(&roster, &question).await;
    let us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    Ok(axum::Json(Analysis { plan: decision.plan, scores: decision.scores, us }))
}

async fn context(core: &Core, me: &Identity, ask: &Analyze) -> Result<Vec<ContextMessage>> {
    let Some(id) = ask.conversation else { return Ok(Vec::new()) };
    let tx = core.store.read_own(&me.tenant).await?;
    tx.conversation(&me.tenant, id, &me.user).await?;
    let limit = i64::from(core.config.turn.context_messages);
    let rows = tx.messages_before(&me.tenant, id, u64::MAX, limit).await?;
    tx.commit().await?;
    Ok(rows.into_iter().rev().map(ContextMessage::from).collect())
}

/// A turn with its calls, for a member of its conversation.
pub(super) async fn view(tx: &Tx, me: &Identity, id: TurnId) -> Result<TurnView> {
    let turn = tx.turn(&me.tenant, id, &me.user).await?;
    let calls = tx.calls(&me.tenant, id).await?;
    Ok(turn_view(turn, &calls))
}

fn turn_view(turn: TurnRow, calls: &[CallRow]) -> TurnView {
    TurnView {
        id: turn.id,
        conversation: turn.conversation,
        message: turn.message,
        state: turn.state,
        attempt: turn.attempt,
        plan: turn.plan,
        calls: calls.iter().map(CallRow::view).collect(),
        answer: turn.answer,
        degraded: turn.degraded,
        usage: turn.usage,
        error: turn.error,
        created_at: turn.created_at,
    }
}
