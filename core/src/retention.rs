//! Forgets what need not be kept: events older than `events.keep_days`, idempotency keys of requests long done, and turns
//! with their messages where a tenant's retention says so; counts of minutes and hours when they are older than theirs. The audit stays. What cannot be deleted of one tenant keeps
//! nobody else's.

use crate::{clock, config::RetentionConfig, core::Core, error::Result};
use chrono::{DateTime, Duration, Utc};
use std::sync::Arc;
use switchboard_shared::ids::TenantId;
use tokio::time::sleep;

/// How long the key of a request that made a conversation is remembered, and where a task that is over was told.
const KEYS: Duration = Duration::days(2);
/// How long the last word of an edge or core that is gone is kept.
const PARTS: Duration = Duration::days(1);
/// Turns of a tenant that are deleted in one transaction, ...
const TURNS_AT_ONCE: i64 = 200;
/// ... events, and keys, ...
const ROWS_AT_ONCE: i64 = 5_000;
/// ... and how many such transactions there are at one look; the rest waits for the next.
const BATCHES: usize = 200;
const MESSAGES: &str = "turns with their messages";

/// Runs until the core goes.
pub(crate) async fn keep(core: Arc<Core>) {
    loop {
        tokio::select! {
            () = sleep(core.config.retention.every) => {}
            () = core.shutdown.token.cancelled() => return,
        }
        if let Err(error) = forget(&core).await {
            tracing::warn!(%error, "it could not be looked for old rows; trying again later");
        }
    }
}

async fn forget(core: &Core) -> Result<()> {
    let now = clock::now();
    let (events, keys) = (now - Duration::days(core.config.events.keep_days.into()), now - KEYS);
    for tenant in core.store.tenants_with_old_rows(events, keys).await? {
        say(&tenant, "events, keys or push configurations", forget_rows(core, &tenant, events, keys).await);
    }
    forget_counts(core, now).await?;
    forget_by_rule(core, now).await
}

async fn forget_counts(core: &Core, now: DateTime<Utc>) -> Result<()> {
    let before = |days: u32| now - Duration::days(days.into());
    let config = &core.config.analytics;
    let (minutes, hours) = (before(config.minutes_days), before(config.hours_days));
    for tenant in core.store.tenants_with_old_counts(minutes, hours).await? {
        say(&tenant, "counts", forget_counts_of(core, &tenant, minutes, hours).await);
    }
    core.store.delete_old_parts(now - PARTS).await?;
    for _ in 0..BATCHES {
        let deleted = core.store.delete_old_house_counts(minutes, hours, ROWS_AT_ONCE).await?;
        if is_last(core, deleted as u64, ROWS_AT_ONCE) {
            break;
        }
    }
    Ok(())
}

async fn forget_counts_of(
    core: &Core,
    tenant: &TenantId,
    minutes: DateTime<Utc>,
    hours: DateTime<Utc>,
) -> Result<u64> {
    let mut deleted = 0;
    for _ in 0..BATCHES {
        let tx = core.store.write(tenant).await?;
        let counts = tx.delete_old_counts(tenant, minutes, hours, ROWS_AT_ONCE).await?;
        tx.commit().await?;
        deleted += counts;
        if is_last(core, counts, ROWS_AT_ONCE) {
            break;
        }
    }
    Ok(deleted)
}

/// Who has a rule of its own is named by the configuration; of all others those are looked for who have something to
/// delete.
async fn forget_by_rule(core: &Core, now: DateTime<Utc>) -> Result<()> {
    let RetentionConfig { messages_days, tenants, .. } = &core.config.retention;
    let before = |days: u32| now - Duration::days(days.into());
    for own in tenants.iter().filter(|own| own.messages_days > 0) {
        let forgotten = forget_messages(core, &own.tenant, before(own.messages_days)).await;
        say(&own.tenant, MESSAGES, forgotten);
    }
    if *messages_days > 0 {
        let but: Vec<&str> = tenants.iter().map(|own| own.tenant.as_str()).collect();
        for tenant in core.store.tenants_with_old_turns(before(*messages_days), &but).await? {
            say(&tenant, MESSAGES, forget_messages(core, &tenant, before(*messages_days)).await);
        }
    }
    Ok(())
}

async fn forget_rows(
    core: &Core,
    tenant: &TenantId,
    events: DateTime<Utc>,
    keys: DateTime<Utc>,
) -> Result<u64> {
    let mut deleted = 0;
    for _ in 0..BATCHES {
        let tx = core.store.write(tenant).await?;
        let events = tx.delete_old_events(tenant, events, ROWS_AT_ONCE).await?;
        let pushes = tx.delete_old_pushes(tenant, keys, ROWS_AT_ONCE).await?;
        let keys = tx.delete_old_idempotency(tenant, keys, ROWS_AT_ONCE).await?;
        tx.commit().await?;
        deleted += events + keys + pushes;
        if is_last(core, events.max(keys).max(pushes), ROWS_AT_ONCE) {
            break;
        }
    }
    Ok(deleted)
}

async fn forget_messages(core: &Core, tenant: &TenantId, before: DateTime<Utc>) -> Result<u64> {
    let mut deleted = 0;
    for _ in 0..BATCHES {
        let tx = core.store.write(tenant).await?;
        let turns = tx.forget_turns(tenant, before, TURNS_AT_ONCE).await? as u64;
        tx.commit().await?;
        deleted += turns;
        if is_last(core, turns, TURNS_AT_ONCE) {
            break;
        }
    }
    Ok(deleted)
}

fn is_last(core: &Core, done: u64, at_once: i64) -> bool {
    i64::try_from(done).is_ok_and(|done| done < at_once) || core.shutdown.token.is_cancelled()
}

fn say(tenant: &TenantId, what: &str, deleted: Result<u64>) {
    match deleted {
        Ok(0) => {}
        Ok(deleted) => tracing::info!(%tenant, deleted, "old {what} deleted"),
        Err(error) => tracing::warn!(%tenant, %error, "old {what} could not be deleted; trying again later"),
    }
}
