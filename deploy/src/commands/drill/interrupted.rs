//! Whoever runs a drill wants to end it.

use crate::error::{Error, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Returns at the `count`th SIGINT or SIGTERM.
pub(super) async fn interrupted(count: usize) -> Result<()> {
    let listen = |kind| signal(kind).map_err(Error::io("signal handlers"));
    let (mut int, mut term) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    for _ in 0..count {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
    }
    Err(Error::Interrupted)
}
