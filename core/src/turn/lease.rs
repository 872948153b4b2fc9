//! A core's lease: its right to its turns, all of them at once. It is one row that the core renews all the time; what
//! runs costs no write, and a commit that takes long holds nobody's lease up.
//!
//! The rows are what is safe: every step is written under the turn's owner and attempt, so a core that has lost a turn
//! writes nothing more of it. By its own clock a core knows when its lease may be over. Then it falls silent and works
//! on: nothing else begins without a commit, and when the database comes back to all cores at once, each still has its
//! turns, as nobody has taken them.

use super::watch;
use crate::{
    core::Core,
    error::{Error, Result},
    events::Control,
    store::Pulse,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch as said,
    time::{Instant, sleep, timeout},
};

/// How often a lease is renewed while it lasts; by so much earlier its core stops to rely on it.
const BEATS: u32 = 6;
/// How long the end of a lease may take at the end of a core; without it the lease ends by itself.
const END: Duration = Duration::from_secs(1);

/// What this core knows of its lease.
pub(crate) struct Lease {
    length: Duration,
    /// Until when its turns are its own, whatever happens.
    sure: said::Sender<Option<Instant>>,
    beats: Mutex<Beats>,
}

#[derive(Default)]
struct Beats {
    last: Option<Instant>,
    /// When a renewal came late for the last time.
    late: Option<Instant>,
}

impl Lease {
    pub(crate) fn new(length: Duration) -> Self {
        Self { length, sure: said::Sender::new(None), beats: Mutex::default() }
    }

    /// Waits until this core's turns are its own for certain.
    pub(crate) async fn held(&self) {
        let mut sure = self.sure.subscribe();
        while !self.is_held() {
            // Its other end is here, so this does not fail.
            drop(sure.changed().await);
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.sure.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Whether this core could renew all the time of late. If it could not, neither could others, and what looks like
    /// a dead core is one that has not had the time to say that it lives.
    pub(super) fn is_steady(&self) -> bool {
        let late = self.beats.lock().unwrap_or_else(PoisonError::into_inner).late;
        self.is_held() && late.is_none_or(|at| at.elapsed() >= self.length)
    }

    /// The database was asked then, and has renewed it.
    fn renewed(&self, asked: Instant) {
        {
            let mut beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
            if beats.last.is_some_and(|last| asked.duration_since(last) > self.length / 2) {
                beats.late = Some(Instant::now());
            }
            beats.last = Some(asked);
        }
        self.sure.send_replace(Some(asked + self.length - self.length / BEATS));
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const LENGTH: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn a_core_stops_relying_on_its_lease_before_it_ends_for_the_others() {
        let lease = Lease::new(LENGTH);
        assert!(!lease.is_held(), "nothing was renewed yet");
        lease.renewed(Instant::now());
        advance(LENGTH * 5 / 6 - Duration::from_millis(1)).await;
        assert!(lease.is_held());
        advance(Duration::from_millis(1)).await;
        assert!(!lease.is_held());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_time_in_which_nobody_could_renew_nobody_is_taken_for_dead_for_a_lease() {
        let lease = Lease::new(LENGTH);
        lease.renewed(Instant::now());
        assert!(lease.is_steady(), "a core that begins has missed nothing");
        advance(LENGTH / 2).await;
        lease.renewed(Instant::now());
        assert!(lease.is_steady());
        advance(LENGTH * 2).await;
        assert!(!lease.is_steady(), "its own lease is over");
        lease.renewed(Instant::now());
        assert!(lease.is_held() && !lease.is_steady());
        for _ in 0..6 {
            advance(LENGTH / 6).await;
            lease.renewed(Instant::now());
        }
        assert!(lease.is_steady());
    }
}
