//! Users of whom the cores have as many messages as they can answer in time. A core says so with its answer to one, and
//! when it would take the next; until then the edge refuses it at once, and no core is asked. So what is too much costs a
//! house almost nothing, and whoever has nothing in the line is not concerned.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The longest that a core is believed, and for how long after that its line is taken for long.
const LONGEST: Duration = Duration::from_secs(5);

/// Until when nothing more is taken, by user.
#[derive(Debug)]
pub struct Lines {
    until: Mutex<HashMap<Box<str>, Instant>>,
    most: usize,
}

impl Lines {
    /// Remembers at most so many users.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { until: Mutex::default(), most }
    }

    /// Keeps what a core said of a user.
    pub fn told(&self, user: &str, next: Duration, now: Instant) {
        let mut lines = self.lines();
        if lines.len() >= self.most {
            lines.retain(|_, until| now < *until + LONGEST);
        }
        // With so many others in it, this one's messages go on to a core, which refuses them itself.
        if lines.len() < self.most || lines.contains_key(user) {
            lines.insert(user.into(), now + next.min(LONGEST));
        }
    }

    /// How long a user has to wait, if at all. One of whom something is still with a core does, too, while lines are long:
    /// what comes of that says more.
    pub fn wait(&self, user: &str, has_more: bool, now: Instant) -> Option<Duration> {
        let mut lines = self.lines();
        let until = *lines.get(user)?;
        if now >= until + LONGEST {
            lines.remove(user);
            return None;
        }
        (has_more || now < until).then(|| until.saturating_duration_since(now))
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Box<str>, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_was_told_waits_and_nobody_else_does() {
        let (lines, now) = (Lines::new(2), Instant::now());
        lines.told("ann", SECOND, now);
        assert_eq!(lines.wait("ann", false, now + SECOND / 2), Some(SECOND / 2));
        assert_eq!(lines.wait("bob", true, now), None);
        assert_eq!(lines.wait("ann", false, now + SECOND), None, "it may be asked again");
        assert_eq!(
            lines.wait("ann", true, now + SECOND),
            Some(Duration::ZERO),
            "what was asked is not answered yet"
        );
        assert_eq!(lines.wait("ann", true, now + SECOND + LONGEST), None, "long ago");
        lines.told("ann", SECOND * 3_600, now);
        assert_eq!(lines.wait("ann", false, now), Some(LONGEST));
    }

    #[test]
    fn a_full_memory_forgets_who_need_not_be_remembered_and_nobody_else() {
        let (lines, now) = (Lines::new(2), Instant::now());
        lines.told("ann", SECOND, now);
        lines.told("bob", LONGEST, now);
        lines.told("cy", SECOND, now);
        assert_eq!(lines.wait("cy", true, now), None);
        lines.told("bob", SECOND, now);
        assert_eq!(lines.wait("bob", false, now), Some(SECOND));
        lines.told("cy", SECOND, now + SECOND + LONGEST);
        assert_eq!(lines.wait("cy", false, now + SECOND + LONGEST), Some(SECOND));
    }
}
