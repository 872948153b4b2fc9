//! When to connect again. Pure: clocks and chance come in as arguments.

use crate::rules::{self, Next, back_off};
use std::time::Duration;
use tokio::time::Instant;

/// How often it was tried in a row, and when it is tried next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    tries: u32,
    connect_at: Instant,
}

impl Patience {
    pub(crate) fn new(now: Instant) -> Self {
        Self { tries: 0, connect_at: now }
    }

    pub(crate) fn connect_at(&self) -> Instant {
        self.connect_at
    }

    /// Whether it was tried so often in vain.
    pub(crate) fn is_over(&self, most_tries: u32) -> bool {
        self.tries > most_tries
    }

    /// A socket ended that was open since then.
    pub(crate) fn ended(&mut self, since: Instant, now: Instant) {
        if now.saturating_duration_since(since) >= rules::HELD {
            self.tries = 0;
        }
    }

    /// Decides when to try again; the edge may have said when at the soonest.
    pub(crate) fn again(&mut self, next: Next, soonest: Duration, now: Instant, random: f64) {
        // Once: an edge that says so to everybody who comes must not be asked without end.
        let at_once = self.tries == 0 && matches!(next, Next::Elsewhere | Next::NewToken);
        if next == Next::Later {
            self.tries = self.tries.max(rules::LATER);
        }
        let wait = if at_once { Duration::ZERO } else { back_off(self.tries, random) };
        self.connect_at = now + soonest + wait;
        self.tries = self.tries.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{BACK_OFF, BACK_OFF_MOST, HELD};

    /// The wait after a socket that ended so.
    fn wait(patience: &mut Patience, next: Next) -> Duration {
        let now = Instant::now();
        patience.again(next, Duration::ZERO, now, 1.0);
        patience.connect_at() - now
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_with_each_try_and_begin_anew_once_a_socket_held() {
        let mut patience = Patience::new(Instant::now());
        let waits: Vec<_> = (0..3).map(|_| wait(&mut patience, Next::Lost)).collect();
        assert_eq!(waits, [BACK_OFF, BACK_OFF * 2, BACK_OFF * 4]);
        let since = Instant::now();
        tokio::time::advance(HELD / 2).await;
        patience.ended(since, Instant::now());
        assert_eq!(wait(&mut patience, Next::Again), BACK_OFF * 8, "that was too short");
        tokio::time::advance(HELD / 2).await;
        patience.ended(since, Instant::now());
        assert_eq!(wait(&mut patience, Next::Lost), BACK_OFF);
        let longest = (0..40).map(|_| wait(&mut patience, Next::Lost)).last();
        assert_eq!(longest, Some(BACK_OFF_MOST));
        assert!(patience.is_over(40) && !patience.is_over(41));
    }

    #[tokio::test(start_paused = true)]
    async fn a_draining_edge_is_left_at_once_but_only_the_first_time() {
        let mut patience = Patience::new(Instant::now());
        assert_eq!(wait(&mut patience, Next::Elsewhere), Duration::ZERO);
        assert_eq!(wait(&mut patience, Next::Elsewhere), BACK_OFF * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_to_come_later_waits_longer_and_as_long_as_was_said() {
        let mut patience = Patience::new(Instant::now());
        assert_eq!(wait(&mut patience, Next::Later), BACK_OFF * 16);
        let now = Instant::now();
        patience.again(Next::Later, Duration::from_secs(30), now, 0.0);
        assert_eq!(patience.connect_at() - now, Duration::from_secs(30));
    }
}
