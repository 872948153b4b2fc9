//! The edge on real sockets, between a client with TLS and cores that answer as little as is needed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    clippy::disallowed_methods,
    reason = "the cores and clients of a test end with it, so no tracker waits for them"
)]

mod bounds;
mod core;
mod door;
mod drain;
mod edges;
mod house;
mod http;
mod issuer;
mod issuers;
mod process;
mod redis;
mod refusals;
mod sockets;
mod streams;
mod tokens;
