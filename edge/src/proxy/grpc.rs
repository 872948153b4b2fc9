//! What gRPC needs: a connection to a core by HTTP/2, since how a request went stands behind its answer's body, and a look at
//! what it was answered.

use crate::metrics::counts_as;
use pingora::{http::ResponseHeader, upstreams::peer::HttpPeer};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// For one request at a time, so that a client that does not read holds up no other one. An answer may be silent for as
/// long as its core is there, which is asked by pings of HTTP/2: gRPC has no sign of life of its own.
pub(super) fn over_http2(peer: &mut HttpPeer, silence: Duration) {
    peer.options.set_http_version(2, 2);
    peer.options.max_h2_streams = 1;
    peer.options.h2_ping_interval = Some(silence / 2);
    peer.options.read_timeout = None;
}

/// A group of connections that no other request has: over HTTP/2 nothing says that one is to be closed.
pub(super) fn alone() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(2);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The status that an answer counts under; its head has it, where it is a refusal.
pub(super) fn status(answer: &ResponseHeader) -> u16 {
    let own = answer.headers.get("grpc-status").map(|value| value.to_str().unwrap_or("unreadable"));
    counts_as(answer.status, own).as_u16()
}
