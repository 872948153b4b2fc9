//! The review: what came up in use, and whether an agent learns from it.

use super::extract::{Caller, Id, Json, Params};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    clock,
    core::Core,
    error::{Error, Result},
    store::{Act, Tx, retrying},
};
use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use switchboard_shared::{
    api::{DecideSuggestion, Example, MAX_PAGE, Page, SuggestionReview, SuggestionState, SuggestionView},
    identity::Identity,
    ids::SuggestionId,
    problem::ProblemKind,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    state: Option<SuggestionState>,
    after: Option<SuggestionId>,
    limit: Option<u32>,
}

pub(crate) async fn list(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Params(List { state, after, limit }): Params<List>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let limit = limit.unwrap_or(50).clamp(1, MAX_PAGE);
    let tx = core.store.read_latest(&me.tenant).await?;
    let mut items = tx.suggestions(&me.tenant, state, after, i64::from(limit) + 1).await?;
    tx.commit().await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(axum::Json(Page { items, next }))
}

pub(crate) async fn decide(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<SuggestionId>,
    Json(DecideSuggestion { state }): Json<DecideSuggestion>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    if state == SuggestionState::Open {
        let detail = "A suggestion is decided as `approved` or `dismissed`.";
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    Ok(axum::Json(retrying!(envelope.deadline, store(&core, &me, id, state))?))
}

/// Decides once; the same decision again is the same answer.
async fn store(
    core: &Core,
    me: &Identity,
    id: SuggestionId,
    state: SuggestionState,
) -> Result<SuggestionReview> {
    let tx = core.store.write(&me.tenant).await?;
    let mut suggestion = tx.lock_suggestion(&me.tenant, id).await?.ok_or_else(Error::not_found)?;
    if suggestion.state == state {
        tx.commit().await?;
        return Ok(review(suggestion));
    }
    if suggestion.state != SuggestionState::Open {
        let detail = format!("This suggestion is {} already.", suggestion.state.name());
        return Err(Error::public(ProblemKind::Conflict, detail));
    }
    if state == SuggestionState::Approved && suggestion.positive {
        teach(core, &tx, me, &suggestion).await?;
    }
    tx.decide_suggestion(&me.tenant, id, state, &me.user).await?;
    let action = match state {
        SuggestionState::Approved => "suggestion.approved",
        SuggestionState::Open | SuggestionState::Dismissed => "suggestion.dismissed",
    };
    let detail =
        json!({"agent": suggestion.agent, "source": suggestion.source, "positive": suggestion.positive});
    let act = Act { at: clock::now(), actor: &me.user, action, subject: &id.to_string(), detail };
    tx.append_audit(&me.tenant, &act).await?;
    tx.commit().await?;
    (suggestion.state, suggestion.decided_by) = (state, Some(me.user.clone()));
    Ok(review(suggestion))
}

/// Makes it one of the agent's examples; every core reads the registry again at its next turn.
async fn teach(core: &Core, tx: &Tx, me: &Identity, suggestion: &SuggestionView) -> Result<()> {
    tx.bump_registry(&me.tenant).await?;
    let agents = tx.agents(&me.tenant).await?;
    let Some(agent) = agents.into_iter().find(|agent| agent.id == suggestion.agent) else {
        let detail = format!("{} is not registered any more; dismiss this.", suggestion.agent);
        return Err(Error::public(ProblemKind::Conflict, detail));
    };
    let mut examples = agent.examples;
    if examples.iter().any(|example| example.text == suggestion.text) {
        return Ok(());
    }
    let bound = core.config.agents.max_examples;
    if examples.len() >= bound {
        let detail = format!("{} has {bound} examples, and no agent has more.", suggestion.agent);
        return Err(Error::public(ProblemKind::Conflict, detail));
    }
    examples.push(Example { text: suggestion.text.clone(), language: suggestion.language.clone() });
    tx.set_examples(&me.tenant, &suggestion.agent, &examples).await?;
    Ok(())
}

fn review(suggestion: SuggestionView) -> SuggestionReview {
    let learned = suggestion.state == SuggestionState::Approved && suggestion.positive;
    let agent = &suggestion.agent;
    let note = match suggestion.state {
        SuggestionState::Open | SuggestionState::Dismissed => {
            "It is dismissed, and nothing is learned from it.".to_owned()
        }
        SuggestionState::Approved if learned => {
            format!("{agent} has it as an example, from the next message on.")
        }
        SuggestionState::Approved => {
            format!(
                "It is recorded, and changes no route: the registry keeps what {agent} should get, not what it should not."
            )
        }
    };
    SuggestionReview { suggestion, learned, note }
}
