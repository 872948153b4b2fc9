//! What members think of a turn.

use super::extract::{Caller, Id, Json};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    clock,
    core::Core,
    error::{Error, Result},
    learn,
    store::{MAX_OPEN_OF_USER, retrying},
};
use axum::{extract::State, response::IntoResponse};
use std::{collections::BTreeSet, sync::Arc};
use switchboard_shared::{
    api::{FeedbackKept, FeedbackView, GiveFeedback, Thumb},
    identity::Identity,
    ids::TurnId,
    problem::ProblemKind,
};

/// The most characters of a comment.
const MAX_COMMENT_CHARS: usize = 2_000;

pub(crate) async fn give(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(turn): Id<TurnId>,
    Json(given): Json<GiveFeedback>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let given = check(&core, given)?;
    let view = retrying!(envelope.patience, store(&core, &me, turn, &given))?;
    Ok(axum::Json(view))
}

async fn store(core: &Core, me: &Identity, id: TurnId, given: &GiveFeedback) -> Result<FeedbackKept> {
    let agents = core.registry.all(&core.store, &me.tenant).await?.seen_by(me);
    let tx = core.store.write(&me.tenant).await?;
    let turn = tx.turn(&me.tenant, id, &me.user).await?;
    // Two members at once would each overlook what the other one's word suggests.
    tx.lock_conversation(&me.tenant, turn.conversation, &me.user).await?;
    if let Some(unknown) = given.agents.iter().find(|id| agents.iter().all(|agent| agent.id != **id)) {
        return Err(Error::no_agent(unknown));
    }
    let view = FeedbackView {
        turn: id,
        user: me.user.clone(),
        value: given.value,
        agents: given.agents.clone(),
        comment: given.comment.clone(),
        at: clock::now(),
    };
    tx.upsert_feedback(&me.tenant, &view).await?;
    let message = tx.message(&me.tenant, turn.conversation, turn.message_seq).await?;
    let text = message.map(|message| message.text).unwrap_or_default();
    let all = tx.feedback(&me.tenant, id).await?;
    let suggested = learn::from_feedback(&all, turn.plan.as_ref(), &text);
    let keep: Vec<_> = suggested.iter().map(|one| one.agent.as_str()).collect();
    tx.withdraw_suggestions(&me.tenant, id, &keep).await?;
    let full = !suggested.is_empty() && tx.has_too_many_open(&me.tenant, &me.user).await?;
    tx.insert_suggestions(&me.tenant, id, &me.user, &suggested, view.at).await?;
    tx.commit().await?;
    Ok(FeedbackKept { feedback: view, note: full.then(full_note) })
}

/// The feedback is kept and counts; it only is not put before a reviewer.
fn full_note() -> String {
    format!("You have {MAX_OPEN_OF_USER} suggestions that wait for a review: this one is not added to them.")
}

fn check(core: &Core, mut given: GiveFeedback) -> Result<GiveFeedback> {
    if given.value == Thumb::Up && !given.agents.is_empty() {
        let detail = "`agents` are those that would have been right: they go with `down`.";
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    let bound = core.config.turn.max_agents;
    if given.agents.len() > bound {
        let detail = format!("A message asks at most {bound} agents.");
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    let agents: BTreeSet<_> = given.agents.into_iter().collect();
    given.agents = agents.into_iter().collect();
    if given.comment.as_ref().is_some_and(|comment| comment.chars().count() > MAX_COMMENT_CHARS) {
        let detail = format!("A comment has at most {MAX_COMMENT_CHARS} characters.");
        return Err(Error::public(ProblemKind::TooLarge, detail));
    }
    Ok(given)
}
