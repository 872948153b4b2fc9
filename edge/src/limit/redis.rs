//! The limiter of all edges together: one atomic script on the Redis Cluster. A decision never waits longer than the
//! configured bound, and what a node that is down or slow costs, it costs the keys of its own slots alone.

use super::gcra::{Decision, Policy};
use crate::config::RedisConfig;
use fred::{error::Error as RedisError, types::Value, util::sha1_hash};
use std::time::Duration;
use switchboard_shared::redis::{Access, AskError, Bounds, Cluster, reason};
use tokio::time::{Instant, timeout_at};

const SCRIPT: &str = include_str!("limit.lua");
/// How long a start waits for Redis.
const START_WITHIN: Duration = Duration::from_secs(5);

/// Counts on the cluster.
#[derive(Debug)]
pub struct RedisLimiter {
    cluster: Cluster,
    sha1: Value,
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
        Ok(Self { cluster, sha1: sha1_hash(SCRIPT).into(), timeout })
    }

    /// Decides for one key.
    ///
    /// # Errors
    /// When Redis did not decide, within the configured time.
    pub async fn decide(&self, policy: Policy, key: &str) -> Result<Decision, LimitError> {
        let deadline = Instant::now() + self.timeout;
        let (interval, burst) = (policy.interval_us(), policy.burst_us());
        let mut arguments = [self.sha1.clone(), 1.into(), key.into(), interval.into(), burst.into()];
        let answer = match self.cluster.ask(key, "EVALSHA", &arguments).await {
            // A node that was restarted or promoted does not know the script yet; it must not be let through uncounted.
            Err(AskError::Redis(error)) if error.details().starts_with("NOSCRIPT") => {
                arguments[0] = Value::from_static_str(SCRIPT);
                let whole = timeout_at(deadline, self.cluster.ask(key, "EVAL", &arguments)).await;
                whole.map_err(|_| LimitError::Timeout)?
            }
            answer => answer,
        };
        let (allowed, ahead_us): (i64, i64) = answer?;
        Ok(Decision::new(policy, allowed == 1, ahead_us))
    }
}
