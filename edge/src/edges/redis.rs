//! Where edges tell each other that they are there: one hash under one key, so that one slot and one script do for all.

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
use std::time::Duration;
use switchboard_shared::redis::{cluster, reason};
use tokio::time::timeout;

/// The hash of all edges; the braces keep it on one slot whatever is added to it.
pub const KEY: &str = "switchboard:{edges}";
const SCRIPT: &str = include_str!("register.lua");
/// How long the connection may take to come up. Nobody waits for it.
const CONNECTING: Duration = Duration::from_secs(5);
/// The most edges that are read.
pub const MAX_EDGES: u32 = 256;

/// Why the list could not be had.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No answer in time.
    #[error("redis did not answer in time")]
    Timeout,
    /// Redis answered with an error, or is not there.
    #[error("redis cannot be asked which edges there are: {}", reason(.0))]
    Redis(#[from] RedisError),
}

/// The edges' hash.
#[derive(Debug)]
pub struct Registry {
    client: Client,
    sha1: String,
    timeout: Duration,
}

impl Registry {
    /// Connects.
    ///
    /// # Errors
    /// When no node can be reached within a few seconds.
    pub async fn connect(config: &RedisConfig) -> Result<Self, RegistryError> {
        let mut builder = Builder::from_config(cluster(&config.urls, &config.tls())?);
        builder.set_policy(ReconnectPolicy::new_exponential(0, 50, 1000, 2));
        builder.with_connection_config(|connection| {
            connection.connection_timeout = Duration::from_secs(2);
            connection.internal_command_timeout = Duration::from_secs(2);
            connection.max_command_attempts = 1;
            connection.max_redirections = 3;
            connection.unresponsive.max_timeout = Some(Duration::from_secs(2));
            connection.unresponsive.interval = Duration::from_millis(500);
            connection.max_command_buffer_len = 16;
        });
        let client = builder.build()?;
        // The connection task ends with the client; fred spawns it.
        drop(timeout(CONNECTING, client.init()).await.map_err(|_| RegistryError::Timeout)??);
        Ok(Self { client, sha1: sha1_hash(SCRIPT), timeout: Duration::from_millis(config.timeout_ms) })
    }

    /// Renews the entry of `id` (an empty one is taken away), and reads the sealed entries of all.
    ///
    /// # Errors
    /// When Redis did not answer, within the configured time.
    pub async fn renew(&self, id: &str, entry: &str, lease: Duration) -> Result<Vec<String>, RegistryError> {
        let arguments =
            vec![id.to_owned(), entry.to_owned(), lease.as_millis().to_string(), MAX_EDGES.to_string()];
        timeout(self.timeout, self.run(arguments))
            .await
            .map_err(|_| RegistryError::Timeout)?
            .map_err(Into::into)
    }

    async fn run(&self, arguments: Vec<String>) -> Result<Vec<String>, RedisError> {
        let (fail_fast, max_attempts) = (true, Some(1));
        let options = Options { fail_fast, max_attempts, timeout: Some(self.timeout), ..Options::default() };
        let client = self.client.with_options(&options);
        match client.evalsha(self.sha1.as_str(), KEY, arguments.clone()).await {
            // A node that was restarted or promoted does not know the script yet.
            Err(error) if error.details().starts_with("NOSCRIPT") => {
                client.eval(SCRIPT, KEY, arguments).await
            }
            answer => answer,
        }
    }
}
