//! What agents may do, and how long.

use super::millis;
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};

/// `[agents]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct AgentsConfig {
    pub allow_private_addresses: bool,
    pub ca_file: PathBuf,
    #[serde(rename = "connect_ms", deserialize_with = "millis")]
    pub connect: Duration,
    #[serde(rename = "call_ms", deserialize_with = "millis")]
    pub call: Duration,
    #[serde(rename = "outage_ms", deserialize_with = "millis")]
    pub outage: Duration,
    pub max_reply_bytes: usize,
    pub max_stream_bytes: usize,
    pub max_file_bytes: usize,
    pub max_files: usize,
    pub max_files_bytes: usize,
    pub files_in_hand_bytes: usize,
    pub max_card_bytes: usize,
    pub max_cards_bytes: usize,
    #[serde(rename = "card_ms", deserialize_with = "millis")]
    pub card: Duration,
    pub max_agents: u32,
    pub max_examples: usize,
    pub max_hops: u32,
    pub breaker_failures: u32,
    #[serde(rename = "breaker_open_ms", deserialize_with = "millis")]
    pub breaker_open: Duration,
}
