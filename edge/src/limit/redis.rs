//! The limiter of all edges together: one atomic script on the Redis Cluster. A decision never waits longer than the
//! configured bound, and what a node that is down or slow costs, it costs the keys of its own slots alone.

use super::gcra::{Decision, Policy};
use crate::config::RedisConfig;
use fred::error::Error as RedisError;
use std::time::Duration;
use switchboard_shared::redis::{Access, AskError, Bounds, Cluster, Script, reason};
use tokio::time::timeout;

const SCRIPT: &str = include_str!("limit.lua");
/// How long a start waits for Redis.
const START_WITHIN: Duration = Duration::from_secs(5);

/// Counts on the cluster.
#[derive(Debug)]
pub struct RedisLimiter {
    cluster: Cluster,
    script: Script,
    timeout: Duration,
}

/// Why a decision could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// No answer in time.
    #[error("redis did not answer in time")]
    Timeout,
    /// There is no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Redis is not there.
    #[error("redis cannot be asked for a limit: {}", reason(.0))]
    Redis(#[from] RedisError),
}

impl RedisLimiter {
    /// Connects.
    ///
    /// # Errors
    /// When no node can be reached within a few seconds.
    pub async fn connect(config: &RedisConfig) -> Result<Self, LimitError> {
        let timeout = Duration::from_millis(config.timeout_ms);
        let bounds = Bounds {
            command: timeout,
            failures: config.breaker_failures,
            pause: Duration::from_millis(config.breaker_open_ms),
        };
        let access = Access::new(&config.urls, &config.tls())?;
        let cluster = Cluster::connect(access, bounds, START_WITHIN).await?;
        Ok(Self { cluster, script: Script::new(SCRIPT), timeout })
    }

    /// Decides for one key.
    ///
    /// # Errors
    /// When Redis did not decide, within the configured time.
    pub async fn decide(&self, policy: Policy, key: &str) -> Result<Decision, LimitError> {
        self.change(policy, key, policy.interval_us()).await
    }

    /// Gives one back that was taken for this key.
    ///
    /// # Errors
    /// As for a decision.
    pub async fn give_back(&self, policy: Policy, key: &str) -> Result<Decision, LimitError> {
        self.change(policy, key, -policy.interval_us()).await
    }

    async fn change(&self, policy: Policy, key: &str, by_us: i64) -> Result<Decision, LimitError> {
        let arguments = [by_us.into(), policy.burst_us().into()];
        // A node that does not know the script is told it within the same time; nobody is let through uncounted.
        let asked = timeout(self.timeout, self.script.run(&self.cluster, key, arguments)).await;
        let (allowed, ahead_us): (i64, i64) = asked.map_err(|_| LimitError::Timeout)??;
        Ok(Decision::new(policy, allowed == 1, ahead_us))
    }
}
