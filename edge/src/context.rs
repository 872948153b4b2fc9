//! What the rooms of the edge share, and what every request to a core is stamped with.

use crate::{
    auth::{Auth, revoked::Revoked},
    config::Config,
    edges::Edges,
    limit::Limits,
    metrics::METRICS,
    upstream::Cores,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use switchboard_shared::{
    headers,
    identity::{Identity, SignedFor},
    keys::SigningKeys,
    proof,
    shutdown::Shutdown,
    telemetry,
};
use tracing::Span;

/// The edge: one per process.
#[derive(Debug)]
pub struct Edge {
    /// The configuration.
    pub config: Config,
    /// Verifies tokens.
    pub auth: Auth,
    /// What was taken back.
    pub revoked: Arc<Revoked>,
    /// Decides about limits.
    pub limits: Limits,
    /// Knows the other edges.
    pub edges: Arc<Edges>,
    /// Knows the cores.
    pub cores: Cores,
    /// Sign who asks.
    pub keys: SigningKeys,
    /// Ends the process.
    pub shutdown: Shutdown,
    /// The time over which sockets and streams leave, once they do.
    pub spread: OnceLock<Duration>,
}

impl Edge {
    /// Whether the process is about to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shutdown.token.is_cancelled()
    }

    /// The time over which sockets and event streams leave this edge: as long as it takes at `socket.drain_per_s`, and no longer than
    /// `socket.drain_spread_ms`. Few leave at once; many must not come to the other edges all together.
    #[must_use]
    pub fn drain_spread(&self) -> Duration {
        let config = &self.config.socket;
        *self.spread.get_or_init(|| {
            let open = u32::try_from(METRICS.open_sockets.get() + METRICS.open_streams.get()).unwrap_or(0);
            let time = Duration::from_secs_f64(f64::from(open) / f64::from(config.drain_per_s));
            time.min(Duration::from_millis(config.drain_spread_ms))
        })
    }

    /// The stamp for requests on behalf of `identity`.
    #[must_use]
    pub fn stamp<'a>(
        &'a self,
        identity: Option<&'a Identity>,
        request_id: &'a str,
        span: &'a Span,
    ) -> Stamp<'a> {
        Stamp { keys: &self.keys, identity, request_id, span }
    }
}

/// Makes a request id: a UUIDv7, so that ids sort by time.
#[must_use]
pub fn request_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// What the edge vouches for towards a core.
#[derive(Debug)]
pub struct Stamp<'a> {
    keys: &'a SigningKeys,
    identity: Option<&'a Identity>,
    request_id: &'a str,
    span: &'a Span,
}

impl Stamp<'_> {
    /// The header fields of one request, signed now: a signature is good for half a minute and for nothing else. An
    /// event stream has no deadline.
    #[must_use]
    pub fn headers(&self, left: Option<Duration>, method: &Method, target: &str) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(6);
        let request = SignedFor { method: method.as_str(), target, request_id: self.request_id };
        let now_s = chrono::Utc::now().timestamp();
        match self.identity {
            Some(identity) => put(&mut map, headers::IDENTITY, &identity.sign(self.keys, now_s, request)),
            None => put(&mut map, headers::EDGE, &proof::sign(self.keys, now_s, request)),
        }
        put(&mut map, headers::REQUEST_ID, self.request_id);
        if let Some(left) = left {
            put(&mut map, headers::DEADLINE_MS, &left.as_millis().to_string());
        }
        telemetry::inject(self.span, &mut map);
        map
    }
}

fn put(map: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        map.insert(HeaderName::from_static(name), value);
    }
}
