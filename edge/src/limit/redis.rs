//! The limiter of all edges together: one atomic script on the Redis Cluster. A command never waits longer than the
//! configured bound (fred's cluster client holds back commands for every shard while one dead primary is failed
//! over), and after some failures in a row Redis is left alone for a while.

use super::gcra::{Decision, Policy};
use crate::config::RedisConfig;
use fred::{
    clients::Client,
    error::Error as RedisError,
    interfaces::{ClientLike, LuaInterface},
    types::{
        Builder,
        config::{Options, ReconnectPolicy},
    },
    util::sha1_hash,
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::redis::{cluster, reason};
use tokio::time::Instant;

const SCRIPT: &str = include_str!("limit.lua");

/// Counts on the cluster.
#[derive(Debug)]
pub struct RedisLimiter {
    client: Client,
    sha1: String,
    timeout: Duration,
    breaker: Mutex<Breaker>,
}

/// Why a decision could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// The breaker is open.
    #[error("redis is left alone after repeated failures")]
    Open,
    /// No answer in time.
    #[error("redis did not answer in time")]
    Timeout,
    /// Redis answered with an error, or is not there.
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
        let mut builder = Builder::from_config(cluster(&config.urls, &config.tls())?);
        builder.set_policy(ReconnectPolicy::new_exponential(0, 50, 1000, 2));
        builder.with_connection_config(|connection| {
            connection.connection_timeout = Duration::from_secs(2);
            connection.internal_command_timeout = Duration::from_secs(2);
            connection.max_command_attempts = 1;
            connection.max_redirections = 3;
            // A node that hangs is noticed, although it accepts connections.
            connection.unresponsive.max_timeout = Some(Duration::from_secs(2));
            connection.unresponsive.interval = Duration::from_millis(500);
            connection.max_command_buffer_len = 10_000;
        });
        let client = builder.build()?;
        // The connection task ends with the client; fred spawns it, and listens beforehand for why it may fail.
        drop(
            tokio::time::timeout(Duration::from_secs(5), client.init())
                .await
                .map_err(|_| LimitError::Timeout)??,
        );
        let breaker = Breaker {
            failures: 0,
            open_until: None,
            threshold: config.breaker_failures,
            pause: Duration::from_millis(config.breaker_open_ms),
        };
        Ok(Self { client, sha1: sha1_hash(SCRIPT), timeout, breaker: Mutex::new(breaker) })
    }

    /// Decides for one key.
    ///
    /// # Errors
    /// When Redis did not decide, within the configured time.
    pub async fn decide(&self, policy: Policy, key: &str) -> Result<Decision, LimitError> {
        if !self.breaker().admit(Instant::now()) {
            return Err(LimitError::Open);
        }
        let answer = tokio::time::timeout(self.timeout, self.run(policy, key)).await;
        let answer = answer.map_err(|_| LimitError::Timeout).and_then(|answer| answer.map_err(Into::into));
        self.breaker().record(answer.is_ok(), Instant::now());
        let (allowed, ahead_us) = answer?;
        Ok(Decision::new(policy, allowed == 1, ahead_us))
    }

    async fn run(&self, policy: Policy, key: &str) -> Result<(i64, i64), RedisError> {
        let options = Options {
            fail_fast: true,
            max_attempts: Some(1),
            timeout: Some(self.timeout),
            ..Options::default()
        };
        let client = self.client.with_options(&options);
        let arguments = vec![policy.interval_us(), policy.burst_us()];
        match client.evalsha(self.sha1.as_str(), key, arguments.clone()).await {
            // A node that was restarted or promoted does not know the script yet; it must not be let through uncounted.
            Err(error) if error.details().starts_with("NOSCRIPT") => {
                client.eval(SCRIPT, key, arguments).await
            }
            answer => answer,
        }
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens after failures in a row, and lets one try through after a pause.
#[derive(Debug)]
struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
    threshold: u32,
    pause: Duration,
}

impl Breaker {
    fn admit(&mut self, now: Instant) -> bool {
        match self.open_until {
            Some(until) if now < until => false,
            // This one tries; the others wait for what it finds.
            Some(_) => {
                self.open_until = Some(now + self.pause);
                true
            }
            None => true,
        }
    }

    fn record(&mut self, success: bool, now: Instant) {
        if success {
            if self.open_until.take().is_some() {
                tracing::info!("redis decides about limits again");
            }
            self.failures = 0;
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.threshold {
            if self.open_until.is_none() {
                tracing::warn!(failures = self.failures, "redis does not decide about limits");
            }
            self.open_until = Some(now + self.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_breaker_opens_after_failures_in_a_row_and_lets_one_try_through() {
        let pause = Duration::from_secs(1);
        let mut breaker = Breaker { failures: 0, open_until: None, threshold: 2, pause };
        let now = Instant::now();
        breaker.record(false, now);
        assert!(breaker.admit(now));
        breaker.record(false, now);
        assert!(!breaker.admit(now));
        assert!(breaker.admit(now + pause) && !breaker.admit(now + pause));
        breaker.record(true, now + pause);
        assert!(breaker.admit(now + pause) && breaker.admit(now + pause));
    }
}
