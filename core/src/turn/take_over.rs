//! Turns of cores that have died: whose lease has ended is whose core finds it first.

use super::{run::spawn, share::Whose};
use crate::{core::Core, error::Result, metrics};
use std::sync::Arc;

/// Turns taken over from dead cores at once, per tenant and look.
const TAKE_OVER: i64 = 16;

/// Takes turns over from cores that have died, until this one goes.
pub(crate) async fn take_over(core: Arc<Core>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(core.config.turn.lease / 3) => {}
            () = core.shutdown.token.cancelled() => return,
        }
        if let Err(error) = claim(&core).await {
            tracing::warn!(%error, "could not look for turns of dead cores; trying again");
        }
    }
}

async fn claim(core: &Arc<Core>) -> Result<()> {
    for tenant in core.store.tenants_with_due_turns().await? {
        let free = i64::try_from(core.turns.free()).unwrap_or(0).min(TAKE_OVER);
        if free == 0 {
            return Ok(());
        }
        let tx = core.store.write(&tenant).await?;
        let turns = tx.claim_turns(&tenant, core.id, core.config.turn.lease, free).await?;
        tx.commit().await?;
        for turn in turns {
            tracing::warn!(%tenant, turn = %turn.id, attempt = turn.attempt, "taken over from a core that is gone");
            metrics::TAKEN_OVER.inc();
            // It was accepted long ago, so it is not refused; it waits in its user's and tenant's turn.
            let place = core.turns.take_in(Whose { tenant: tenant.clone(), user: turn.user.clone() });
            spawn(core, tenant.clone(), turn, place);
        }
    }
    Ok(())
}
