//! What a user may ask for of what costs an LLM or a training, by tier: such requests are few, and dear to everybody. A
//! budget of its own, apart from that of messages; each core counts for itself, as only what costs it a processor or an
//! LLM's time is meant.

use crate::{
    config::CostlyPerMinute,
    error::{Error, Result},
    turn::Whose,
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::{
    identity::Identity,
    problem::{Problem, ProblemKind},
};
use tokio::time::Instant;

/// What may come at once, as a share of a minute's budget.
const AT_ONCE: u32 = 4;
/// Users that are kept in mind before those are forgotten who have their whole budget again.
const MANY: usize = 10_000;

/// What costs an LLM or a training, as people read it, ...
pub(crate) const COSTLY: &str = "Plans, lessons, trials, replays and drafts";
/// ... and what reads many rows.
pub(crate) const FIGURES: &str = "Requests for analytics";

/// The budgets of all users on this core.
pub(crate) struct Budgets {
    what: &'static str,
    per_minute: CostlyPerMinute,
    /// When each user's budget is whole again.
    whole_at: Mutex<HashMap<Whose, Instant>>,
}

impl Budgets {
    /// `what` is counted, as people read it.
    pub(crate) fn new(what: &'static str, per_minute: CostlyPerMinute) -> Self {
        Self { what, per_minute, whole_at: Mutex::default() }
    }

    /// Takes one request out of the caller's budget.
    ///
    /// # Errors
    /// When nothing is left; the problem says when there is.
    pub(crate) fn spend(&self, me: &Identity) -> Result<()> {
        self.spend_at(me, Instant::now())
    }

    fn spend_at(&self, me: &Identity, now: Instant) -> Result<()> {
        let per_minute = self.per_minute.of(me.tier);
        let whose = Whose { tenant: me.tenant.clone(), user: me.user.clone() };
        let mut all = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MANY {
            all.retain(|_, whole_at| *whole_at > now);
        }
        let whole_at = all.get(&whose).copied().unwrap_or(now);
        match spent(per_minute, whole_at, now) {
            Ok(later) => {
                all.insert(whose, later);
                Ok(())
            }
            Err(wait) => Err(refused(self.what, per_minute, wait)),
        }
    }
}

/// A token bucket as one number (generic cell rate algorithm; ITU-T I.371): when the budget is whole again after one more
/// request, or how long it has to be waited for.
fn spent(per_minute: u32, whole_at: Instant, now: Instant) -> std::result::Result<Instant, Duration> {
    let each = Duration::from_secs(60) / per_minute.max(1);
    let room = each * per_minute.div_ceil(AT_ONCE).max(1);
    let later = whole_at.max(now) + each;
    match later.checked_duration_since(now + room) {
        Some(wait) if !wait.is_zero() => Err(wait),
        _ => Ok(later),
    }
}

fn refused(what: &str, per_minute: u32, wait: Duration) -> Error {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let detail = format!(
        "{what} are counted apart from messages: your tier has {per_minute} of them a minute, {} at once.",
        per_minute.div_ceil(AT_ONCE)
    );
    Error::Public(Problem::new(ProblemKind::RateLimited, detail).retry_after(seconds.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::identity::Tier;

    fn identity(user: &str, tier: Tier) -> Identity {
        Identity {
            tenant: "t".parse().unwrap(),
            user: user.parse().unwrap(),
            roles: Default::default(),
            groups: Default::default(),
            tier,
            expires_at: 0,
            grant: Default::default(),
        }
    }

    fn budgets() -> Budgets {
        Budgets::new(COSTLY, CostlyPerMinute { free: 4, standard: 40, premium: 80, enterprise: 400 })
    }

    fn burst(budgets: &Budgets, me: &Identity, now: Instant) -> usize {
        (0..1_000).take_while(|_| budgets.spend_at(me, now).is_ok()).count()
    }

    #[tokio::test]
    async fn a_burst_is_a_quarter_of_a_minutes_budget_and_the_rest_comes_evenly() {
        let (budgets, ann, now) = (budgets(), identity("ann", Tier::Standard), Instant::now());
        assert_eq!(burst(&budgets, &ann, now), 10);
        let problem = budgets.spend_at(&ann, now).unwrap_err().problem();
        assert_eq!((problem.code, problem.retry_after_s), (ProblemKind::RateLimited, Some(2)));
        assert!(
            problem.detail.starts_with("Plans,")
                && problem.detail.ends_with("40 of them a minute, 10 at once.")
        );
        let minute = (1..=60).map(|second| burst(&budgets, &ann, now + Duration::from_secs(second)));
        assert_eq!(minute.sum::<usize>(), 40);
    }

    #[tokio::test]
    async fn each_user_has_its_own_and_each_tier_another_one() {
        let (budgets, now) = (budgets(), Instant::now());
        let (ann, bob) = (identity("ann", Tier::Free), identity("bob", Tier::Enterprise));
        assert_eq!(burst(&budgets, &ann, now), 1);
        assert_eq!((burst(&budgets, &bob, now), burst(&budgets, &bob, now)), (100, 0));
        assert_eq!(burst(&budgets, &bob, now + Duration::from_secs(60)), 100);
    }
}
