//! What a configuration must be before anything is opened: every value, all faults together.

use super::{
    AuthConfig, Config, CoresConfig, EdgeConfig, HttpConfig, LimitsConfig, RedisConfig, SocketConfig,
    TlsConfig,
};
use std::time::Duration;
use switchboard_shared::{
    config::{self, Check, Faults},
    ids::TenantId,
    redis,
    tls::TlsFiles,
};
use url::Url;

impl Check for Config {
    fn check(&self, faults: &mut Faults) {
        config::require_key(faults, "identity_key", &self.identity_key);
        for key in &self.identity_keys_accepted {
            config::require_key(faults, "identity_keys_accepted", key);
        }
        config::require_private(faults, "admin_listen", self.admin_listen);
        faults.require(self.max_connections > 0, "max_connections", "must be at least 1");
        faults.require(self.max_connections <= 1_000_000, "max_connections", "must be at most 1000000");
        for (key, value) in [
            ("max_connections_per_address", self.max_connections_per_address),
            ("max_strangers_per_address", self.max_strangers_per_address),
        ] {
            faults.require(value > 0, key, "must be at least 1");
        }
        self.edge.check(faults);
        let spread = self.socket.drain_spread_ms <= self.drain_s.saturating_mul(1000);
        faults.require(spread, "socket.drain_spread_ms", "must be at most drain_s");
        self.tls.check(faults);
        self.cores.check(faults);
        self.http.check(faults);
        self.auth.check(faults);
        self.limits.check(faults);
        self.redis.check(faults);
        self.socket.check(faults);
        self.telemetry.check(faults);
    }
}

impl EdgeConfig {
    fn check(&self, faults: &mut Faults) {
        let url = self.public_url.is_empty() || is_public_url(&self.public_url);
        faults.require(url, "edge.public_url", "must be of the form https://host or https://host:port");
        let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let region = self.region.len() <= 64 && self.region.chars().all(word);
        faults.require(region, "edge.region", "must be at most 64 of letters, digits, - _ .");
        let refresh = (100..=60_000).contains(&self.refresh_ms);
        faults.require(refresh, "edge.refresh_ms", "must be 100 to 60000");
        let lease = self.lease_ms >= 2 * self.refresh_ms && self.lease_ms <= 600_000;
        faults.require(lease, "edge.lease_ms", "must be at least twice edge.refresh_ms, and at most 600000");
        faults.require(self.keep_ms <= 3_600_000, "edge.keep_ms", "must be at most 3600000");
    }
}

/// Whether clients can be sent there: TLS, a host, perhaps a port, and nothing else.
pub(crate) fn is_public_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let alone = url.username().is_empty() && url.password().is_none();
        url.scheme() == "https" && url.has_host() && bare && alone && text.len() <= 512
    })
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
        check_keys(faults, "auth.jwks", &self.jwks);
        check_keys(faults, "auth.sessions.jwks", &self.sessions.jwks);
        let own = !self.sessions.issuer.is_empty() && self.sessions.issuer != self.issuer;
        faults.require(
            own,
            "auth.sessions.issuer",
            "must be another name than auth.issuer: it is the cores'",
        );
        self.jwks_proxy.check(faults, "auth.jwks_proxy");
        faults.require(self.max_token_bytes >= 512, "auth.max_token_bytes", "must be at least 512");
        faults.require((0..=300).contains(&self.skew_s), "auth.skew_s", "must be 0 to 300");
        let revoked = (100..=4000).contains(&self.revoked_every_ms);
        faults.require(revoked, "auth.revoked_every_ms", "must be 100 to 4000");
        faults.require((1..=300).contains(&self.key_cache_s), "auth.key_cache_s", "must be 1 to 300");
        faults.require(self.token_cache >= 16, "auth.token_cache", "must be at least 16");
        let audience = !self.claims.audience.is_empty();
        faults.require(audience, "auth.claims.audience", "must name the claim that says whom tokens are for");
        let tenant = self.defaults.tenant.is_empty() || self.defaults.tenant.parse::<TenantId>().is_ok();
        faults.require(tenant, "auth.defaults.tenant", "must be 1 to 64 of letters, digits, - _ ., or empty");
        let nowhere = self.claims.tenant.is_empty() && self.defaults.tenant.is_empty();
        faults.require(
            !nowhere,
            "auth.claims.tenant",
            "must name a claim unless auth.defaults.tenant is given",
        );
        faults.require(self.jwks_stale_s >= 3600, "auth.jwks_stale_s", "must be at least 3600");
    }
}

fn check_keys(faults: &mut Faults, key: &str, jwks: &str) {
    let file_or_web = jwks
        .split_once("://")
        .is_none_or(|(scheme, _)| ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)));
    faults.require(file_or_web, key, "must be a file or an https URL");
    faults.require(
        !is_open_to_others(jwks),
        key,
        "must be https, or http on loopback: whoever stands between could give keys of their own",
    );
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
        let (messages, joins) = (&self.messages_per_minute, &self.joins_per_minute);
        for (key, value) in [
            ("limits.ip_per_minute", self.ip_per_minute),
            ("limits.requests_per_minute", self.requests_per_minute),
            ("limits.messages_per_minute.free", messages.free),
            ("limits.messages_per_minute.standard", messages.standard),
            ("limits.messages_per_minute.premium", messages.premium),
            ("limits.messages_per_minute.enterprise", messages.enterprise),
            ("limits.joins_per_minute.free", joins.free),
            ("limits.joins_per_minute.standard", joins.standard),
            ("limits.joins_per_minute.premium", joins.premium),
            ("limits.joins_per_minute.enterprise", joins.enterprise),
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
        let frame = (1024..=16 << 20).contains(&self.max_frame_bytes);
        faults.require(frame, "socket.max_frame_bytes", "must be 1024 to 16777216");
        for (key, value) in [
            ("socket.hello_timeout_ms", self.hello_timeout_ms),
            ("socket.heartbeat_s", self.heartbeat_s),
            ("socket.max_fragments", u64::from(self.max_fragments)),
            ("socket.max_joins", self.max_joins as u64),
            ("socket.max_unanswered", self.max_unanswered as u64),
            ("socket.frames_per_second", u64::from(self.frames_per_second)),
            ("socket.drain_per_s", u64::from(self.drain_per_s)),
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
