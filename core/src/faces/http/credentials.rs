//! What agents are shown so that they answer: given, taken away, and read back by nobody.

use super::extract::{Caller, Id, Json};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    agents::{Agent, Asker, read},
    clock,
    core::Core,
    error::{Error, Result},
    store::{View, reading, retrying},
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;
use std::sync::Arc;
use switchboard_shared::{
    api::{CredentialView, SetCredential},
    identity::Identity,
    ids::AgentId,
    problem::ProblemKind,
};

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<AgentId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    core.registry.seen_by(&core.store, &me, &id).await?;
    let view = reading!(&core.store, &me.tenant, View::Own, tx, tx.credential(&me.tenant, &id))?;
    Ok(axum::Json(view.ok_or_else(|| none(&id))?))
}

pub(crate) async fn set(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<AgentId>,
    Json(new): Json<SetCredential>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let agent = core.registry.seen_by(&core.store, &me, &id).await?;
    let view = retrying!(envelope.patience, store(&core, &me, &agent, &new))?;
    core.registry.look_again(&core.store, &me.tenant);
    Ok(axum::Json(view))
}

async fn store(core: &Core, me: &Identity, agent: &Agent, new: &SetCredential) -> Result<CredentialView> {
    let (tenant, id) = (&me.tenant, &agent.id);
    let tx = core.store.write(tenant).await?;
    tx.bump_registry(tenant).await?;
    let card = tx.agent_card(tenant, id).await?.ok_or_else(|| Error::no_agent(id))?;
    let asker = Asker {
        card_url: &agent.card_url,
        asked_at: &agent.endpoint.url,
        card: &card,
        allow_private: core.config.agents.allow_private_addresses,
    };
    let read = read(new, &asker, (clock::now(), &me.user)).map_err(|why| {
        Error::public(ProblemKind::BadRequest, format!("This cannot be {id}'s credential: {why}."))
    })?;
    let sealed = core.agents.seal(tenant, id, &read.credential)?.ok_or_else(|| {
        let detail =
            "This house keeps no credentials: its cores have no key to seal them with (login.seal_keys).";
        Error::public(ProblemKind::Conflict, detail)
    })?;
    let view = read.view;
    tx.set_credential(tenant, id, &view, &sealed).await?;
    let detail = json!({
        "kind": view.kind, "in": view.place, "name": view.name, "token_url": view.token_url, "origin": view.origin,
    });
    tx.audit(me, "agent.credential_set", id, detail).await?;
    tx.commit().await?;
    Ok(view)
}

pub(crate) async fn remove(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<AgentId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    core.registry.seen_by(&core.store, &me, &id).await?;
    retrying!(envelope.patience, delete(&core, &me, &id))?;
    core.registry.look_again(&core.store, &me.tenant);
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(core: &Core, me: &Identity, id: &AgentId) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    tx.bump_registry(&me.tenant).await?;
    if !tx.delete_credential(&me.tenant, id).await? {
        return Err(none(id));
    }
    tx.audit(me, "agent.credential_removed", id, json!({})).await?;
    tx.commit().await
}

fn none(id: &AgentId) -> Error {
    Error::public(ProblemKind::NotFound, format!("No credential is set for {id}."))
}
