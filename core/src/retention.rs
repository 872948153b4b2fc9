//! Forgets what need not be kept: events older than `events.keep_days`, idempotency keys of requests long done, and turns
//! with their messages where a tenant's retention says so. The audit stays.

use crate::{clock, core::Core, error::Result};
use chrono::{DateTime, Duration, Utc};
use std::{collections::BTreeSet, sync::Arc};
use switchboard_shared::ids::TenantId;
use tokio::time::sleep;

/// How long the key of a request that made a conversation is remembered.
const KEYS: Duration = Duration::days(2);
/// Turns of a tenant that are deleted in one transaction, ...
const AT_ONCE: i64 = 200;
/// ... and how many such transactions there are at one look; the rest waits for the next.
const BATCHES: usize = 50;

/// Runs until the core goes.
pub(crate) async fn keep(core: Arc<Core>) {
    loop {
        tokio::select! {
            () = sleep(core.config.retention.every) => {}
            () = core.shutdown.token.cancelled() => return,
        }
        if let Err(error) = forget(&core).await {
            tracing::warn!(%error, "old rows could not be deleted; trying again later");
        }
    }
}

async fn forget(core: &Core) -> Result<()> {
    let now = clock::now();
    let (events, keys) = (now - Duration::days(core.config.events.keep_days.into()), now - KEYS);
    for tenant in core.store.tenants_with_old_rows(events, keys).await? {
        let tx = core.store.write(&tenant).await?;
        let deleted = tx.delete_old_events(&tenant, events).await?;
        tx.delete_old_idempotency(&tenant, keys).await?;
        tx.commit().await?;
        if deleted > 0 {
            tracing::info!(%tenant, deleted, "old events deleted");
        }
    }
    for tenant in with_old_messages(core, now).await? {
        if let Some(days) = core.config.retention.days(&tenant) {
            forget_messages(core, &tenant, now - Duration::days(days.into())).await?;
        }
    }
    Ok(())
}

/// Tenants whose retention may have something to delete.
async fn with_old_messages(core: &Core, now: DateTime<Utc>) -> Result<BTreeSet<TenantId>> {
    let retention = &core.config.retention;
    let days = retention.tenants.iter().map(|own| own.messages_days).chain([retention.messages_days]);
    let Some(days) = days.filter(|days| *days > 0).min() else { return Ok(BTreeSet::new()) };
    let before = now - Duration::days(days.into());
    Ok(core.store.tenants_with_old_turns(before).await?.into_iter().collect())
}

async fn forget_messages(core: &Core, tenant: &TenantId, before: DateTime<Utc>) -> Result<()> {
    let mut deleted = 0;
    for _ in 0..BATCHES {
        let tx = core.store.write(tenant).await?;
        let turns = tx.forget_turns(tenant, before, AT_ONCE).await?;
        tx.commit().await?;
        deleted += turns;
        if i64::try_from(turns).is_ok_and(|turns| turns < AT_ONCE) {
            break;
        }
    }
    if deleted > 0 {
        tracing::info!(%tenant, turns = deleted, "old turns deleted with their messages");
    }
    Ok(())
}
