//! The core's configuration; `deploy/core.toml` is its manual and its defaults.

mod agents;
mod analytics;
mod embedder;
mod keep;
mod limits;
mod login;
mod open_calls;
mod openai;
mod page;
mod push;

pub use agents::AgentsConfig;
pub use analytics::{AnalyticsConfig, CeilingConfig, Ceilings, ModelPrice, PriceConfig};
pub use embedder::EmbedderConfig;
pub use keep::{QuotaConfig, RetentionConfig};
pub use limits::{CostlyPerMinute, LimitsConfig};
pub(crate) use login::is_closed_to_others;
pub use login::{LoginConfig, ProviderClaims, ProviderConfig};
pub use open_calls::OpenCallsConfig;
pub use openai::OpenAiConfig;
pub use page::PageConfig;
pub use push::PushConfig;

use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use switchboard_shared::{
    config::{self, Check, Faults, Secret},
    keys::SigningKeys,
    proxy::Proxy,
    redis,
    telemetry::TelemetryConfig,
    tls::TlsFiles,
};
use tokio_postgres::config::SslMode;
use url::Url;

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../../deploy/core.toml");

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct Config {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub identity_key: Secret,
    pub identity_keys_accepted: Vec<Secret>,
    pub max_body_bytes: usize,
    pub uploads_bytes: usize,
    pub downloads_bytes: usize,
    pub max_text_chars: usize,
    pub max_parts: usize,
    #[serde(rename = "request_deadline_ms", deserialize_with = "millis")]
    pub request_deadline: Duration,
    #[serde(rename = "drain_ms", deserialize_with = "millis")]
    pub drain: Duration,
    pub max_streams: usize,
    pub max_streams_per_user: usize,
    pub postgres: PostgresConfig,
    pub redis: RedisConfig,
    pub events: EventsConfig,
    pub turn: TurnConfig,
    pub agents: AgentsConfig,
    pub open_calls: OpenCallsConfig,
    pub route: RouteConfig,
    pub limits: LimitsConfig,
    pub quota: QuotaConfig,
    pub retention: RetentionConfig,
    pub openai: OpenAiConfig,
    pub push: PushConfig,
    pub synthesis: SynthesisConfig,
    pub page: PageConfig,
    pub analytics: AnalyticsConfig,
    pub login: LoginConfig,
    pub llm: Vec<LlmConfig>,
    pub telemetry: TelemetryConfig,
}

/// `[postgres]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct PostgresConfig {
    pub urls: Vec<Secret>,
    pub migrate_urls: Vec<Secret>,
    pub ca_file: PathBuf,
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    pub role: String,
    pub pool_max: usize,
    #[serde(rename = "wait_ms", deserialize_with = "millis")]
    pub wait: Duration,
    #[serde(rename = "connect_ms", deserialize_with = "millis")]
    pub connect: Duration,
    #[serde(rename = "statement_ms", deserialize_with = "millis")]
    pub statement: Duration,
    #[serde(rename = "lock_ms", deserialize_with = "millis")]
    pub lock: Duration,
    #[serde(rename = "idle_ms", deserialize_with = "millis")]
    pub idle: Duration,
    #[serde(rename = "patience_ms", deserialize_with = "millis")]
    pub patience: Duration,
    pub writer_queue: usize,
    #[serde(rename = "max_lag_ms", deserialize_with = "millis")]
    pub max_lag: Duration,
    #[serde(rename = "lost_ms", deserialize_with = "millis")]
    pub lost: Duration,
}

/// `[redis]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct RedisConfig {
    pub urls: Vec<Secret>,
    pub ca_file: PathBuf,
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    #[serde(rename = "command_ms", deserialize_with = "millis")]
    pub command: Duration,
    pub partitions: u16,
    pub delta_ttl_s: u32,
    pub delta_max: u32,
}

/// `[events]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct EventsConfig {
    #[serde(rename = "poll_ms", deserialize_with = "millis")]
    pub poll: Duration,
    #[serde(rename = "idle_poll_ms", deserialize_with = "millis")]
    pub idle_poll: Duration,
    #[serde(rename = "ping_ms", deserialize_with = "millis")]
    pub ping: Duration,
    pub keep_days: u32,
    pub queue: usize,
    pub page: u32,
    pub page_bytes: usize,
    pub queue_bytes: usize,
    #[serde(rename = "stall_ms", deserialize_with = "millis")]
    pub stall: Duration,
}

/// `[turn]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct TurnConfig {
    #[serde(rename = "deadline_ms", deserialize_with = "millis")]
    pub deadline: Duration,
    #[serde(rename = "lease_ms", deserialize_with = "millis")]
    pub lease: Duration,
    pub max_running: usize,
    pub max_at_work: usize,
    pub max_queued: usize,
    #[serde(rename = "max_wait_ms", deserialize_with = "millis")]
    pub max_wait: Duration,
    pub max_agents: usize,
    pub files_bytes: usize,
    pub context_messages: u32,
}

/// `[route]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct RouteConfig {
    pub accept: f64,
    pub right: f64,
    pub accept_each: f64,
    pub margin: f64,
    #[serde(rename = "llm_ms", deserialize_with = "millis")]
    pub llm: Duration,
    pub min_known: f64,
    #[serde(rename = "model_wait_ms", deserialize_with = "millis")]
    pub model_wait: Duration,
    pub learn_at_once: usize,
    pub models_bytes: usize,
    pub embedder: EmbedderConfig,
}

/// `[synthesis]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct SynthesisConfig {
    #[serde(rename = "first_token_ms", deserialize_with = "millis")]
    pub first_token: Duration,
    #[serde(rename = "total_ms", deserialize_with = "millis")]
    pub total: Duration,
    pub max_answer_chars: usize,
    pub max_reply_chars: usize,
    pub max_prompt_chars: usize,
}

/// One of `[[llm]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct LlmConfig {
    pub base_url: Url,
    #[serde(default)]
    pub api_key: Secret,
    pub model: String,
    #[serde(default)]
    pub proxy: Proxy,
}

impl Config {
    /// What edges and cores sign with.
    pub(crate) fn keys(&self) -> SigningKeys {
        SigningKeys::new(self.identity_key.expose(), self.identity_keys_accepted.iter().map(Secret::expose))
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults) {
        config::require_key(faults, "identity_key", &self.identity_key);
        for key in &self.identity_keys_accepted {
            config::require_key(faults, "identity_keys_accepted", key);
        }
        config::require_private(faults, "admin_listen", self.admin_listen);
        self.postgres.check(faults);
        redis::check(&self.redis.urls, &self.redis.tls(), faults);
        for llm in &self.llm {
            faults.require(config::is_web(&llm.base_url), "llm", "base_url must be http or https");
            faults.require(
                !llm.base_url.path().trim_end_matches('/').ends_with("/chat/completions"),
                "llm.base_url",
                "is what stands before /chat/completions, which is added",
            );
            llm.proxy.check(faults, "llm.proxy");
            let key = llm.api_key.expose();
            faults.require(
                key.chars().all(|c| c.is_ascii_graphic()),
                "llm.api_key",
                "must be visible ASCII, the key alone",
            );
        }
        for (name, share) in [
            ("route.accept", self.route.accept),
            ("route.right", self.route.right),
            ("route.accept_each", self.route.accept_each),
            ("route.margin", self.route.margin),
            ("route.min_known", self.route.min_known),
        ] {
            faults.require((0.0..=1.0).contains(&share), name, "must be between 0 and 1");
        }
        TlsFiles { ca: self.agents.ca_file.clone(), ..TlsFiles::default() }.check("agents", false, faults);
        self.route.embedder.check(faults);
        self.telemetry.check(faults);
        faults.require(
            self.route.models_bytes >= 1 << 20,
            "route.models_bytes",
            "must be at least 1048576, or no model of many agents would stay",
        );
        self.limits.check(faults);
        self.retention.check(faults);
        self.page.check(faults);
        self.analytics.check(faults);
        self.login.check(faults);
        self.openai.check(faults);
        self.push.check(faults);
        self.open_calls.check(faults);
        for (name, count) in [
            ("max_body_bytes", self.max_body_bytes),
            ("uploads_bytes", self.uploads_bytes),
            ("downloads_bytes", self.downloads_bytes),
            ("turn.files_bytes", self.turn.files_bytes),
            ("max_text_chars", self.max_text_chars),
            ("max_streams", self.max_streams),
            ("max_streams_per_user", self.max_streams_per_user),
            ("postgres.pool_max", self.postgres.pool_max),
            ("redis.partitions", self.redis.partitions.into()),
            ("events.queue", self.events.queue),
            ("turn.max_running", self.turn.max_running),
            ("turn.max_at_work", self.turn.max_at_work),
            ("turn.max_queued", self.turn.max_queued),
            ("turn.max_agents", self.turn.max_agents),
            ("route.learn_at_once", self.route.learn_at_once),
            ("agents.max_reply_bytes", self.agents.max_reply_bytes),
            ("agents.max_stream_bytes", self.agents.max_stream_bytes),
            ("agents.max_cards_bytes", self.agents.max_cards_bytes),
            ("synthesis.max_answer_chars", self.synthesis.max_answer_chars),
            ("synthesis.max_prompt_chars", self.synthesis.max_prompt_chars),
        ] {
            faults.require(count > 0, name, "must be at least 1");
        }
        faults.require(
            self.events.page > 0 && self.events.page <= 5_000,
            "events.page",
            "must be between 1 and 5000",
        );
        faults.require(
            (65_536..=524_288).contains(&self.events.page_bytes),
            "events.page_bytes",
            "must be between 65536 and 524288: an edge takes events of 1 MiB unless it is told otherwise",
        );
        faults.require(
            self.turn.lease >= Duration::from_secs(1),
            "turn.lease_ms",
            "must be at least 1000, or every slow moment loses the turn",
        );
        faults.require(
            self.turn.max_wait >= Duration::from_millis(100),
            "turn.max_wait_ms",
            "must be at least 100, or every moment that is busy refuses messages",
        );
    }
}

impl Check for PostgresConfig {
    fn check(&self, faults: &mut Faults) {
        faults.require(
            !self.urls.is_empty(),
            "postgres.urls",
            "must name at least one host, as in [\"postgres://user@host/switchboard\"]",
        );
        let second = Duration::from_secs(1);
        faults.require(
            self.lost >= second,
            "postgres.lost_ms",
            "must be at least 1000, or every slow moment is a lost host",
        );
        let mut required = false;
        for url in self.urls.iter().chain(&self.migrate_urls) {
            match url.expose().parse::<tokio_postgres::Config>() {
                Ok(url) => required |= url.get_ssl_mode() == SslMode::Require,
                Err(error) => faults.add("postgres.urls", unreadable(&error)),
            }
        }
        self.tls().check("postgres", required, faults);
        faults.require(
            !self.role.is_empty() && self.role.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "postgres.role",
            "must be letters, digits and _",
        );
    }
}

impl PostgresConfig {
    /// The files for hosts that speak TLS.
    pub(crate) fn tls(&self) -> TlsFiles {
        TlsFiles { ca: self.ca_file.clone(), cert: self.cert_file.clone(), key: self.key_file.clone() }
    }
}

impl RedisConfig {
    /// The files for `rediss://`.
    pub(crate) fn tls(&self) -> TlsFiles {
        TlsFiles { ca: self.ca_file.clone(), cert: self.cert_file.clone(), key: self.key_file.clone() }
    }
}

/// What libpq takes and this does not is in many a provider's URL.
fn unreadable(error: &tokio_postgres::Error) -> String {
    let why = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let hint = match why.contains("`ssl") {
        true => {
            "; sslmode is disable, prefer or require, which checks as verify-full does, and the files are ca_file, cert_file and key_file"
        }
        false => "",
    };
    format!("a URL cannot be read: {why}{hint}")
}

fn millis<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_millis)
}

#[cfg(test)]
mod tests;
