//! Agents on and off: one that is switched off is asked by nobody, from the next message on and on every core.

use super::{
    agents::view,
    extract::{Caller, Id, Json},
};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    store::retrying,
};
use axum::{extract::State, response::IntoResponse};
use serde_json::json;
use std::sync::Arc;
use switchboard_shared::{api::SwitchAgent, identity::Identity, ids::AgentId};

pub(crate) async fn switch(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<AgentId>,
    Json(wish): Json<SwitchAgent>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    retrying!(envelope.patience, store(&core, &me, &id, wish.enabled))?;
    core.registry.look_again(&core.store, &me.tenant);
    let agent = core.registry.seen_by(&core.store, &me, &id).await?;
    Ok(axum::Json(view(&core, &me, &agent)))
}

async fn store(core: &Core, me: &Identity, id: &AgentId, enabled: bool) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    tx.bump_registry(&me.tenant).await?;
    let before = tx.switch_agent(&me.tenant, id, enabled).await?.ok_or_else(|| Error::no_agent(id))?;
    if before == enabled {
        // Said twice is said once, and no core has to read the registry again.
        return tx.rollback().await;
    }
    let action = if enabled { "agent.enabled" } else { "agent.disabled" };
    tx.audit(me, action, id, json!({})).await?;
    tx.commit().await
}
