//! The limiter of one process: a bounded map of TATs.

use super::gcra::{self, Decision, Policy};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};
use tokio::time::Instant;

const SHARDS: usize = 16;

/// Counts in this process.
#[derive(Debug)]
pub struct LocalLimiter {
    started: Instant,
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<Box<str>, i64>>>,
    keys_per_shard: usize,
}

impl LocalLimiter {
    /// Makes a limiter that remembers at most `keys` keys.
    #[must_use]
    pub fn new(keys: usize) -> Self {
        Self {
            started: Instant::now(),
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            keys_per_shard: (keys / SHARDS).max(1),
        }
    }

    /// Decides for one key.
    pub fn decide(&self, policy: Policy, key: &str) -> Decision {
        self.change(policy, key, gcra::decide)
    }

    /// Gives one back that was taken for this key.
    pub fn give_back(&self, policy: Policy, key: &str) -> Decision {
        self.change(policy, key, gcra::give_back)
    }

    fn change(
        &self,
        policy: Policy,
        key: &str,
        change: fn(Policy, Option<i64>, i64) -> (Decision, i64),
    ) -> Decision {
        let now = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let shard = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        let mut tats = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let (decision, tat) = change(policy, tats.get(key).copied(), now);
        if let Some(slot) = tats.get_mut(key) {
            *slot = tat;
        } else {
            if tats.len() >= self.keys_per_shard {
                make_room(&mut tats, now);
            }
            tats.insert(key.into(), tat);
        }
        decision
    }
}

/// Forgets who has nothing to be remembered for; if all have, the half that has the least.
fn make_room(tats: &mut HashMap<Box<str>, i64>, now: i64) {
    let before = tats.len();
    tats.retain(|_, tat| *tat > now);
    if tats.len() == before {
        let mut values: Vec<i64> = tats.values().copied().collect();
        let middle = values.len() / 2;
        let (_, median, _) = values.select_nth_unstable(middle);
        let median = *median;
        tats.retain(|_, tat| *tat > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn keys_are_counted_apart_and_refill_with_time() {
        let limiter = LocalLimiter::new(1000);
        let policy = Policy::per_minute("messages", 2);
        let pass = |key: &str| limiter.decide(policy, key).allowed;
        assert!(pass("a") && pass("a") && !pass("a") && pass("b"));
        tokio::time::advance(Duration::from_secs(31)).await;
        assert!(pass("a") && !pass("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_keys_is_bounded_and_does_not_free_the_heaviest() {
        let limiter = LocalLimiter::new(160);
        let policy = Policy::per_minute("ip", 5);
        while limiter.decide(policy, "heavy").allowed {}
        for i in 0..10_000 {
            limiter.decide(policy, &format!("k{i}"));
        }
        let kept: usize = limiter.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= 160, "{kept}");
        assert!(!limiter.decide(policy, "heavy").allowed);
    }
}
