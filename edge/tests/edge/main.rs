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
#[allow(unreachable_pub, dead_code, reason = "it is another package's, which uses all of it")]
#[path = "../../../tests/src/redis_cluster.rs"]
mod redis_cluster;
mod redis_failover;
mod refusals;
mod sockets;
mod streams;
mod tokens;
