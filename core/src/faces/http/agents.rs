//! The registry: agents by the URL of their card.

use super::{
    examples::check,
    extract::{Caller, Id, Json},
};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    agents::{Agent, AgentError},
    clock,
    core::Core,
    error::{Error, Result},
    learn::Frozen,
    store::{Act, AgentRow, retrying},
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;
use std::sync::Arc;
use switchboard_shared::{
    api::{AgentView, Example, Page, Probe, RegisterAgent},
    identity::Identity,
    ids::AgentId,
    problem::ProblemKind,
};
use tokio::time::Instant;

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
    let examples = check(&core, new.examples)?;
    let (card_url, card) = core.agents.fetch_card(&new.url).await.map_err(refused)?;
    let mut agent = Agent::from_card(new.id, card_url, card, examples).map_err(refused)?;
    let row = AgentRow {
        id: agent.id.clone(),
        card_url: agent.card_url.clone(),
        card: agent.card.clone(),
        examples: agent.examples.clone(),
    };
    agent.examples = retrying!(envelope.deadline, store(&core, &me, &row))?;
    Ok((StatusCode::CREATED, axum::Json(view(&core, &me, &agent))))
}

/// Registers it and returns its examples: one that comes again without any keeps those that it has, so that an agent
/// which registers at each start of its own does not forget what it has learned since.
async fn store(core: &Core, me: &Identity, row: &AgentRow) -> Result<Vec<Example>> {
    let tx = core.store.write(&me.tenant).await?;
    tx.upsert_user(&me.tenant, &me.user).await?;
    // The tenant's row first: its lock makes the count below true.
    tx.bump_registry(&me.tenant).await?;
    let frozen = Frozen::of(&tx.frozen(&me.tenant).await?);
    if let Some(detail) = frozen.refusal(row.examples.iter()) {
        return Err(Error::public(ProblemKind::Conflict, detail));
    }
    let agents = tx.agents(&me.tenant).await?;
    let many = agents.len() >= core.config.agents.max_agents as usize;
    let known = agents.into_iter().find(|agent| agent.id == row.id);
    if known.is_none() && many {
        let detail = format!("A tenant has at most {} agents.", core.config.agents.max_agents);
        return Err(Error::public(ProblemKind::Conflict, detail));
    }
    tx.upsert_agent(&me.tenant, row, &me.user).await?;
    let action = if known.is_some() { "agent.replaced" } else { "agent.registered" };
    let kept = known.map(|before| before.examples).filter(|_| row.examples.is_empty());
    if let Some(kept) = &kept {
        tx.set_examples(&me.tenant, &row.id, kept).await?;
    }
    let detail = json!({"url": row.card_url});
    let act = Act { at: clock::now(), actor: &me.user, action, subject: row.id.as_str(), detail };
    tx.append_audit(&me.tenant, &act).await?;
    tx.commit().await?;
    Ok(kept.unwrap_or_else(|| row.examples.clone()))
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
        return Err(no_agent(id));
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

pub(super) async fn find(core: &Core, me: &Identity, id: &AgentId) -> Result<Arc<Agent>> {
    let roster = core.registry.roster(&core.store, &me.tenant).await?;
    roster.agents.iter().find(|agent| agent.id == *id).cloned().ok_or_else(|| no_agent(id))
}

/// The registry is the whole tenant's, so it may be said what is not in it.
fn no_agent(id: &AgentId) -> Error {
    Error::public(ProblemKind::NotFound, format!("There is no agent {id} here."))
}

fn view(core: &Core, me: &Identity, agent: &Agent) -> AgentView {
    agent.view(core.agents.breaker_state(&me.tenant, agent))
}

/// What is wrong with an agent is its registrant's business.
fn refused(error: AgentError) -> Error {
    Error::public(ProblemKind::BadRequest, format!("This agent cannot be registered: {error}."))
}
