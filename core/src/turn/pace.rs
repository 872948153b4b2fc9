//! How fast turns come to their end here, and so how many may be in hand for the last of them to begin in time (Little's
//! law: those in a system are their rate times the time that each is in it). Pure: clocks come in as values.

use std::time::Duration;
use tokio::time::Instant;

/// How long turns are counted for one measurement.
const WINDOW: Duration = Duration::from_millis(500);
/// With fewer in hand the rate is that of those who come, and says nothing of how many could.
const BUSY: usize = 8;
/// The weight of the newest measurement.
const NEWEST: f64 = 0.3;
/// So few are let in however slow it is: of them even one user may have as many as are needed to measure again.
const FEWEST: usize = 4 * BUSY;
/// A measurement holds for so long: what made it slow may be over, and those who are refused would never show it. After
/// a calm between two crowds the second must not find this core without one.
const HOLDS: Duration = Duration::from_secs(60);
/// For so long after a stall nothing is measured: what ends then is what had to wait.
const SETTLES: Duration = Duration::from_secs(10);
/// A line is long from this part of the longest wait on. A tenant that is alone is refused from half of it on.
const LONG: u32 = 4;

/// What is known of the rate.
pub(super) struct Pace {
    max_wait: Duration,
    began: Option<Instant>,
    ended: u32,
    per_second: Option<f64>,
    measured: Option<Instant>,
    stalled: Option<Instant>,
}

impl Pace {
    pub(super) fn new(max_wait: Duration) -> Self {
        Self { max_wait, began: None, ended: 0, per_second: None, measured: None, stalled: None }
    }

    /// So many were in hand when one of them ended.
    pub(super) fn ended(&mut self, in_hand: usize, now: Instant) {
        self.ended += 1;
        self.passed(in_hand, now);
    }

    /// So many are in hand now.
    pub(super) fn passed(&mut self, in_hand: usize, now: Instant) {
        let tells = in_hand >= BUSY && self.stalled.is_none_or(|at| now.duration_since(at) >= SETTLES);
        let Some(began) = self.began.filter(|_| tells) else {
            (self.began, self.ended) = (tells.then_some(now), 0);
            return;
        };
        let time = now.duration_since(began);
        if time < WINDOW {
            return;
        }
        // None at all is what an outage looks like, and tells nothing of what will be when it is over.
        if self.ended > 0 {
            let newest = f64::from(self.ended) / time.as_secs_f64();
            let before = self.holds(now).unwrap_or(newest);
            self.per_second = Some(before + NEWEST * (newest - before));
            self.measured = Some(now);
        }
        (self.began, self.ended) = (Some(now), 0);
    }

    /// What ends or does not end just now says nothing of how fast this core is; nor does what was measured last, which
    /// may have been the same stall before it was noticed.
    pub(super) fn stalled(&mut self, now: Instant) {
        (self.began, self.ended, self.per_second, self.stalled) = (None, 0, None, Some(now));
    }

    /// How many may be in hand; unknown while there was nothing to measure of late.
    pub(super) fn most(&self, now: Instant) -> Option<usize> {
        let most = self.holds(now)? * self.max_wait.as_secs_f64();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it saturates, and is positive"
        )]
        let most = most as usize;
        Some(most.max(FEWEST))
    }

    /// Whether so many in hand are a long line: a good part of what may be in it.
    pub(super) fn is_long(&self, count: usize, now: Instant) -> bool {
        self.time_for(count, now).is_some_and(|time| time >= self.max_wait / LONG)
    }

    /// How long until so many have come to their end.
    pub(super) fn time_for(&self, count: usize, now: Instant) -> Option<Duration> {
        #[allow(clippy::cast_precision_loss, reason = "there are never so many")]
        let seconds = count as f64 / self.holds(now)?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    fn holds(&self, now: Instant) -> Option<f64> {
        self.per_second.filter(|_| self.measured.is_some_and(|at| now.duration_since(at) < HOLDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many end each second, for so many seconds.
    fn work(pace: &mut Pace, from: Instant, per_second: u32, in_hand: usize, seconds: u32) -> Instant {
        let step = Duration::from_secs(1) / per_second;
        (1..=per_second * seconds).fold(from, |_, i| {
            pace.ended(in_hand, from + step * i);
            from + step * i
        })
    }

    #[test]
    fn as_many_are_in_hand_as_end_within_the_longest_wait() {
        let mut pace = Pace::new(Duration::from_secs(4));
        let start = Instant::now();
        let later = work(&mut pace, start, 100, 1, 10);
        assert_eq!(pace.most(later), None, "whoever came was served at once: how many could be is not known");
        let later = work(&mut pace, later, 20, 60, 20);
        assert!(pace.most(later).is_some_and(|most| (75..=85).contains(&most)), "{:?}", pace.most(later));
        let later = work(&mut pace, later, 40, 60, 20);
        assert!(pace.most(later).is_some_and(|most| (150..=165).contains(&most)), "{:?}", pace.most(later));
        let idle = work(&mut pace, later, 1, 2, 5);
        assert!(pace.most(idle).is_some_and(|most| most > 150), "who comes alone does not make it slow");
        (1..10).for_each(|i| pace.passed(60, idle + WINDOW * i));
        assert!(pace.most(idle).is_some_and(|most| most > 150), "nor does an outage");
        let later = work(&mut pace, idle + WINDOW * 10, 1, 60, 60);
        assert_eq!(pace.most(later), Some(FEWEST), "so few are always let in");
        assert!(pace.time_for(3, later).is_some_and(|time| (2..5).contains(&time.as_secs())));
        assert_eq!(pace.most(later + HOLDS), None, "what was slow once is not slow for ever");
    }

    #[test]
    fn a_stall_and_what_comes_out_of_it_measure_nothing() {
        let mut pace = Pace::new(Duration::from_secs(4));
        let later = work(&mut pace, Instant::now(), 2, 60, 5);
        assert_eq!(pace.most(later), Some(FEWEST));
        pace.stalled(later);
        assert_eq!(pace.most(later), None, "it may have been slow because it was about to stall");
        let soon = work(&mut pace, later, 2, 60, 9);
        assert_eq!(pace.most(soon), None);
        let calm = work(&mut pace, soon, 2, 60, 5);
        assert_eq!(pace.most(calm), Some(FEWEST));
    }
}
