//! The edge's configuration. `deploy/edge.toml` holds the defaults and says what each value means.

use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use switchboard_shared::{
    config::{self, Check, ConfigError, Faults, Secret},
    identity::Tier,
    redis,
    telemetry::TelemetryConfig,
    tls::TlsFiles,
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
    pub workers: usize,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub max_strangers_per_address: usize,
    pub drain_s: u64,
    pub tls: TlsConfig,
    pub cores: CoresConfig,
    pub http: HttpConfig,
    pub auth: AuthConfig,
    pub limits: LimitsConfig,
    pub redis: RedisConfig,
    pub socket: SocketConfig,
    pub telemetry: TelemetryConfig,
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
    pub jwks_stale_s: u64,
    pub max_token_bytes: usize,
    pub skew_s: i64,
    pub token_cache: usize,
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
}

/// `[limits.messages_per_minute]`
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
    pub origins: Vec<String>,
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
}

impl Config {
    /// Loads a file over the defaults.
    ///
    /// # Errors
    /// With every fault of the file.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        config::load(DEFAULTS, Some(file))
    }
}

impl Check for Config {
    fn check(&self, faults: &mut Faults) {
        config::require_key(faults, "identity_key", &self.identity_key);
        config::require_private(faults, "admin_listen", self.admin_listen);
        faults.require(self.max_connections > 0, "max_connections", "must be at least 1");
        faults.require(self.max_connections <= 1_000_000, "max_connections", "must be at most 1000000");
        for (key, value) in [
            ("max_connections_per_address", self.max_connections_per_address),
            ("max_strangers_per_address", self.max_strangers_per_address),
        ] {
            faults.require(value > 0, key, "must be at least 1");
        }
        self.tls.check(faults);
        self.cores.check(faults);
        self.http.check(faults);
        self.auth.check(faults);
        self.limits.check(faults);
        self.redis.check(faults);
        self.socket.check(faults);
    }
}

impl TlsConfig {
    fn check(&self, faults: &mut Faults) {
        for (key, path) in [("tls.cert", &self.cert), ("tls.key", &self.key)] {
            if path.as_os_str().is_empty() {
                faults.add(key, "must name a PEM file");
            } else if !path.is_file() {
                faults.add(key, "is not a file that can be found");
            }
        }
        faults.require(self.handshake_timeout_ms > 0, "tls.handshake_timeout_ms", "must be at least 1");
    }
}

impl CoresConfig {
    fn check(&self, faults: &mut Faults) {
        faults.require(!self.urls.is_empty(), "cores.urls", "must name at least one core");
        for url in &self.urls {
            let plain = url.scheme() == "http" && url.host().is_some() && url.path() == "/";
            faults.require(plain, "cores.urls", "must be of the form http://host:port");
        }
        for (key, value) in [
            ("cores.health_interval_ms", self.health_interval_ms),
            ("cores.health_timeout_ms", self.health_timeout_ms),
            ("cores.connect_timeout_ms", self.connect_timeout_ms),
        ] {
            faults.require(value > 0, key, "must be at least 1");
        }
        faults.require((1..=16).contains(&self.attempts), "cores.attempts", "must be 1 to 16");
        faults.require(self.streams_per_connection > 0, "cores.streams_per_connection", "must be at least 1");
    }
}

impl HttpConfig {
    fn check(&self, faults: &mut Faults) {
        let bytes = (1024..=65536).contains(&self.max_header_bytes);
        faults.require(bytes, "http.max_header_bytes", "must be 1024 to 65536");
        faults.require((8..=256).contains(&self.max_headers), "http.max_headers", "must be 8 to 256");
        let resets = (1..=100_000).contains(&self.max_h2_resets);
        faults.require(resets, "http.max_h2_resets", "must be 1 to 100000");
        let held = (65_536..=1 << 30).contains(&self.max_h2_held_bytes);
        faults.require(held, "http.max_h2_held_bytes", "must be 65536 to 1073741824");
        for (key, value) in [
            ("http.header_timeout_ms", self.header_timeout_ms),
            ("http.keepalive_s", self.keepalive_s),
            ("http.body_timeout_ms", self.body_timeout_ms),
            ("http.read_timeout_ms", self.read_timeout_ms),
            ("http.write_timeout_ms", self.write_timeout_ms),
            ("http.deadline_ms", self.deadline_ms),
            ("http.max_h2_streams", u64::from(self.max_h2_streams)),
        ] {
            faults.require(value > 0, key, "must be at least 1");
        }
    }

    /// The deadline of a request.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }
}

impl AuthConfig {
    fn check(&self, faults: &mut Faults) {
        faults.require(!self.issuer.is_empty(), "auth.issuer", "must be the tokens' iss");
        faults.require(!self.audience.is_empty(), "auth.audience", "must be the tokens' aud");
        faults.require(!self.jwks.is_empty(), "auth.jwks", "must be a file or an https URL");
        faults.require(
            !is_open_to_others(&self.jwks),
            "auth.jwks",
            "must be https, or http on loopback: whoever stands between could give keys of their own",
        );
        faults.require(self.max_token_bytes >= 512, "auth.max_token_bytes", "must be at least 512");
        faults.require((0..=300).contains(&self.skew_s), "auth.skew_s", "must be 0 to 300");
        faults.require(self.token_cache >= 16, "auth.token_cache", "must be at least 16");
        faults.require(self.jwks_stale_s >= 3600, "auth.jwks_stale_s", "must be at least 3600");
    }
}

/// Whether somebody on the way could change what comes from there.
fn is_open_to_others(jwks: &str) -> bool {
    let Ok(url) = Url::parse(jwks) else { return false };
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !loopback
}

impl LimitsConfig {
    fn check(&self, faults: &mut Faults) {
        let messages = &self.messages_per_minute;
        for (key, value) in [
            ("limits.ip_per_minute", self.ip_per_minute),
            ("limits.requests_per_minute", self.requests_per_minute),
            ("limits.messages_per_minute.free", messages.free),
            ("limits.messages_per_minute.standard", messages.standard),
            ("limits.messages_per_minute.premium", messages.premium),
            ("limits.messages_per_minute.enterprise", messages.enterprise),
        ] {
            faults.require((1..=60_000_000).contains(&value), key, "must be 1 to 60000000");
        }
        faults.require(self.local_keys >= 1000, "limits.local_keys", "must be at least 1000");
    }
}

impl RedisConfig {
    fn check(&self, faults: &mut Faults) {
        redis::check(&self.urls, &self.tls(), faults);
        faults.require((1..=50).contains(&self.timeout_ms), "redis.timeout_ms", "must be 1 to 50");
        faults.require(self.breaker_failures > 0, "redis.breaker_failures", "must be at least 1");
    }

    /// The files for `rediss://`.
    #[must_use]
    pub fn tls(&self) -> TlsFiles {
        TlsFiles { ca: self.ca_file.clone(), cert: self.cert_file.clone(), key: self.key_file.clone() }
    }
}

impl SocketConfig {
    fn check(&self, faults: &mut Faults) {
        for origin in &self.origins {
            let exact = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
            faults.require(exact, "socket.origins", "must be exact origins such as https://chat.example");
        }
        let frame = (1024..=16 << 20).contains(&self.max_frame_bytes);
        faults.require(frame, "socket.max_frame_bytes", "must be 1024 to 16777216");
        for (key, value) in [
            ("socket.hello_timeout_ms", self.hello_timeout_ms),
            ("socket.heartbeat_s", self.heartbeat_s),
            ("socket.max_fragments", u64::from(self.max_fragments)),
            ("socket.max_joins", self.max_joins as u64),
            ("socket.max_unanswered", self.max_unanswered as u64),
            ("socket.frames_per_second", u64::from(self.frames_per_second)),
            ("socket.frames_burst", u64::from(self.frames_burst)),
            ("socket.queue_bytes", self.queue_bytes as u64),
            ("socket.queue_frames", self.queue_frames as u64),
            ("socket.queue_stall_ms", self.queue_stall_ms),
            ("socket.send_deadline_ms", self.send_deadline_ms),
            ("socket.send_attempt_ms", self.send_attempt_ms),
            ("socket.reattach_ms", self.reattach_ms),
            ("socket.stream_silence_ms", self.stream_silence_ms),
            ("socket.max_event_bytes", self.max_event_bytes as u64),
        ] {
            faults.require(value > 0, key, "must be at least 1");
        }
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
        for jwks in ["http://a.example/keys", "http://10.0.0.1/keys", "HTTP://localhost.a.example/k"] {
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
        assert!(error.contains("f:4: socket.origins"), "{error}");
    }
}
