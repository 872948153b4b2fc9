//! A core's lease: its right to its turns, all of them at once. It is one row that the core renews all the time; what
//! runs costs no write, and a commit that takes long holds nobody's lease up.
//!
//! The rows are what is safe: every step is written under the turn's owner and attempt, so a core that has lost a turn
//! writes nothing more of it. By its own clock a core knows when its lease may be over. Then it falls silent and works
//! on: nothing else begins without a commit, and when the database comes back to all cores at once, each still has its
//! turns, as nobody has taken them.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// How often a lease is renewed while it lasts; by so much earlier its core stops to rely on it.
pub(super) const BEATS: u32 = 6;

/// What this core knows of its lease.
pub(crate) struct Lease {
    pub(super) length: Duration,
    /// Until when its turns are its own, whatever happens.
    sure: watch::Sender<Option<Instant>>,
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
        Self { length, sure: watch::Sender::new(None), beats: Mutex::default() }
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
    pub(crate) fn is_steady(&self) -> bool {
        let late = self.beats.lock().unwrap_or_else(PoisonError::into_inner).late;
        self.is_held() && late.is_none_or(|at| at.elapsed() >= self.length)
    }

    /// The database was asked then, and has renewed it.
    pub(super) fn renewed(&self, asked: Instant) {
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
