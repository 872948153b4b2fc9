//! Forgets what need not be kept: events older than `events.keep_days`, and idempotency keys of requests long done.
//! Messages, turns and audit stay.

use crate::{clock, core::Core, error::Result};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// How often old events are looked for.
const EVERY: Duration = Duration::from_secs(3_600);

/// How long the key of a request that made a conversation is remembered.
const KEYS: chrono::Duration = chrono::Duration::days(2);

/// Runs until the core goes.
pub(crate) async fn keep(core: Arc<Core>) {
    loop {
        tokio::select! {
            () = sleep(EVERY) => {}
            () = core.shutdown.token.cancelled() => return,
        }
        if let Err(error) = forget(&core).await {
            tracing::warn!(%error, "old events could not be deleted; trying again later");
        }
    }
}

async fn forget(core: &Core) -> Result<()> {
    let before = clock::now() - chrono::Duration::days(core.config.events.keep_days.into());
    let keys = clock::now() - KEYS;
    for tenant in core.store.tenants_with_old_rows(before, keys).await? {
        let tx = core.store.write(&tenant).await?;
        let deleted = tx.delete_old_events(&tenant, before).await?;
        tx.delete_old_idempotency(&tenant, keys).await?;
        tx.commit().await?;
        if deleted > 0 {
            tracing::info!(%tenant, deleted, "old events deleted");
        }
    }
    Ok(())
}
