//! Users of whom the cores take no other message for now, since they have as many as they can answer in time. A core says
//! so with its answer to one, and when it would take the next; until then the edge refuses it at once, and no core is
//! asked. So what is too much costs a house almost nothing, and whoever was not told is not concerned.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The longest that a core is believed.
const LONGEST: Duration = Duration::from_secs(5);

/// When more is taken, by user.
#[derive(Debug)]
pub struct Lines {
    told: Mutex<HashMap<Box<str>, Told>>,
    most: usize,
}

/// What was said, and when.
#[derive(Clone, Copy, Debug)]
struct Told {
    at: Instant,
    next: Duration,
}

impl Lines {
    /// Remembers at most so many users.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { told: Mutex::default(), most }
    }

    /// Keeps what a core said of a user.
    pub fn told(&self, user: &str, next: Duration, now: Instant) {
        let mut lines = self.lines();
        if lines.len() >= self.most {
            lines.retain(|_, told| !told.is_over(now));
        }
        // With so many others in it, this one's messages go on to a core, which refuses them itself.
        if lines.len() < self.most || lines.contains_key(user) {
            lines.insert(user.into(), Told { at: now, next: next.min(LONGEST) });
        }
    }

    /// How long a user has to wait, if at all. One of whom something is with a core just now does so for as long again:
    /// what comes of that says more.
    pub fn wait(&self, user: &str, has_more: bool, now: Instant) -> Option<Duration> {
        let mut lines = self.lines();
        let told = *lines.get(user)?;
        if told.is_over(now) {
            lines.remove(user);
            return None;
        }
        let until = told.at + told.next;
        (has_more || now < until).then(|| until.saturating_duration_since(now))
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Box<str>, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn is_over(self, now: Instant) -> bool {
        now >= self.at + 2 * self.next
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
        assert_eq!(lines.wait("ann", true, now + 2 * SECOND), None, "long ago");
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
        lines.told("cy", SECOND, now + 2 * SECOND);
        assert_eq!(lines.wait("cy", false, now + 2 * SECOND), Some(SECOND));
    }
}
