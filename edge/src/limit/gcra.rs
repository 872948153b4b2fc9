//! The generic cell rate algorithm (GCRA, ITU-T I.371), as pure arithmetic: one number per key, the theoretical
//! arrival time (TAT) of the next message, decides exactly and says when to come back. Rejected: a counter per minute,
//! which lets twice the quota through where two minutes meet.

use std::time::Duration;

/// A quota over a window; the whole quota may come at once, and then it refills evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The name that clients and metrics see.
    pub name: &'static str,
    /// How many per window.
    pub quota: u32,
    /// The window.
    pub window: Duration,
}

impl Policy {
    /// A quota per minute.
    #[must_use]
    pub const fn per_minute(name: &'static str, quota: u32) -> Self {
        Self { name, quota, window: Duration::from_secs(60) }
    }

    /// Microseconds that one message uses up.
    #[must_use]
    pub fn interval_us(&self) -> i64 {
        let window = i64::try_from(self.window.as_micros()).unwrap_or(i64::MAX);
        (window / i64::from(self.quota.max(1))).max(1)
    }

    /// Microseconds of the whole burst.
    #[must_use]
    pub fn burst_us(&self) -> i64 {
        self.interval_us() * i64::from(self.quota)
    }
}

/// What was decided, and how much is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The policy that decided.
    pub policy: Policy,
    /// Whether it may pass.
    pub allowed: bool,
    /// How many may pass now.
    pub remaining: u32,
    /// When the next one may pass; zero when it may now.
    pub retry_after: Duration,
    /// When the whole quota is there again.
    pub reset: Duration,
}

impl Decision {
    /// Explains a decision by how far the TAT lies ahead, in microseconds.
    #[must_use]
    pub fn new(policy: Policy, allowed: bool, ahead_us: i64) -> Self {
        let ahead_us = ahead_us.max(0);
        let (interval, burst) = (policy.interval_us(), policy.burst_us());
        let remaining = u32::try_from((burst - ahead_us).max(0) / interval).unwrap_or(u32::MAX);
        let wait = if allowed { 0 } else { (ahead_us + interval - burst).max(0) };
        Self { policy, allowed, remaining, retry_after: micros(wait), reset: micros(ahead_us) }
    }

    /// A decision that nothing was counted for.
    #[must_use]
    pub fn uncounted(policy: Policy, allowed: bool) -> Self {
        let retry_after = if allowed { Duration::ZERO } else { Duration::from_secs(1) };
        let remaining = if allowed { policy.quota } else { 0 };
        Self { policy, allowed, remaining, retry_after, reset: retry_after }
    }

    /// Whole seconds until the next one may pass, at least 1.
    #[must_use]
    pub fn retry_after_s(&self) -> u64 {
        whole_seconds(self.retry_after).max(1)
    }

    /// Whole seconds until the whole quota is there again.
    #[must_use]
    pub fn reset_s(&self) -> u64 {
        whole_seconds(self.reset)
    }

    /// `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers §3).
    #[must_use]
    pub fn policy_field(&self) -> String {
        format!("\"{}\";q={};w={}", self.policy.name, self.policy.quota, self.policy.window.as_secs())
    }

    /// `RateLimit` (draft-ietf-httpapi-ratelimit-headers §4).
    #[must_use]
    pub fn limit_field(&self) -> String {
        format!("\"{}\";r={};t={}", self.policy.name, self.remaining, self.reset_s())
    }
}

/// Decides for one key: its TAT and the clock, both in microseconds, make the decision and the next TAT.
#[must_use]
pub fn decide(policy: Policy, tat_us: Option<i64>, now_us: i64) -> (Decision, i64) {
    let tat = tat_us.unwrap_or(now_us).max(now_us);
    let after = tat + policy.interval_us();
    let allowed = after - policy.burst_us() <= now_us;
    let tat = if allowed { after } else { tat };
    (Decision::new(policy, allowed, tat - now_us), tat)
}

/// Gives one back that was taken and turned out to be none: the TAT goes back by as much, and no further than now.
#[must_use]
pub fn give_back(policy: Policy, tat_us: Option<i64>, now_us: i64) -> (Decision, i64) {
    let tat = (tat_us.unwrap_or(now_us) - policy.interval_us()).max(now_us);
    (Decision::new(policy, true, tat - now_us), tat)
}

fn micros(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THIRTY: Policy = Policy::per_minute("messages", 30);
    const SECOND: i64 = 1_000_000;

    fn burst(policy: Policy, count: u32, mut tat: Option<i64>, now: i64) -> (Decision, i64) {
        let mut last = None;
        for _ in 0..count {
            let (decision, next) = decide(policy, tat, now);
            tat = Some(next);
            last = Some((decision, next));
        }
        last.unwrap()
    }

    #[test]
    fn the_whole_quota_may_come_at_once_and_the_next_waits_its_share() {
        let (thirtieth, tat) = burst(THIRTY, 30, None, 0);
        assert!(thirtieth.allowed);
        assert_eq!((thirtieth.remaining, thirtieth.reset_s()), (0, 60));
        let (next, unchanged) = decide(THIRTY, Some(tat), 0);
        assert!(!next.allowed);
        assert_eq!((next.retry_after_s(), next.remaining, unchanged), (2, 0, tat));
    }

    #[test]
    fn it_refills_evenly_and_never_above_the_quota() {
        let (_, tat) = burst(THIRTY, 30, None, 0);
        let (decision, tat) = decide(THIRTY, Some(tat), 2 * SECOND);
        assert!(decision.allowed && decision.remaining == 0);
        assert!(!decide(THIRTY, Some(tat), 2 * SECOND).0.allowed);
        let (decision, _) = decide(THIRTY, Some(tat), 3600 * SECOND);
        assert_eq!(decision.remaining, 29);
    }

    #[test]
    fn no_minute_has_more_than_the_quota_and_its_refill() {
        let (mut tat, mut passed) = (None, 0);
        for tick in 0..600 {
            let (decision, next) = decide(THIRTY, tat, tick * SECOND / 10);
            tat = Some(next);
            passed += u32::from(decision.allowed);
        }
        assert_eq!(passed, 30 + 29);
    }

    #[test]
    fn what_is_given_back_may_pass_again_and_no_more_than_was_taken() {
        let (_, tat) = burst(THIRTY, 30, None, 0);
        let (decision, tat) = give_back(THIRTY, Some(tat), 0);
        assert_eq!((decision.remaining, decide(THIRTY, Some(tat), 0).0.allowed), (1, true));
        let (decision, tat) = give_back(THIRTY, None, 7);
        assert_eq!((decision.remaining, tat), (30, 7));
    }

    #[test]
    fn the_fields_are_those_of_the_draft() {
        let (decision, _) = decide(THIRTY, None, 0);
        assert_eq!(decision.policy_field(), "\"messages\";q=30;w=60");
        assert_eq!(decision.limit_field(), "\"messages\";r=29;t=2");
    }

    #[test]
    fn a_refused_message_is_told_when_to_come_back() {
        let (_, tat) = burst(THIRTY, 30, None, 0);
        let (refused, tat) = decide(THIRTY, Some(tat), SECOND / 2);
        assert_eq!(refused.retry_after, Duration::from_millis(1500));
        assert!(decide(THIRTY, Some(tat), 2 * SECOND).0.allowed);
    }
}
