//! Taking back what is good by itself: a token, whatever a user was given, a session, a key.

use super::extract::{Caller, Json};
use crate::{
    accept::Envelope,
    core::Core,
    error::{Error, Result},
    outside,
    store::{Tx, retrying},
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use chrono::{TimeDelta, Utc};
use serde_json::json;
use std::{str::FromStr, sync::Arc};
use switchboard_shared::{
    api::{Revoke, RevokedKind},
    identity::{Identity, Role},
    ids::{KeyId, SessionId, UserId},
    problem::ProblemKind,
};

/// How long what was opened with a key, or a session's token, may go on by itself; with room for clocks that differ.
pub(super) const OF_A_KEY: TimeDelta = TimeDelta::hours(2);
/// For how long tokens of other issuers may be good; ours for development are at most this.
const OF_A_TOKEN: TimeDelta = TimeDelta::days(31);
/// The longest `jti` that edges know a token by.
const MAX_TOKEN_ID: usize = 128;

pub(crate) async fn create(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Json(wish): Json<Revoke>,
) -> Result<impl IntoResponse> {
    if !me.has(Role::Admin) {
        let detail = "Your roles do not allow this. It needs the role admin.";
        return Err(Error::public(ProblemKind::Forbidden, detail));
    }
    check(&wish)?;
    retrying!(envelope.patience, store(&core, &me, &wish))?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(wish: &Revoke) -> Result<()> {
    let known = match wish.kind {
        RevokedKind::Token => (1..=MAX_TOKEN_ID).contains(&wish.id.len()) && outside::is_plain(&wish.id),
        RevokedKind::User => is::<UserId>(&wish.id),
        RevokedKind::Session => is::<SessionId>(&wish.id),
        RevokedKind::Key => is::<KeyId>(&wish.id),
    };
    let detail = "The id is not one of such a thing.";
    if known { Ok(()) } else { Err(Error::public(ProblemKind::BadRequest, detail)) }
}

fn is<T: FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}

async fn store(core: &Core, me: &Identity, wish: &Revoke) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    tx.upsert_user(&me.tenant, &me.user).await?;
    let (lasts, subject) = take_back(&tx, me, wish).await?;
    tx.insert_revocation(&me.tenant, wish.kind, &subject, Utc::now() + lasts).await?;
    tx.audit(me, "revoked", &subject, json!({"kind": wish.kind})).await?;
    tx.commit().await
}

/// Ends the rows behind it; how long something may be about that is good by itself, and its id as edges know it.
async fn take_back(tx: &Tx, me: &Identity, wish: &Revoke) -> Result<(TimeDelta, String)> {
    let tenant = &me.tenant;
    Ok(match wish.kind {
        RevokedKind::Token => (OF_A_TOKEN, wish.id.clone()),
        RevokedKind::User => {
            let user: UserId = wish.id.parse().map_err(|_| Error::not_found())?;
            tx.end_sessions_of_user(tenant, &user).await?;
            tx.revoke_api_keys_of_user(tenant, &user).await?;
            (OF_A_TOKEN, user.to_string())
        }
        RevokedKind::Session => {
            let id: SessionId = wish.id.parse().map_err(|_| Error::not_found())?;
            if !tx.end_session_of_anybody(tenant, id).await? {
                return Err(Error::not_found());
            }
            (OF_A_KEY, id.to_string())
        }
        RevokedKind::Key => {
            let id: KeyId = wish.id.parse().map_err(|_| Error::not_found())?;
            if !tx.revoke_api_key(tenant, id, None).await? {
                return Err(Error::not_found());
            }
            (OF_A_KEY, id.to_string())
        }
    })
}
