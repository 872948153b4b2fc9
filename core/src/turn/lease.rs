//! The lease of a turn: renewed while this core works on it, given back when the core goes.

use super::work::Work;
use crate::error::{Error, Result};
use std::time::Duration;
use tokio::time::Instant;

/// How often a running turn looks whether it is still this core's, and still wanted.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Work {
    /// Renews the lease and looks for a cancel; returns when the turn is lost.
    pub(super) async fn keep_lease(&self) {
        let lease = self.core.config.turn.lease;
        let mut held_until = Instant::now() + lease;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY.min(lease / 3)) => {}
                () = self.stop.lost.cancelled() => return,
            }
            match self.renew().await {
                Ok(cancel) => {
                    held_until = Instant::now() + lease;
                    if cancel {
                        self.stop.canceled.cancel();
                    }
                }
                Err(Error::LeaseLost) => return,
                Err(error) if Instant::now() > held_until => {
                    tracing::error!(%error, "the lease could not be renewed in time");
                    return;
                }
                Err(error) => tracing::warn!(%error, "the lease could not be renewed; trying again"),
            }
        }
    }

    async fn renew(&self) -> Result<bool> {
        let (core, turn) = (&self.core, &self.turn);
        let tx = core.store.write(&self.tenant).await?;
        let lease = core.config.turn.lease;
        let cancel = tx.renew_lease(&self.tenant, turn.id, core.id, turn.attempt, lease).await?;
        tx.commit().await?;
        Ok(cancel)
    }

    /// This core goes: another one may take the turn up at once.
    pub(super) async fn give_back(&self) -> Result<()> {
        let tx = self.core.store.write(&self.tenant).await?;
        tx.release_lease(&self.tenant, self.turn.id, self.core.id, self.turn.attempt).await?;
        tx.commit().await?;
        tracing::info!("given back");
        Ok(())
    }
}
