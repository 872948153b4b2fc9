//! Whose members may use an agent.

use super::{
    agents::{find, no_agent, view},
    extract::{Caller, Id, Json},
};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    clock,
    core::Core,
    error::{Error, Result},
    store::{Act, Tx, retrying},
};
use axum::{extract::State, response::IntoResponse};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use switchboard_shared::{
    api::SetGroups,
    identity::{Identity, MAX_GROUPS},
    ids::{AgentId, Group},
    problem::ProblemKind,
};

pub(crate) async fn replace(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<AgentId>,
    Json(new): Json<SetGroups>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    check(&new.groups)?;
    retrying!(envelope.deadline, store(&core, &me, &id, &new.groups))?;
    core.registry.look_again(&core.store, &me.tenant);
    let agent = find(&core, &me, &id).await?;
    Ok(axum::Json(view(&core, &me, &agent)))
}

async fn store(core: &Core, me: &Identity, id: &AgentId, groups: &BTreeSet<Group>) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    tx.bump_registry(&me.tenant).await?;
    let before = tx.set_groups(&me.tenant, id, groups).await?.ok_or_else(|| no_agent(id))?;
    if before == *groups {
        // Said twice is said once, and no core has to read the registry again.
        return tx.rollback().await;
    }
    audit(&tx, me, id, &before, groups).await?;
    tx.commit().await
}

/// Writes down that others may use an agent from now on.
pub(super) async fn audit(
    tx: &Tx,
    me: &Identity,
    id: &AgentId,
    before: &BTreeSet<Group>,
    after: &BTreeSet<Group>,
) -> Result<()> {
    let (action, detail) = ("agent.groups_replaced", json!({"before": before, "after": after}));
    let act = Act { at: clock::now(), actor: &me.user, action, subject: id.as_str(), detail };
    tx.append_audit(&me.tenant, &act).await
}

/// Whether an agent can be for these groups.
pub(super) fn check(groups: &BTreeSet<Group>) -> Result<()> {
    if groups.len() > MAX_GROUPS {
        let detail = format!("An agent is for at most {MAX_GROUPS} groups.");
        return Err(Error::public(ProblemKind::TooLarge, detail));
    }
    Ok(())
}
