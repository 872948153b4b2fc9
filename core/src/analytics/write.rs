//! Adds what was counted to the rows, every few seconds: one statement for each tenant that did anything. A core that
//! dies takes what it has not written yet with it, and no more.

use super::counts::Batch;
use crate::{core::Core, error::Result};
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// How long a core that ends takes for its last counts.
const END: Duration = Duration::from_secs(1);

/// Runs until this core halts, and then once more.
pub(crate) async fn keep_counts(core: Arc<Core>) {
    let mut said = false;
    loop {
        tokio::select! {
            () = sleep(core.config.analytics.write) => {}
            () = core.halt.cancelled() => break,
        }
        match write(&core).await {
            Ok(()) => said = false,
            Err(error) if !std::mem::replace(&mut said, true) => {
                tracing::warn!(%error, "what was counted could not be written; it waits");
            }
            Err(_) => {}
        }
    }
    if !timeout(END, write(&core)).await.is_ok_and(|written| written.is_ok()) {
        tracing::warn!("what was counted last could not be written any more");
    }
}

/// Writes all that waits; from the first that cannot be written on, it goes on waiting.
async fn write(core: &Core) -> Result<()> {
    let mut failed = None;
    for batch in core.counts.take() {
        if failed.is_none()
            && let Err(error) = write_batch(core, &batch).await
        {
            failed = Some(error);
        } else if failed.is_none() {
            continue;
        }
        core.counts.give_back(batch);
    }
    failed.map_or(Ok(()), Err)
}

async fn write_batch(core: &Core, batch: &Batch) -> Result<()> {
    match &batch.whose {
        Some(tenant) => {
            let tx = core.store.write(tenant).await?;
            tx.add_counts(tenant, &batch.rows).await?;
            tx.commit().await
        }
        None => core.store.add_house_counts(&batch.rows).await,
    }
}
