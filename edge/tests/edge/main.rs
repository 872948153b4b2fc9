//! The edge on real sockets, between a client with TLS and cores that answer as little as is needed.

mod bounds;
mod core;
mod drain;
mod house;
mod http;
mod issuer;
mod redis;
mod sockets;
mod streams;
mod tokens;
