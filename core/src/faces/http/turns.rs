//! Turns: how far they are, stopping them, and what the router would do.

use super::{
    coarse::coarse,
    extract::{Caller, Id, Json},
};
use crate::{
    accept::Envelope,
    access::{Permission, Reach, may, permit},
    core::Core,
    error::{Error, Result},
    events::Control,
    faces::questions,
    route::{ContextMessage, Decision, Question, Roster},
    store::{CallRow, TurnRow, Tx, View, reading, retrying},
    turn,
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use std::sync::Arc;
use switchboard_shared::{
    api::{Analysis, Analyze, TurnView},
    events::TurnState,
    identity::Identity,
    ids::{AgentId, TurnId},
    problem::ProblemKind,
};
use tokio::time::Instant;

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<TurnId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    Ok(axum::Json(reading!(&core.store, &me.tenant, View::Own, tx, view(tx, &me, id))?))
}

pub(crate) async fn cancel(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<TurnId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    Ok((StatusCode::ACCEPTED, axum::Json(stop(&core, &me, id, envelope.patience).await?)))
}

/// Stops a turn; how far it was.
pub(in crate::faces) async fn stop(
    core: &Core,
    me: &Identity,
    id: TurnId,
    patience: Instant,
) -> Result<TurnView> {
    let view = retrying!(patience, request_cancel(core, me, id))?;
    match view.state {
        // It has ended, and its agent waits, or works on.
        TurnState::InputRequired | TurnState::Working => {
            questions::give_up(core, me, view.conversation, id, view.usage, patience).await?;
        }
        _ => core.bell.tell(Control::Cancel(id)),
    }
    Ok(view)
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
        return Err(Error::public(
            ProblemKind::TooLarge,
            format!("A message has at most {} characters.", core.config.max_text_chars),
        ));
    }
    core.budgets.spend(&me)?;
    let roster = core.registry.roster(&core.store, &me.tenant, &Reach::from(&me)).await?;
    let mut around = around(&core, &me, &ask).await?;
    let known = |id: &AgentId| roster.knows(id);
    around.previous.retain(known);
    around.waiting = around.waiting.filter(known);
    around.unclear.retain(known);
    let question = Question {
        text: &ask.text,
        chosen: &[],
        waiting: around.waiting.as_ref(),
        unclear: &around.unclear,
        context: &around.context,
        previous: &around.previous,
        files: &[],
        deadline: envelope.deadline,
    };
    Ok(axum::Json(analysis(&core, &me, &roster, &question, ask.explain).await))
}

/// What the router does with a question, and why if that is asked for; coarsely, for whoever may not read examples.
pub(super) async fn analysis(
    core: &Core,
    me: &Identity,
    roster: &Roster,
    question: &Question<'_>,
    explain: bool,
) -> Analysis {
    let began = Instant::now();
    let Decision { plan, scores, .. } = Box::pin(core.router.plan(roster, question)).await;
    let us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let explanation = match explain {
        true => Some(Box::pin(core.router.explain(roster, question, &plan)).await),
        false => None,
    };
    let analysis = Analysis { plan, scores, us, explanation };
    if may(me, Permission::ManageAgents) { analysis } else { coarse(analysis) }
}

/// What stands around a message in its conversation.
#[derive(Default)]
struct Around {
    context: Vec<ContextMessage>,
    previous: Vec<AgentId>,
    waiting: Option<AgentId>,
    unclear: Vec<AgentId>,
}

/// As a turn would find it that began now.
async fn around(core: &Core, me: &Identity, ask: &Analyze) -> Result<Around> {
    let Some(id) = ask.conversation else { return Ok(Around::default()) };
    let size = core.config.events.size(core.config.turn.context_messages);
    let (before, last, open) = reading!(&core.store, &me.tenant, View::Own, tx, async {
        tx.conversation(&me.tenant, id, &me.user).await?;
        let before = tx.messages_before(&me.tenant, id, 0..u64::MAX, size).await?;
        let last = tx.previous_turn(&me.tenant, id, u64::MAX).await?;
        Ok((before, last, tx.open_calls(&me.tenant, id).await?))
    })?;
    let (waiting, unclear) = turn::meant(&open, last.as_ref().map(|last| last.id));
    let plan = last.and_then(|turn| turn.plan);
    Ok(Around {
        context: before.rows.into_iter().rev().map(ContextMessage::from).collect(),
        previous: plan.into_iter().flat_map(|plan| plan.steps).map(|step| step.agent).collect(),
        waiting,
        unclear,
    })
}

/// A turn with its calls, for a member of its conversation.
pub(in crate::faces) async fn view(tx: &Tx, me: &Identity, id: TurnId) -> Result<TurnView> {
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
