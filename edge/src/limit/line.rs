//! Users of whom the cores take no other message for now, since they have as many as they can answer in time. A core says
//! so with its answer to one, and when it would take the next; until then the edge refuses it at once, and no core is
//! asked. So what is too much costs a house almost nothing. Whoever was not told is not concerned, but for one thing:
//! while others of the tenant wait, one that has a message with a core is not given another before that is answered, which
//! then takes its time; so no refusal waits for it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use switchboard_shared::ids::{TenantId, UserId};
use tokio::time::Instant;

/// The longest that a core is believed.
const LONGEST: Duration = Duration::from_secs(5);

/// When more is taken, by user, and by tenant the last that was said to any of its users.
#[derive(Debug)]
pub struct Lines {
    told: Mutex<HashMap<Key, Told>>,
    most: usize,
}

/// Who was told: a user, or any user of the tenant.
type Key = (TenantId, Option<UserId>);

/// What was said, and when.
#[derive(Clone, Copy, Debug)]
struct Told {
    at: Instant,
    next: Duration,
}

impl Lines {
    /// Remembers at most so many users and tenants.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { told: Mutex::default(), most }
    }

    /// Keeps what a core said of a user.
    pub fn told(&self, tenant: &TenantId, user: &UserId, next: Duration, now: Instant) {
        let told = Told { at: now, next: next.min(LONGEST) };
        let mut lines = self.lines();
        if lines.len() >= self.most {
            lines.retain(|_, told| !told.is_over(now));
        }
        for key in [(tenant.clone(), Some(user.clone())), (tenant.clone(), None)] {
            // With so many others in it, this one's messages go on to a core, which refuses them itself.
            if lines.len() < self.most || lines.contains_key(&key) {
                lines.insert(key, told);
            }
        }
    }

    /// How long a user has to wait, if at all. One of whom something is with a core just now does so for as long again, or
    /// as long as another of its tenant: what comes of that says more.
    pub fn wait(&self, tenant: &TenantId, user: &UserId, has_more: bool, now: Instant) -> Option<Duration> {
        let mut lines = self.lines();
        let key = (tenant.clone(), Some(user.clone()));
        if lines.get(&key).is_some_and(|told| told.is_over(now)) {
            lines.remove(&key);
        }
        let own = lines.get(&key).filter(|told| has_more || now < told.until());
        let any = || lines.get(&(key.0, None)).filter(|told| has_more && now < told.until());
        own.or_else(any).map(|told| told.until().saturating_duration_since(now))
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Key, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn until(self) -> Instant {
        self.at + self.next
    }

    fn is_over(self, now: Instant) -> bool {
        now >= self.at + 2 * self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn told(lines: &Lines, user: &str, next: Duration, now: Instant) {
        lines.told(&"a".parse().unwrap(), &user.parse().unwrap(), next, now);
    }

    fn wait(lines: &Lines, who: &str, has_more: bool, now: Instant) -> Option<Duration> {
        let (tenant, user) = who.split_once('/').unwrap();
        lines.wait(&tenant.parse().unwrap(), &user.parse().unwrap(), has_more, now)
    }

    #[test]
    fn who_was_told_waits() {
        let (lines, now) = (Lines::new(2), Instant::now());
        told(&lines, "ann", SECOND, now);
        assert_eq!(wait(&lines, "a/ann", false, now + SECOND / 2), Some(SECOND / 2));
        assert_eq!(wait(&lines, "a/ann", false, now + SECOND), None, "it may be asked again");
        let still = wait(&lines, "a/ann", true, now + SECOND);
        assert_eq!(still, Some(Duration::ZERO), "what was asked is not answered yet");
        assert_eq!(wait(&lines, "a/ann", true, now + 2 * SECOND), None, "long ago");
        told(&lines, "ann", SECOND * 3_600, now);
        assert_eq!(wait(&lines, "a/ann", false, now), Some(LONGEST));
    }

    #[test]
    fn who_was_not_told_waits_for_what_it_has_with_a_core_while_others_of_its_tenant_wait() {
        let (lines, now) = (Lines::new(2), Instant::now());
        told(&lines, "ann", SECOND, now);
        assert_eq!(wait(&lines, "a/bob", false, now), None);
        assert_eq!(wait(&lines, "a/bob", true, now), Some(SECOND));
        assert_eq!(wait(&lines, "a/bob", true, now + SECOND), None);
        assert_eq!(wait(&lines, "b/bob", true, now), None);
    }

    #[test]
    fn a_full_memory_forgets_who_need_not_be_remembered_and_nobody_else() {
        let (lines, now) = (Lines::new(3), Instant::now());
        told(&lines, "ann", SECOND, now);
        told(&lines, "bob", LONGEST, now);
        told(&lines, "cy", SECOND, now);
        assert_eq!(wait(&lines, "a/cy", false, now), None);
        told(&lines, "bob", SECOND, now);
        assert_eq!(wait(&lines, "a/bob", false, now), Some(SECOND));
        told(&lines, "cy", SECOND, now + 2 * SECOND);
        assert_eq!(wait(&lines, "a/cy", false, now + 2 * SECOND), Some(SECOND));
    }
}
