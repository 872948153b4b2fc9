//! The registry: agents by the URL of their card.

use super::{
    examples::check,
    extract::{Caller, Id, Json, Params},
};
use crate::{
    accept::Envelope,
    access::{Permission, Reach, may, permit},
    agents::{Agent, AgentError, Agents, Pins, look, unread},
    core::Core,
    error::{Error, Result},
    learn::Frozen,
    route,
    store::{AgentRow, OtherAgents, Tx, retrying},
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};
use switchboard_shared::{
    api::{AgentView, CardLook, CardNoteKind, LookAtCard, Page, Probe, RegisterAgent},
    identity::{Identity, MAX_GROUPS},
    ids::{AgentId, Group},
    problem::ProblemKind,
};
use tokio::time::Instant;
use url::Url;

/// Routes beside `/v1/agents/{id}`.
const RESERVED: &[&str] = &["overlap"];

pub(crate) async fn list(State(core): State<Arc<Core>>, Caller(me): Caller) -> Result<impl IntoResponse> {
    let agents = core.registry.all(&core.store, &me.tenant).await?.seen_by(&me);
    let items: Vec<AgentView> = agents.iter().map(|agent| view(&core, &me, agent)).collect();
    Ok(axum::Json(Page { items, next: None }))
}

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<AgentId>,
) -> Result<impl IntoResponse> {
    let agent = core.registry.seen_by(&core.store, &me, &id).await?;
    Ok(axum::Json(view(&core, &me, &agent)))
}

/// Whose examples collide. It shows examples, so it is for whoever may read them.
pub(crate) async fn overlap(State(core): State<Arc<Core>>, Caller(me): Caller) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let roster = core.registry.roster(&core.store, &me.tenant, &Reach::to_see(&me)).await?;
    let compared = tokio::task::spawn_blocking(move || route::overlap::overlap(&roster)).await;
    let overlap = compared.map_err(Error::task("comparing the agents' examples"))?;
    Ok(axum::Json(overlap))
}

/// Looks at a card, and says what would come of it; nothing is kept.
pub(crate) async fn look_at_card(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Json(wish): Json<LookAtCard>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let all = core.registry.all(&core.store, &me.tenant).await?;
    let known = known(&all.agents, wish.id.as_ref(), &wish.url).map(|agent| (&me.tenant, agent));
    let mut look = match core.agents.fetch_card(&wish.url, known).await {
        Ok((url, card)) => {
            let unproven = known.and_then(|(_, agent)| agent.pins.proven(card.clone()).err());
            let look = look(wish.id, url, &card);
            CardLook { fault: unproven.map(|why| why.to_string()).or(look.fault), ..look }
        }
        Err(fault) => unread(Agents::card_url(&wish.url), &fault),
    };
    let replaced = all.agents.iter().find(|agent| look.id.as_ref() == Some(&agent.id));
    look.replaces = replaced.is_some();
    if replaced.is_some_and(|agent| agent.credential.is_some()) {
        look.notes.retain(|note| note.kind != CardNoteKind::Credentials);
    }
    Ok(axum::Json(look))
}

/// The agent whose card is looked at again: of this id, or without one of this address.
fn known<'a>(all: &'a [Arc<Agent>], id: Option<&AgentId>, url: &Url) -> Option<&'a Agent> {
    let at = Agents::card_url(url);
    let is_it = |agent: &&Arc<Agent>| id.map_or_else(|| agent.card_url == at, |id| agent.id == *id);
    all.iter().find(is_it).map(Arc::as_ref)
}

/// How an agent is to be registered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registering {
    /// Whether only to show what would be.
    #[serde(default)]
    preview: bool,
}

pub(crate) async fn register(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Params(how): Params<Registering>,
    Json(new): Json<RegisterAgent>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let examples = check(&core, new.examples.clone())?;
    new.groups.as_ref().map_or(Ok(()), check_groups)?;
    let all = core.registry.all(&core.store, &me.tenant).await?;
    let before = known(&all.agents, new.id.as_ref(), &new.url).map(|agent| (&me.tenant, agent));
    let (card_url, card) = core.agents.fetch_card(&new.url, before).await.map_err(refused)?;
    let read = Agent::from_card(new.id.clone(), card_url, card.clone(), examples).map_err(refused)?;
    let before = all.agents.iter().find(|before| before.id == read.id);
    let (mut agent, card) = proven(read, card, new.card_keys.as_ref(), before).map_err(refused)?;
    agent.credential = before.and_then(|before| before.credential.clone());
    let wants = core.agents.wants(&me.tenant, &agent, &card);
    if RESERVED.contains(&agent.id.as_str()) {
        let detail =
            format!("No agent can be called {}: a route has this name. Give it another id.", agent.id);
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    if how.preview {
        return Ok((StatusCode::OK, axum::Json(AgentView { wants, ..view(&core, &me, &agent) })));
    }
    let agent = retrying!(envelope.patience, store(&core, &me, agent.clone(), &card, &new))?;
    core.registry.look_again(&core.store, &me.tenant);
    Ok((StatusCode::CREATED, axum::Json(AgentView { wants, ..view(&core, &me, &agent) })))
}

/// The agent by what is signed of its card, where keys are pinned for it: those that come with it, or else those that it
/// has.
fn proven(
    read: Agent,
    card: Value,
    new: Option<&Value>,
    before: Option<&Arc<Agent>>,
) -> Result<(Agent, Value), AgentError> {
    let pins = match new {
        Some(set) => Pins::read(set)?,
        None => before.map(|before| before.pins.clone()).unwrap_or_default(),
    };
    let card = pins.proven(card)?;
    let agent = Agent::from_card(Some(read.id), read.card_url, card.clone(), read.examples)?;
    Ok((Agent { pins, ..agent }, card))
}

/// Registers it and returns it as it then is: one that comes again without examples or groups keeps those that it has,
/// so that an agent which registers at each start of its own neither forgets what it has learned since nor becomes
/// everyone's.
async fn store(
    core: &Core,
    me: &Identity,
    mut agent: Agent,
    card: &Value,
    new: &RegisterAgent,
) -> Result<Agent> {
    let tx = core.store.write(&me.tenant).await?;
    tx.upsert_user(&me.tenant, &me.user).await?;
    // The tenant's row first: its lock makes the count below true.
    tx.bump_registry(&me.tenant).await?;
    let frozen = Frozen::of(&tx.frozen(&me.tenant).await?);
    if let Some(detail) = frozen.refusal(agent.examples.iter()) {
        return Err(Error::public(ProblemKind::Conflict, detail));
    }
    let known = tx.registered_before(&me.tenant, &agent.id).await?;
    let others = tx.other_agents(&me.tenant, &agent.id).await?;
    if let Some(detail) = no_room(core, &others, known.is_none(), card) {
        return Err(Error::public(ProblemKind::Conflict, detail));
    }
    let action = if known.is_some() { "agent.replaced" } else { "agent.registered" };
    let before = known.as_ref().map(|known| known.groups.clone()).unwrap_or_default();
    agent.groups = new.groups.clone().unwrap_or_else(|| before.clone());
    let pinned = known.as_ref().and_then(|known| known.card_keys.clone());
    if new.card_keys.is_none() && pinned != agent.pins.stored() {
        let detail = "The keys for this agent's card have changed meanwhile; try again.";
        return Err(Error::public(ProblemKind::Conflict, detail));
    }
    agent.enabled = known.as_ref().is_none_or(|known| known.enabled);
    if let Some(known) = known.filter(|_| agent.examples.is_empty()) {
        agent.examples = known.examples;
    }
    tx.upsert_agent(&me.tenant, &row(&agent), card, &me.user).await?;
    let detail = json!({"url": agent.card_url, "card_keys": agent.pins.names()});
    tx.audit(me, action, &agent.id, detail).await?;
    if agent.groups != before {
        audit_groups(&tx, me, &agent.id, &before, &agent.groups).await?;
    }
    tx.commit().await?;
    Ok(agent)
}

/// Why the tenant has no place for an agent, if it has none.
fn no_room(core: &Core, others: &OtherAgents, new: bool, card: &Value) -> Option<String> {
    let bounds = &core.config.agents;
    if new && others.count >= u64::from(bounds.max_agents) {
        return Some(format!("A tenant has at most {} agents.", bounds.max_agents));
    }
    let bytes = others.card_bytes.saturating_add(card.to_string().len() as u64);
    let most = bounds.max_cards_bytes;
    (bytes > most as u64).then(|| {
        format!("The cards of a tenant's agents have at most {most} bytes together; remove one first.")
    })
}

/// Writes down that others may use an agent from now on.
pub(super) async fn audit_groups(
    tx: &Tx,
    me: &Identity,
    id: &AgentId,
    before: &BTreeSet<Group>,
    after: &BTreeSet<Group>,
) -> Result<()> {
    tx.audit(me, "agent.groups_replaced", id, json!({"before": before, "after": after})).await
}

/// Whether an agent can be for these groups.
pub(super) fn check_groups(groups: &BTreeSet<Group>) -> Result<()> {
    if groups.len() > MAX_GROUPS {
        let detail = format!("An agent is for at most {MAX_GROUPS} groups.");
        return Err(Error::public(ProblemKind::TooLarge, detail));
    }
    Ok(())
}

fn row(agent: &Agent) -> AgentRow {
    AgentRow {
        id: agent.id.clone(),
        card_url: agent.card_url.clone(),
        card: agent.profile(),
        examples: agent.examples.clone(),
        groups: agent.groups.clone(),
        enabled: agent.enabled,
        credential: None,
        card_keys: agent.pins.stored(),
    }
}

pub(crate) async fn remove(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<AgentId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    retrying!(envelope.patience, delete(&core, &me, &id))?;
    core.registry.look_again(&core.store, &me.tenant);
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(core: &Core, me: &Identity, id: &AgentId) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    tx.bump_registry(&me.tenant).await?;
    if !tx.delete_agent(&me.tenant, id).await? {
        return Err(Error::no_agent(id));
    }
    tx.audit(me, "agent.removed", id, json!({})).await?;
    tx.commit().await
}

pub(crate) async fn probe(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<AgentId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let agent = core.registry.seen_by(&core.store, &me, &id).await?;
    let began = Instant::now();
    let found = found(&core, &me, &agent).await;
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (wants, reason) =
        found.map_or_else(|error| (Vec::new(), Some(error.to_string())), |wants| (wants, None));
    Ok(axum::Json(Probe { agent: id, ok: reason.is_none(), ms, reason, wants }))
}

/// Reads an agent's card anew; what it wants to be shown that is not set.
async fn found(core: &Core, me: &Identity, agent: &Agent) -> Result<Vec<String>, AgentError> {
    let (url, card) = core.agents.fetch_card(&agent.card_url, Some((&me.tenant, agent))).await?;
    let card = agent.pins.proven(card)?;
    Agent::from_card(Some(agent.id.clone()), url, card.clone(), Vec::new())?;
    core.agents.check_credential(&me.tenant, agent)?;
    Ok(core.agents.wants(&me.tenant, agent, &card))
}

pub(super) fn view(core: &Core, me: &Identity, agent: &Agent) -> AgentView {
    let manages = may(me, Permission::ManageAgents);
    let groups = manages.then(|| agent.groups.clone());
    let card_keys = manages.then(|| agent.pins.names()).filter(|names| !names.is_empty());
    AgentView { groups, card_keys, ..agent.view(core.agents.breaker_state(&me.tenant, agent)) }
}

/// What is wrong with an agent is its registrant's business.
fn refused(error: AgentError) -> Error {
    Error::public(ProblemKind::BadRequest, format!("This agent cannot be registered: {error}."))
}
