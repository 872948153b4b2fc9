//! What clients of A2A are told without asking.

use serde::Deserialize;
use std::time::Duration;
use switchboard_shared::config::{Check, Faults};

/// `[push]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct PushConfig {
    pub max_per_task: u32,
    pub max_per_user: u32,
    pub at_once: usize,
    #[serde(rename = "timeout_ms", deserialize_with = "super::millis")]
    pub timeout: Duration,
    #[serde(rename = "give_up_ms", deserialize_with = "super::millis")]
    pub give_up: Duration,
}

impl Check for PushConfig {
    fn check(&self, faults: &mut Faults) {
        let fits = (1..=100).contains(&self.max_per_task);
        faults.require(fits, "push.max_per_task", "must be between 1 and 100");
        faults.require(self.max_per_user > 0, "push.max_per_user", "must be at least 1");
        faults.require(self.at_once > 0, "push.at_once", "must be at least 1");
        let fits = (100..=30_000).contains(&self.timeout.as_millis());
        faults.require(fits, "push.timeout_ms", "must be between 100 and 30000");
    }
}
