//! Usage limits: addresses before authentication, users and their messages after it.
//!
//! - [`gcra`]: the arithmetic
//! - [`mod@line`]: users whose messages are too many for the cores just now
//! - [`local`]: counts in this process
//! - [`redis`]: counts for all edges together

pub mod gcra;
pub mod line;
pub mod local;
pub mod redis;

pub use gcra::{Decision, Policy};

use crate::{
    config::{Config, LimitsConfig, OnDown},
    metrics::METRICS,
};
use line::Lines;
use local::LocalLimiter;
use redis::{LimitError, RedisLimiter};
use std::{net::IpAddr, time::Duration};
use switchboard_shared::{
    identity::Identity,
    problem::{Problem, ProblemKind},
};
use tokio::time::Instant;

/// So many more files of the page than other requests an address may fetch before a token is known.
const PAGE_FILES: u32 = 10;

/// Decides about limits.
#[derive(Debug)]
pub struct Limits {
    config: LimitsConfig,
    on_down: OnDown,
    local: LocalLimiter,
    redis: Option<RedisLimiter>,
    lines: Lines,
}

impl Limits {
    /// Makes the limiter, and connects to Redis if that is configured.
    ///
    /// # Errors
    /// When Redis is configured and cannot be reached.
    pub async fn start(config: &Config) -> Result<Self, LimitError> {
        let redis = match config.redis.urls.is_empty() {
            true => None,
            false => Some(RedisLimiter::connect(&config.redis).await?),
        };
        let local = LocalLimiter::new(config.limits.local_keys);
        let lines = Lines::new(config.limits.local_keys);
        Ok(Self { config: config.limits.clone(), on_down: config.redis.on_down, local, redis, lines })
    }

    /// Decides about a request or handshake before anything else is done for it: by its user, where its token was
    /// verified before, and else by its address; so a flood from an address keeps out no neighbour who is known.
    /// Counted by each edge for itself: a flood must not reach Redis.
    pub fn arrival(&self, known: Option<&Identity>, address: IpAddr) -> Decision {
        let Some(identity) = known else {
            let policy = Policy::per_minute("ip", self.config.ip_per_minute);
            return counted(self.local.decide(policy, &network(address)));
        };
        // As many as the limits behind this one let through together: whoever keeps to those never meets it.
        let of_tier = [&self.config.messages_per_minute, &self.config.joins_per_minute];
        let of_tier = of_tier.map(|quotas| quotas.of(identity.tier)).iter().sum::<u32>();
        let quota = self.config.requests_per_minute + of_tier;
        let policy = Policy::per_minute("user", quota);
        counted(self.local.decide(policy, &key(identity, policy)))
    }

    /// Decides about beginning to listen to a conversation.
    pub async fn join(&self, identity: &Identity) -> Decision {
        let quota = self.config.joins_per_minute.of(identity.tier);
        self.decide(Policy::per_minute("joins", quota), identity).await
    }

    /// Decides about a file of the page. A browser that comes for the first time wants some dozens of them, and then none
    /// until they change; so they are counted by themselves, and do not use up what an address has for all else.
    pub fn page(&self, address: IpAddr) -> Decision {
        let policy = Policy::per_minute("page", self.config.ip_per_minute.saturating_mul(PAGE_FILES));
        counted(self.local.decide(policy, &format!("page {}", network(address))))
    }

    /// Decides about any other request.
    pub async fn request(&self, identity: &Identity) -> Decision {
        self.decide(Policy::per_minute("requests", self.config.requests_per_minute), identity).await
    }

    /// Refuses a message that no core would take yet; it is not counted. `has_more`: whether one of this user's is with
    /// a core just now.
    ///
    /// # Errors
    /// With what to say.
    pub fn line(&self, identity: &Identity, has_more: bool) -> Result<(), Problem> {
        let wait = self.lines.wait(&identity.tenant, &identity.user, has_more, Instant::now());
        let Some(wait) = wait else { return Ok(()) };
        METRICS.limit_decisions.with_label_values(&["line", "refused"]).inc();
        let detail = "Too many messages of yours are waiting for answers.";
        Err(Problem::new(ProblemKind::RateLimited, detail).retry_after(wait.as_secs() + 1))
    }

    /// Keeps what a core said with its answer to a message: when it would take the next.
    pub fn told(&self, identity: &Identity, next: Option<Duration>) {
        if let Some(next) = next {
            self.lines.told(&identity.tenant, &identity.user, next, Instant::now());
        }
    }

    /// Decides about a message.
    pub async fn message(&self, identity: &Identity) -> Decision {
        let quota = self.config.messages_per_minute.of(identity.tier);
        self.decide(Policy::per_minute("messages", quota), identity).await
    }

    /// Gives a message back that was taken, and turned out to be none.
    pub async fn give_back(&self, identity: &Identity) -> Decision {
        let policy = Policy::per_minute("messages", self.config.messages_per_minute.of(identity.tier));
        let key = key(identity, policy);
        let given = match &self.redis {
            Some(redis) => redis.give_back(policy, &key).await.ok(),
            None => None,
        };
        // Without Redis it was counted here.
        given.unwrap_or_else(|| self.local.give_back(policy, &key))
    }

    async fn decide(&self, policy: Policy, identity: &Identity) -> Decision {
        let key = key(identity, policy);
        let Some(redis) = &self.redis else { return counted(self.local.decide(policy, &key)) };
        match redis.decide(policy, &key).await {
            Ok(decision) => counted(decision),
            Err(error) => {
                METRICS.limit_degraded.inc();
                tracing::debug!(%error, on_down = ?self.on_down, "a limit was decided without redis");
                counted(match self.on_down {
                    OnDown::Local => self.local.decide(policy, &key),
                    OnDown::Allow => Decision::uncounted(policy, true),
                    OnDown::Deny => Decision::uncounted(policy, false),
                })
            }
        }
    }
}

/// The tag in braces keeps what belongs to one user on one shard. Neither id can hold a brace or a slash.
fn key(identity: &Identity, policy: Policy) -> String {
    format!("switchboard:limit:{{{}/{}}}:{}", identity.tenant, identity.user, policy.name)
}

/// A person usually holds a whole /64 of IPv6, so that is what is counted.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

fn counted(decision: Decision) -> Decision {
    let outcome = if decision.allowed { "allowed" } else { "refused" };
    METRICS.limit_decisions.with_label_values(&[decision.policy.name, outcome]).inc();
    decision
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one() {
        assert_eq!(network("2001:db8:1:2:3::4".parse().unwrap()), "2001:db8:1:2::/64");
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1");
    }
}
