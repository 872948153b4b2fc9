//! The registry: agents by the URL of their card.

use super::extract::{Caller, Id, Json};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    agents::{Agent, AgentError},
    clock,
    core::Core,
    error::{Error, Result},
    store::{Act, AgentRow, retrying},
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;
use std::sync::Arc;
use switchboard_shared::{
    api::{AgentView, Page, Probe, RegisterAgent},
    identity::Identity,
    ids::AgentId,
    problem::ProblemKind,
};
use tokio::time::Instant;

/// The most characters of an example.
const MAX_EXAMPLE_CHARS: usize = 1_000;

pub(crate) async fn list(State(core): State<Arc<Core>>, Caller(me): Caller) -> Result<impl IntoResponse> {
    let roster = core.registry.roster(&core.store, &me.tenant).await?;
    let items: Vec<AgentView> = roster.agents.iter().map(|agent| view(&core, &me, agent)).collect();
    Ok(axum::Json(Page { items, next: None }))
}

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<AgentId>,
) -> Result<impl IntoResponse> {
    let agent = find(&core, &me, &id).await?;
    Ok(axum::Json(view(&core, &me, &agent)))
}

pub(crate) async fn register(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Json(new): Json<RegisterAgent>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    check(&core, &new)?;
    let (card_url, card) = core.agents.fetch_card(&new.url).await.map_err(refused)?;
    let agent = Agent::from_card(new.id, card_url, card, new.examples).map_err(refused)?;
    let row = AgentRow {
        id: agent.id.clone(),
        card_url: agent.card_url.clone(),
        card: agent.card.clone(),
        examples: agent.examples.clone(),
    };
    retrying!(envelope.deadline, store(&core, &me, &row))?;
    Ok((StatusCode::CREATED, axum::Json(view(&core, &me, &agent))))
}

async fn store(core: &Core, me: &Identity, row: &AgentRow) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    tx.upsert_user(&me.tenant, &me.user).await?;
    // The tenant's row first: its lock makes the count below true.
    tx.bump_registry(&me.tenant).await?;
    let agents = tx.agents(&me.tenant).await?;
    let known = agents.iter().any(|agent| agent.id == row.id);
    if !known && agents.len() >= core.config.agents.max_agents as usize {
        let detail = format!("A tenant has at most {} agents.", core.config.agents.max_agents);
        return Err(Error::public(ProblemKind::Conflict, detail));
    }
    tx.upsert_agent(&me.tenant, row, &me.user).await?;
    let action = if known { "agent.replaced" } else { "agent.registered" };
    let detail = json!({"url": row.card_url});
    let act = Act { at: clock::now(), actor: &me.user, action, subject: row.id.as_str(), detail };
    tx.append_audit(&me.tenant, &act).await?;
    tx.commit().await
}

pub(crate) async fn remove(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<AgentId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    retrying!(envelope.deadline, delete(&core, &me, &id))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(core: &Core, me: &Identity, id: &AgentId) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    tx.bump_registry(&me.tenant).await?;
    if !tx.delete_agent(&me.tenant, id).await? {
        return Err(Error::not_found());
    }
    let (action, detail) = ("agent.removed", json!({}));
    let act = Act { at: clock::now(), actor: &me.user, action, subject: id.as_str(), detail };
    tx.append_audit(&me.tenant, &act).await?;
    tx.commit().await
}

pub(crate) async fn probe(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<AgentId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let agent = find(&core, &me, &id).await?;
    let began = Instant::now();
    let fetched = core.agents.fetch_card(&agent.card_url).await;
    let checked = fetched.and_then(|(url, card)| Agent::from_card(Some(id.clone()), url, card, Vec::new()));
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let reason = checked.err().map(|error| error.to_string());
    Ok(axum::Json(Probe { agent: id, ok: reason.is_none(), ms, reason }))
}

async fn find(core: &Core, me: &Identity, id: &AgentId) -> Result<Arc<Agent>> {
    let roster = core.registry.roster(&core.store, &me.tenant).await?;
    roster.agents.iter().find(|agent| agent.id == *id).cloned().ok_or_else(Error::not_found)
}

fn view(core: &Core, me: &Identity, agent: &Agent) -> AgentView {
    agent.view(core.agents.breaker_state(&me.tenant, agent))
}

fn check(core: &Core, new: &RegisterAgent) -> Result<()> {
    let bound = core.config.agents.max_examples;
    if new.examples.len() > bound {
        return Err(Error::public(ProblemKind::TooLarge, format!("An agent has at most {bound} examples.")));
    }
    if new.examples.iter().any(|example| example.text.chars().count() > MAX_EXAMPLE_CHARS) {
        let detail = format!("An example has at most {MAX_EXAMPLE_CHARS} characters.");
        return Err(Error::public(ProblemKind::TooLarge, detail));
    }
    Ok(())
}

/// What is wrong with an agent is its registrant's business.
fn refused(error: AgentError) -> Error {
    Error::public(ProblemKind::BadRequest, format!("This agent cannot be registered: {error}."))
}
