//! How long a turn waited for others: its agents, and LLMs. What is left is this house's own time.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Time that was not ours.
#[derive(Debug, Default)]
pub(super) struct Elsewhere(Mutex<Waited>);

#[derive(Debug, Default)]
struct Waited {
    sum: Duration,
    /// How many are waited for now, and since when.
    now: usize,
    since: Option<Instant>,
}

/// A time in which somebody else is waited for; several at once count as one.
pub(super) struct Away<'a>(&'a Elsewhere);

impl Elsewhere {
    pub(super) fn add(&self, time: Duration) {
        self.waited().sum += time;
    }

    pub(super) fn away(&self) -> Away<'_> {
        let mut waited = self.waited();
        waited.now += 1;
        waited.since.get_or_insert_with(Instant::now);
        Away(self)
    }

    pub(super) fn sum(&self) -> Duration {
        self.waited().sum
    }

    fn waited(&self) -> MutexGuard<'_, Waited> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        let mut waited = self.0.waited();
        waited.now -= 1;
        if waited.now == 0 {
            let since = waited.since.take();
            waited.sum += since.map_or(Duration::ZERO, |since| since.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn two_that_are_waited_for_at_once_are_one_wait() {
        let (elsewhere, second) = (Elsewhere::default(), Duration::from_secs(1));
        let one = elsewhere.away();
        advance(second).await;
        let other = elsewhere.away();
        advance(second).await;
        drop(one);
        advance(second).await;
        drop(other);
        advance(second).await;
        drop(elsewhere.away());
        elsewhere.add(second);
        assert_eq!(elsewhere.sum(), second * 4);
    }
}
