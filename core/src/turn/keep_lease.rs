//! Keeping this core's lease, from its beginning to its end.

use super::{lease::BEATS, watch};
use crate::{
    core::Core,
    error::{Error, Result},
    events::Control,
    store::Pulse,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// How long the end of a lease may take at the end of a core; without it the lease ends by itself.
const END: Duration = Duration::from_secs(1);

/// Keeps this core's lease until it halts, and ends it then: what is left is due for the others at once.
pub(crate) async fn keep_lease(core: Arc<Core>) {
    let (mut pulse, mut said) = (Pulse::default(), false);
    loop {
        match renew(&core, &mut pulse).await {
            Ok(()) => said = false,
            Err(error) if !std::mem::replace(&mut said, true) => {
                tracing::warn!(%error, "this core's lease could not be renewed; trying again");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = sleep(core.lease.length / BEATS) => {}
            () = core.halt.cancelled() => break,
        }
    }
    if timeout(END, pulse.end(&core.store, core.id)).await.is_ok_and(|ended| ended.is_ok()) {
        core.bell.tell(Control::Due);
    }
}

async fn renew(core: &Arc<Core>, pulse: &mut Pulse) -> Result<()> {
    let (asked, length) = (Instant::now(), core.lease.length);
    let late = |_| Error::task("renewing the lease")("the database took too long");
    timeout(length / 2, pulse.beat(&core.store, core.id, length)).await.map_err(late)??;
    if !core.lease.is_held() {
        // It was over for a while: before this core speaks again it has to know what it has lost.
        timeout(length / 2, watch::leave_lost(core)).await.map_err(late)??;
    }
    core.lease.renewed(asked);
    Ok(())
}
