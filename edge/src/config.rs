//! The edge's configuration. `deploy/edge.toml` holds the defaults and says what each value means.

mod checks;

pub(crate) use checks::is_public_url;

use crate::socket::origin::Origin;
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
#[cfg(test)]
use switchboard_shared::config::{Check, Faults};
use switchboard_shared::{
    claims::{ClaimDefaults, ClaimPath, Mapping},
    config::{self, ConfigError, Secret},
    identity::Tier,
    keys::SigningKeys,
    proxy::Proxy,
    telemetry::TelemetryConfig,
};
use url::Url;

/// The commented defaults, which are also the manual.
pub const DEFAULTS: &str = include_str!("../../deploy/edge.toml");

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct Config {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub identity_key: Secret,
    pub identity_keys_accepted: Vec<Secret>,
    pub workers: usize,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub max_strangers_per_address: usize,
    pub drain_s: u64,
    pub edge: EdgeConfig,
    pub tls: TlsConfig,
    pub cores: CoresConfig,
    pub http: HttpConfig,
    pub auth: AuthConfig,
    pub limits: LimitsConfig,
    pub redis: RedisConfig,
    pub socket: SocketConfig,
    pub telemetry: TelemetryConfig,
}

/// `[edge]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct EdgeConfig {
    pub public_url: String,
    pub region: String,
    pub refresh_ms: u64,
    pub lease_ms: u64,
    pub keep_ms: u64,
}

/// `[tls]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct TlsConfig {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub handshake_timeout_ms: u64,
}

/// `[cores]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct CoresConfig {
    pub urls: Vec<Url>,
    pub health_interval_ms: u64,
    pub health_timeout_ms: u64,
    pub connect_timeout_ms: u64,
    pub attempts: usize,
    pub streams_per_connection: usize,
}

/// `[http]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct HttpConfig {
    pub max_header_bytes: usize,
    pub max_headers: usize,
    pub header_timeout_ms: u64,
    pub keepalive_s: u64,
    pub max_body_bytes: u64,
    pub body_timeout_ms: u64,
    pub read_timeout_ms: u64,
    pub write_timeout_ms: u64,
    pub deadline_ms: u64,
    pub max_h2_streams: u32,
    pub max_h2_resets: usize,
    pub max_h2_held_bytes: usize,
}

/// `[auth]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct AuthConfig {
    pub issuer: String,
    pub audience: String,
    pub jwks: String,
    pub jwks_proxy: Proxy,
    pub jwks_stale_s: u64,
    pub max_token_bytes: usize,
    pub skew_s: i64,
    pub token_cache: usize,
    pub untyped: bool,
    pub revoked_every_ms: u64,
    pub key_cache_s: u64,
    pub claims: ClaimsConfig,
    pub defaults: ClaimDefaults,
    pub sessions: SessionsConfig,
}

/// `[auth.claims]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct ClaimsConfig {
    pub audience: ClaimPath,
    pub tenant: ClaimPath,
    pub roles: ClaimPath,
    pub groups: ClaimPath,
    pub tier: ClaimPath,
}

/// `[auth.sessions]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct SessionsConfig {
    pub issuer: String,
    pub jwks: String,
}

impl AuthConfig {
    /// Where this issuer's tokens say who somebody is.
    #[must_use]
    pub fn mapping(&self) -> Mapping<'_> {
        let ClaimsConfig { tenant, roles, groups, tier, .. } = &self.claims;
        Mapping { tenant, roles, groups, tier, defaults: &self.defaults }
    }

    /// The rules for session tokens, which cores sign; `None` where no key of theirs is named.
    #[must_use]
    pub fn of_sessions(&self) -> Option<Self> {
        let named = |name: &str| ClaimPath::named(name);
        (!self.sessions.jwks.is_empty()).then(|| Self {
            issuer: self.sessions.issuer.clone(),
            jwks: self.sessions.jwks.clone(),
            untyped: false,
            claims: ClaimsConfig {
                audience: named("aud"),
                tenant: named("tenant"),
                roles: named("roles"),
                groups: named("groups"),
                tier: named("tier"),
            },
            defaults: ClaimDefaults::default(),
            ..self.clone()
        })
    }
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct LimitsConfig {
    pub ip_per_minute: u32,
    pub requests_per_minute: u32,
    pub local_keys: usize,
    pub messages_per_minute: TierQuotas,
    pub joins_per_minute: TierQuotas,
}

/// `[limits.messages_per_minute]`, `[limits.joins_per_minute]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct TierQuotas {
    pub free: u32,
    pub standard: u32,
    pub premium: u32,
    pub enterprise: u32,
}

impl TierQuotas {
    /// The quota of a tier.
    #[must_use]
    pub fn of(&self, tier: Tier) -> u32 {
        match tier {
            Tier::Free => self.free,
            Tier::Standard => self.standard,
            Tier::Premium => self.premium,
            Tier::Enterprise => self.enterprise,
        }
    }
}

/// `[redis]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct RedisConfig {
    pub urls: Vec<Secret>,
    pub ca_file: PathBuf,
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    pub timeout_ms: u64,
    pub on_down: OnDown,
    pub breaker_failures: u32,
    pub breaker_open_ms: u64,
}

/// What decides while Redis does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDown {
    /// Each edge counts for itself.
    Local,
    /// Everything is let through.
    Allow,
    /// Nothing is let through.
    Deny,
}

/// `[socket]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each value is described in deploy/edge.toml")]
pub struct SocketConfig {
    pub origins: Vec<Origin>,
    pub hello_timeout_ms: u64,
    pub heartbeat_s: u64,
    pub max_frame_bytes: usize,
    pub max_fragments: u32,
    pub max_joins: usize,
    pub max_unanswered: usize,
    pub frames_per_second: u32,
    pub frames_burst: u32,
    pub max_bad_frames: u32,
    pub queue_bytes: usize,
    pub queue_frames: usize,
    pub queue_stall_ms: u64,
    pub send_deadline_ms: u64,
    pub send_attempt_ms: u64,
    pub reattach_ms: u64,
    pub stream_silence_ms: u64,
    pub max_event_bytes: usize,
    pub drain_spread_ms: u64,
    pub drain_per_s: u32,
}

impl Config {
    /// Loads a file over the defaults.
    ///
    /// # Errors
    /// With every fault of the file.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        config::load(DEFAULTS, Some(file))
    }

    /// What edges and cores sign with.
    #[must_use]
    pub fn keys(&self) -> SigningKeys {
        SigningKeys::new(self.identity_key.expose(), self.identity_keys_accepted.iter().map(Secret::expose))
    }
}

/// The defaults, without what has to be given; for tests of single rooms.
#[cfg(test)]
pub(crate) fn sample() -> Config {
    struct Unchecked(Config);
    impl<'de> Deserialize<'de> for Unchecked {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            Config::deserialize(from).map(Self)
        }
    }
    impl Check for Unchecked {
        fn check(&self, _: &mut Faults) {}
    }
    config::parse::<Unchecked>(DEFAULTS, "(defaults)", "").unwrap().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_lack_only_what_has_to_be_given() {
        let error = config::parse::<Config>(DEFAULTS, "f", "").unwrap_err();
        let keys: Vec<_> = error.faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, ["identity_key", "tls.cert", "tls.key", "auth.issuer", "auth.jwks"]);
    }

    #[test]
    fn what_would_open_the_house_to_others_is_refused() {
        let text = |key: &str, admin: &str, jwks: &str| {
            format!("identity_key = \"{key}\"\nadmin_listen = \"{admin}\"\n[auth]\njwks = \"{jwks}\"\n")
        };
        let faults = |text: &str| {
            let error = config::parse::<Config>(DEFAULTS, "f", text).unwrap_err();
            let given = ["identity_key", "admin_listen", "auth.jwks"];
            error
                .faults
                .into_iter()
                .map(|fault| fault.key)
                .filter(|key| given.contains(&&**key))
                .collect::<Vec<_>>()
        };
        let key = "0123456789abcdef0123456789abcdef";
        for jwks in
            ["keys.json", "https://a/keys", "http://127.0.0.1:1/keys", "http://[::1]/k", "http://localhost/k"]
        {
            assert_eq!(faults(&text(key, "10.0.0.1:1", jwks)), [""; 0], "{jwks}");
        }
        for jwks in
            ["http://a.example/keys", "http://10.0.0.1/keys", "HTTP://localhost.a.example/k", "ftp://x/y"]
        {
            assert_eq!(faults(&text(key, "127.0.0.1:1", jwks)), ["auth.jwks"], "{jwks}");
        }
        for admin in ["0.0.0.0:1", "192.0.2.1:1", "[::]:1"] {
            assert_eq!(faults(&text(key, admin, "k")), ["admin_listen"], "{admin}");
        }
        for weak in ["a".repeat(64), "passwordpasswordpasswordpassword".into(), "0".repeat(31)] {
            assert_eq!(faults(&text(&weak, "127.0.0.1:1", "k")), ["identity_key"], "{weak}");
        }
    }

    #[test]
    fn an_origin_with_a_path_and_a_core_with_https_are_refused() {
        let text = "[cores]\nurls = [\"https://a\"]\n[socket]\norigins = [\"https://a/\"]";
        let error = config::parse::<Config>(DEFAULTS, "f", text).unwrap_err().to_string();
        assert!(error.contains("f:2: cores.urls"), "{error}");
        assert!(error.contains("f:4: socket.origins[0]: must be an origin as it is sent"), "{error}");
    }
}
