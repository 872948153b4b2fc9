//! Turns whose core has no lease any more are whose core finds them first: one look at all tenants' for each core.

use super::{run::spawn, share::Whose};
use crate::{core::Core, error::Result, events::Control, metrics};
use std::{sync::Arc, time::Duration};
use tokio::{sync::broadcast::error::RecvError, time::sleep};

/// How often it is looked for what is due.
const EVERY: Duration = Duration::from_millis(500);
/// However often it is rung, so long is waited between two looks.
const AT_MOST_EVERY: Duration = Duration::from_millis(50);
/// Turns taken over at once, per tenant and look, so that others find some too.
const TAKE_OVER: usize = 16;

/// Takes turns over from cores that have died, until this one goes.
pub(crate) async fn take_over(core: Arc<Core>) {
    loop {
        tokio::select! {
            () = sleep(EVERY) => {}
            () = core.turns.due() => sleep(AT_MOST_EVERY).await,
            () = core.shutdown.token.cancelled() => return,
        }
        // After a failover of the database everybody looks dead for a moment.
        if !core.lease.is_steady() {
            continue;
        }
        if let Err(error) = look(&core).await {
            tracing::warn!(%error, "could not look for turns of dead cores; trying again");
        }
    }
}

async fn look(core: &Arc<Core>) -> Result<()> {
    for tenant in core.store.tenants_with_due_turns().await? {
        // The places first: what is claimed is begun here.
        let places = core.turns.hold(TAKE_OVER);
        if places.count() == 0 {
            return Ok(());
        }
        let most = i64::try_from(places.count()).unwrap_or(i64::MAX);
        let tx = core.store.write(&tenant).await?;
        let turns = tx.claim_turns(&tenant, core.id, most).await?;
        tx.commit().await?;
        drop(places);
        for turn in turns {
            tracing::warn!(%tenant, turn = %turn.id, attempt = turn.attempt, "taken over from a core that is gone");
            metrics::TAKEN_OVER.inc();
            // It was accepted long ago, so it is not refused; it waits in its user's and tenant's turn.
            let place = core.turns.take_in(Whose { tenant: tenant.clone(), user: turn.user.clone() });
            spawn(core, tenant.clone(), turn, None, place);
        }
    }
    Ok(())
}

/// Does what other cores ring for, until this one halts.
pub(crate) async fn obey(core: Arc<Core>) {
    let mut controls = core.bell.controls();
    loop {
        let control = tokio::select! {
            control = controls.recv() => control,
            () = core.halt.cancelled() => return,
        };
        match control {
            Ok(Control::Cancel(turn)) => core.turns.cancel(turn),
            Ok(Control::Due) => core.turns.ring_due(),
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "rings were missed; the next looks find what they were for");
            }
            Err(RecvError::Closed) => return,
        }
    }
}
