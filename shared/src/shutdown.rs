//! The end of a process: a signal stops the intake, running work gets its time, then it ends.

use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Handed to everything that runs: spawn on `tasks`, stop when `token` says so.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Is canceled when the process should end.
    pub token: CancellationToken,
    /// Every task of the process.
    pub tasks: TaskTracker,
}

impl Shutdown {
    /// Listens for SIGTERM and SIGINT from now on; what is returned waits for one. Called before a process says that it is
    /// ready, since until then a signal ends it at once.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub fn signal() -> std::io::Result<impl Future<Output = ()>> {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
        })
    }

    /// Tells everything to end and waits for it, no longer than `bound`. Returns whether all had ended.
    pub async fn drain(&self, bound: Duration) -> bool {
        self.token.cancel();
        self.tasks.close();
        tokio::time::timeout(bound, self.tasks.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_does_not_hold_the_drain_for_ever() {
        let shutdown = Shutdown::default();
        shutdown.tasks.spawn(std::future::pending::<()>());
        assert!(!shutdown.drain(Duration::from_secs(5)).await);
        let shutdown = Shutdown::default();
        let token = shutdown.token.clone();
        shutdown.tasks.spawn(async move { token.cancelled().await });
        assert!(shutdown.drain(Duration::from_secs(5)).await);
    }
}
