//! The face that clients of OpenAI call.

use serde::Deserialize;
use std::time::Duration;
use switchboard_shared::config::{Check, Faults};

/// `[openai]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct OpenAiConfig {
    pub reasoning: bool,
    pub chat_id_header: String,
    pub cancel_when_gone: bool,
    #[serde(rename = "task_ms", deserialize_with = "super::millis")]
    pub task: Duration,
}

impl Check for OpenAiConfig {
    fn check(&self, faults: &mut Faults) {
        let is_name = self.chat_id_header.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        faults.require(
            is_name,
            "openai.chat_id_header",
            "must be a header's name, such as X-OpenWebUI-Chat-Id",
        );
        let is_ours = self.chat_id_header.to_ascii_lowercase().starts_with("x-switchboard-");
        faults.require(
            !is_ours,
            "openai.chat_id_header",
            "must not begin with X-Switchboard-, which no edge lets through",
        );
        faults.require(!self.task.is_zero(), "openai.task_ms", "must be at least 1");
    }
}
