//! How long a turn waited for others: its agents, and LLMs. What is left is this house's own time.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Time that was not ours.
#[derive(Debug, Default)]
pub(super) struct Elsewhere(AtomicU64);

impl Elsewhere {
    pub(super) fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn sum(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}
