//! What both tiers agree on. No I/O here but the config file, the files it names, telemetry, and
//! the connections to Redis, which are the same on both tiers.
//!
//! - [`ids`]: a newtype for every id
//! - [`identity`]: who is asking, signed by the edge, verified by the core
//! - [`keys`]: what both tiers sign with
//! - [`claims`]: where tokens say who somebody is
//! - [`cookies`]: what the browser of somebody who has signed in holds
//! - [`a2a`], [`openai`]: where these are spoken, and what their clients read of a problem
//! - [`api`]: requests and responses of the HTTP face
//! - [`events`]: the conversation's event log, and the WebSocket frames that carry it
//! - [`proof`]: that an edge asks where it speaks for nobody
//! - [`problem`]: the closed list of errors a client can see
//! - [`config`]: load, check, explain a configuration file
//! - [`cause`]: why something did not work, in words
//! - [`headers`]: names of the headers between the tiers
//! - [`proxy`]: through which proxy a client goes
//! - [`redis`], [`tls`]: how Redis and Postgres are reached, and whom of them to trust
//! - [`telemetry`], [`shutdown`]: start and end of a process

pub mod a2a;
pub mod api;
pub mod cause;
pub mod claims;
pub mod config;
pub mod cookies;
pub mod events;
pub mod headers;
pub mod identity;
pub mod ids;
pub mod keys;
pub mod openai;
pub mod problem;
pub mod proof;
pub mod proxy;
pub mod redis;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
