//! How long agents that wait for their users, or work on, are remembered, and how many.

use super::millis;
use serde::Deserialize;
use std::time::Duration;
use switchboard_shared::config::{Check, Faults};

/// `[open_calls]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct OpenCallsConfig {
    #[serde(rename = "wait_ms", deserialize_with = "millis")]
    pub wait: Duration,
    #[serde(rename = "work_ms", deserialize_with = "millis")]
    pub work: Duration,
    pub max_per_user: u32,
    #[serde(rename = "cancel_ms", deserialize_with = "millis")]
    pub cancel: Duration,
}

impl Check for OpenCallsConfig {
    fn check(&self, faults: &mut Faults) {
        let second = Duration::from_secs(1);
        faults.require(self.wait >= second, "open_calls.wait_ms", "must be at least 1000");
        faults.require(self.max_per_user > 0, "open_calls.max_per_user", "must be at least 1");
    }
}
