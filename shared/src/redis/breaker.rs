//! When a node that fails is left alone.

use std::time::Duration;
use tokio::time::Instant;

/// Opens after failures in a row, and lets one try through after a pause.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
    threshold: u32,
    pause: Duration,
}

impl Breaker {
    pub(super) fn new(threshold: u32, pause: Duration) -> Self {
        Self { failures: 0, open_until: None, threshold, pause }
    }

    /// Whether a command may be sent.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        match self.open_until {
            Some(until) if now < until => false,
            // This one tries; the others wait for what it finds.
            Some(_) => {
                self.open_until = Some(now + self.pause);
                true
            }
            None => true,
        }
    }

    /// Notes what became of a command. Returns whether this opened or closed the breaker.
    pub(super) fn record(&mut self, success: bool, now: Instant) -> bool {
        if success {
            self.failures = 0;
            return self.open_until.take().is_some();
        }
        self.failures = self.failures.saturating_add(1);
        let opens = self.failures >= self.threshold;
        let was_open = self.open_until.is_some();
        if opens {
            self.open_until = Some(now + self.pause);
        }
        opens && !was_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_breaker_opens_after_failures_in_a_row_and_lets_one_try_through() {
        let pause = Duration::from_secs(1);
        let mut breaker = Breaker::new(2, pause);
        let now = Instant::now();
        assert!(!breaker.record(false, now));
        assert!(breaker.admit(now));
        assert!(breaker.record(false, now));
        assert!(!breaker.admit(now));
        assert!(breaker.admit(now + pause) && !breaker.admit(now + pause));
        assert!(breaker.record(true, now + pause));
        assert!(breaker.admit(now + pause) && breaker.admit(now + pause));
    }
}
