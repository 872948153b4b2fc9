//! Forgets what need not be kept: events older than `events.keep_days`. Messages, turns and audit stay.

use crate::{core::Core, error::Result};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// How often old events are looked for.
const EVERY: Duration = Duration::from_secs(3_600);

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
    let before = crate::clock::now() - chrono::Duration::days(core.config.events.keep_days.into());
    for tenant in core.store.tenants().await? {
        let tx = core.store.write(&tenant).await?;
        let deleted = tx.delete_old_events(&tenant, before).await?;
        tx.commit().await?;
        if deleted > 0 {
            tracing::info!(%tenant, deleted, "old events deleted");
        }
    }
    Ok(())
}
