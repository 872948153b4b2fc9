//! Where edges tell each other that they are there: one hash under one key, so that one slot and one script do for all.

use crate::config::RedisConfig;
use fred::error::Error as RedisError;
use std::time::Duration;
use switchboard_shared::redis::{Access, AskError, Bounds, Cluster, Script, reason};
use tokio::time::timeout;

/// The hash of all edges; the braces keep it on one slot whatever is added to it.
pub const KEY: &str = "switchboard:{edges}";
const SCRIPT: &str = include_str!("register.lua");
/// The most edges that are read.
pub const MAX_EDGES: u32 = 256;

/// Why the list could not be had.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No answer in time.
    #[error("redis did not answer in time")]
    Timeout,
    /// There is no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Redis cannot be found by its configuration.
    #[error("redis cannot be asked which edges there are: {}", reason(.0))]
    Redis(#[from] RedisError),
}

/// The edges' hash.
#[derive(Debug)]
pub struct Registry {
    cluster: Cluster,
    script: Script,
    timeout: Duration,
}

impl Registry {
    /// Begins to connect; nobody waits for it.
    ///
    /// # Errors
    /// When a URL or a file cannot be read.
    pub fn connect(config: &RedisConfig) -> Result<Self, RegistryError> {
        let timeout = Duration::from_millis(config.timeout_ms);
        let bounds = Bounds {
            command: timeout,
            failures: config.breaker_failures,
            pause: Duration::from_millis(config.breaker_open_ms),
        };
        let cluster = Cluster::start(Access::new(&config.urls, &config.tls())?, bounds, None);
        Ok(Self { cluster, script: Script::new(SCRIPT), timeout })
    }

    /// Renews the entry of `id` (an empty one is taken away), and reads the sealed entries of all.
    ///
    /// # Errors
    /// When Redis did not answer, within the configured time.
    pub async fn renew(&self, id: &str, entry: &str, lease: Duration) -> Result<Vec<String>, RegistryError> {
        let lease = lease.as_millis().to_string();
        let arguments = [id.into(), entry.into(), lease.into(), i64::from(MAX_EDGES).into()];
        let asked = timeout(self.timeout, self.script.run(&self.cluster, KEY, arguments)).await;
        Ok(asked.map_err(|_| RegistryError::Timeout)??)
    }
}
