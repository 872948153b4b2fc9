//! What programs and sockets show instead of a token: keys, which their users make and take back, and tickets, which are
//! good once. Edges ask whose they are.

use super::secret::Held;
use crate::{
    core::Core,
    error::Result,
    store::{KeyRow, View, reading, retrying},
};
use chrono::{DateTime, Utc};
use switchboard_shared::{
    api::Exchanged,
    identity::{Grant, Identity},
    ids::TenantId,
};
use tokio::time::Instant;

/// What a key begins with, and a ticket.
pub(crate) const KEY: &str = "sbk_";
pub(crate) const TICKET: &str = "sbt_";
/// For how long a ticket is good, in seconds.
pub(crate) const TICKET_LASTS_S: u32 = 30;
/// How long a socket or a stream that was opened with a key goes on before it shows it again, in seconds.
const KEY_LASTS_S: i64 = 3_600;

/// Whose key or ticket this is; `None`: nobody's.
pub(crate) async fn exchange(core: &Core, secret: &str) -> Result<Option<Exchanged>> {
    if let Some(held) = Held::read(TICKET, secret) {
        let deadline = Instant::now() + core.config.postgres.patience;
        return retrying!(deadline, take(core, &held));
    }
    let Some(Held { tenant, hash }) = Held::read(KEY, secret) else { return Ok(None) };
    let row = reading!(&core.store, &tenant, View::Latest, tx, tx.api_key(&tenant, &hash))?;
    let Some(row) = row else { return Ok(None) };
    if let Err(error) = touch(core, &tenant, &row).await {
        tracing::warn!(%error, key = %row.id, "when a key was used could not be written down");
    }
    Ok(Some(of(tenant, row)))
}

async fn take(core: &Core, held: &Held) -> Result<Option<Exchanged>> {
    let tx = core.store.write(&held.tenant).await?;
    let taken = tx.take_ticket(&held.tenant, &held.hash).await?;
    tx.commit().await?;
    Ok(taken)
}

async fn touch(core: &Core, tenant: &TenantId, row: &KeyRow) -> Result<()> {
    let recent = row.last_used_at.is_some_and(|at| (Utc::now() - at).num_seconds() < 60);
    if recent {
        return Ok(());
    }
    let tx = core.store.write(tenant).await?;
    tx.touch_api_key(tenant, row.id).await?;
    tx.commit().await
}

/// What its user was when it was made, and no more than that.
fn of(tenant: TenantId, row: KeyRow) -> Exchanged {
    let lasts = Utc::now().timestamp() + KEY_LASTS_S;
    let identity = Identity {
        tenant,
        user: row.user,
        roles: row.roles,
        groups: row.groups,
        tier: row.tier,
        expires_at: row.expires_at.as_ref().map_or(lasts, DateTime::timestamp).min(lasts),
        grant: Grant { key: Some(row.id), agents: row.agents, ..Grant::default() },
    };
    Exchanged { identity, issued_at: row.created_at.timestamp() }
}

/// Makes a ticket for whoever asks, as they are now.
pub(crate) async fn ticket(core: &Core, me: &Identity) -> Result<String> {
    let (ticket, hash) = Held::draw(TICKET, &me.tenant)?;
    let of = Exchanged { identity: me.clone(), issued_at: Utc::now().timestamp() };
    let tx = core.store.write(&me.tenant).await?;
    tx.insert_ticket(&me.tenant, &hash, &of, TICKET_LASTS_S).await?;
    tx.commit().await?;
    Ok(ticket)
}
