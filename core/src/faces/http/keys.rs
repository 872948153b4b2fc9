//! Keys of programs and tickets of sockets: made, listed, taken back.

use super::extract::{Caller, Id, Json};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    clock,
    core::Core,
    error::{Error, Result},
    login::{
        programs::{self, KEY, TICKET_LASTS_S},
        secret::Held,
    },
    outside,
    store::{KeyRow, NewKeyRow, View, reading, retrying},
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use chrono::{TimeDelta, Utc};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use switchboard_shared::{
    api::{KeyList, KeyView, NewKey, NewKeyView, RevokedKind, Ticket},
    identity::{Identity, Role},
    ids::{KeyId, UserId},
    problem::ProblemKind,
};

/// The longest name of a key, and the most agents that one is for.
const MAX_NAME: usize = 100;
const MAX_AGENTS: usize = 16;

pub(crate) async fn create(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Json(new): Json<NewKey>,
) -> Result<impl IntoResponse> {
    if me.grant.key.is_some() {
        return Err(Error::public(ProblemKind::Forbidden, "A key makes no keys."));
    }
    let roles = check(&me, &new)?;
    let (key, secret_hash) = Held::draw(KEY, &me.tenant)?;
    let row = NewKeyRow {
        id: KeyId::new(),
        secret_hash,
        owner: &me,
        name: &new.name,
        roles: &roles,
        agents: new.agents.as_ref(),
        created_at: clock::now(),
        expires_at: new.expires_at,
    };
    retrying!(envelope.patience, store(&core, &me, &row))?;
    let view = KeyView {
        id: row.id,
        name: new.name.clone(),
        user: me.user.clone(),
        roles: roles.clone(),
        agents: new.agents.clone(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: None,
    };
    let kept = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, kept, axum::Json(NewKeyView { key, view })))
}

/// What a key may be for; its roles.
fn check(me: &Identity, new: &NewKey) -> Result<BTreeSet<Role>> {
    let bad = |detail: &str| Error::public(ProblemKind::BadRequest, detail);
    let chars = new.name.chars().count();
    if new.name.trim() != new.name || !(1..=MAX_NAME).contains(&chars) || !outside::is_name(&new.name) {
        return Err(bad("A key's name has 1 to 100 characters that can be seen."));
    }
    if new.expires_at.is_some_and(|at| at <= Utc::now() || at > Utc::now() + TimeDelta::days(3_660)) {
        return Err(bad("A key ends in the future, and within ten years."));
    }
    if new.agents.as_ref().is_some_and(|agents| agents.is_empty() || agents.len() > MAX_AGENTS) {
        return Err(bad("A key is for 1 to 16 agents, or for all that its user may use."));
    }
    // To be for some agents and to manage them all do not go together.
    let most: BTreeSet<Role> = match &new.agents {
        Some(_) => me.has(Role::User).then_some(Role::User).into_iter().collect(),
        None => me.roles.clone(),
    };
    let roles = new.roles.clone().unwrap_or_else(|| most.clone());
    let allowed = |role: &Role| most.contains(role) || (new.agents.is_none() && me.has(*role));
    if roles.is_empty() || !roles.iter().all(allowed) {
        let detail = "A key has roles that its user has; one for some agents has the role user alone.";
        return Err(Error::public(ProblemKind::Forbidden, detail));
    }
    Ok(roles)
}

async fn store(core: &Core, me: &Identity, row: &NewKeyRow<'_>) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    tx.upsert_user(&me.tenant, &me.user).await?;
    if !tx.insert_api_key(&me.tenant, row).await? {
        return Err(Error::public(ProblemKind::Conflict, "One user has at most 100 keys."));
    }
    let detail = json!({"name": row.name, "roles": row.roles, "agents": row.agents, "until": row.expires_at});
    tx.audit(me, "key.created", row.id, detail).await?;
    tx.commit().await
}

/// An admin sees those of all.
pub(crate) async fn list(State(core): State<Arc<Core>>, Caller(me): Caller) -> Result<impl IntoResponse> {
    let whose = whose(&me);
    let rows =
        reading!(&core.store, &me.tenant, View::Latest, tx, tx.api_keys_of_user(&me.tenant, whose.as_ref()))?;
    Ok(axum::Json(KeyList { keys: rows.into_iter().map(view).collect() }))
}

fn view(row: KeyRow) -> KeyView {
    let KeyRow { id, name, user, roles, agents, created_at, expires_at, last_used_at, .. } = row;
    KeyView { id, name, user, roles, agents, created_at, expires_at, last_used_at }
}

fn whose(me: &Identity) -> Option<UserId> {
    (!me.has(Role::Admin)).then(|| me.user.clone())
}

pub(crate) async fn revoke(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<KeyId>,
) -> Result<impl IntoResponse> {
    retrying!(envelope.patience, take_back(&core, &me, id))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn take_back(core: &Core, me: &Identity, id: KeyId) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    if !tx.revoke_api_key(&me.tenant, id, whose(me).as_ref()).await? {
        return Err(Error::not_found());
    }
    let until = Utc::now() + super::revocations::OF_A_KEY;
    tx.insert_revocation(&me.tenant, RevokedKind::Key, &id.to_string(), until).await?;
    tx.audit(me, "key.revoked", id, json!({})).await?;
    tx.commit().await
}

/// Lets a socket in, once, within half a minute.
pub(crate) async fn ticket(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let ticket = retrying!(envelope.patience, programs::ticket(&core, &me))?;
    let kept = [(header::CACHE_CONTROL, "no-store")];
    Ok((kept, axum::Json(Ticket { ticket, expires_in_s: TICKET_LASTS_S })))
}
