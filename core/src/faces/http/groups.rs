//! Whose members may use an agent.

use super::{
    agents::{audit_groups, check_groups, view},
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
use std::{collections::BTreeSet, sync::Arc};
use switchboard_shared::{
    api::SetGroups,
    identity::Identity,
    ids::{AgentId, Group},
};

pub(crate) async fn replace(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<AgentId>,
    Json(new): Json<SetGroups>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    check_groups(&new.groups)?;
    retrying!(envelope.patience, store(&core, &me, &id, &new.groups))?;
    core.registry.look_again(&core.store, &me.tenant);
    let agent = core.registry.seen_by(&core.store, &me, &id).await?;
    Ok(axum::Json(view(&core, &me, &agent)))
}

async fn store(core: &Core, me: &Identity, id: &AgentId, groups: &BTreeSet<Group>) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    tx.bump_registry(&me.tenant).await?;
    let before = tx.set_groups(&me.tenant, id, groups).await?.ok_or_else(|| Error::no_agent(id))?;
    if before == *groups {
        // Said twice is said once, and no core has to read the registry again.
        return tx.rollback().await;
    }
    audit_groups(&tx, me, id, &before, groups).await?;
    tx.commit().await
}
