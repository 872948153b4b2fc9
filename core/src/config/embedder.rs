//! The embedder's settings.

use super::millis;
use serde::Deserialize;
use std::time::Duration;
use switchboard_shared::{
    config::{self, Check, Faults, Secret},
    proxy::Proxy,
};

/// `[route.embedder]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct EmbedderConfig {
    pub folder: String,
    pub model: String,
    pub tokenizer: String,
    pub url: String,
    pub url_model: String,
    pub api_key: Secret,
    pub proxy: Proxy,
    #[serde(rename = "timeout_ms", deserialize_with = "millis")]
    pub timeout: Duration,
    pub max_tokens: usize,
}

impl Check for EmbedderConfig {
    fn check(&self, faults: &mut Faults) {
        faults.require(
            self.folder.is_empty() || self.model.is_empty(),
            "route.embedder.model",
            "must be empty when folder is given: there is one embedder",
        );
        faults.require(
            self.url.is_empty() || (self.folder.is_empty() && self.model.is_empty()),
            "route.embedder.url",
            "must be empty when folder or model is given: there is one embedder",
        );
        faults.require(
            self.model.is_empty() == self.tokenizer.is_empty(),
            "route.embedder.tokenizer",
            "must be given with model, and only with it",
        );
        faults.require(
            self.url.is_empty() || config::web_url(&self.url).is_ok(),
            "route.embedder.url",
            "must be http or https, as in \"https://api.example.com/v1\"",
        );
        faults.require(
            self.url.is_empty() == self.url_model.is_empty(),
            "route.embedder.url_model",
            "must be given with url, and only with it",
        );
        faults.require(
            self.api_key.expose().chars().all(|c| c.is_ascii_graphic()),
            "route.embedder.api_key",
            "must be visible ASCII",
        );
        faults.require(
            (8..=8_192).contains(&self.max_tokens),
            "route.embedder.max_tokens",
            "must be between 8 and 8192",
        );
        self.proxy.check(faults, "route.embedder.proxy");
        faults.require(!self.timeout.is_zero(), "route.embedder.timeout_ms", "must be at least 1");
    }
}
