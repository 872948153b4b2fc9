//! The Agent2Agent protocol (A2A 1.0), as its servers speak it: an [`Agent`] has tasks and events, and this says them over
//! JSON-RPC, HTTP+JSON and gRPC. Neither storage nor routing is known here.
//!
//! - [`agent`]: what an agent does
//! - [`task`]: what a task becomes by its events
//! - [`fault`]: the errors, and how each binding tells them
//! - [`operation`]: the eleven operations, whichever binding asks for them
//! - [`jsonrpc`], [`rest`], [`grpc`]: the bindings; [`before_1_0`]: what clients of 0.3 say and read over the first one
//! - [`client`]: what a client says and reads in each of them
//! - [`signed`]: who has made a card, and that it is as it was made

pub mod agent;
pub mod before_1_0;
mod check;
pub mod client;
pub mod fault;
pub mod grpc;
pub mod jsonrpc;
pub mod negotiate;
pub mod operation;
mod proto;
mod query;
pub mod rest;
pub mod signed;
mod sse;
pub mod task;

pub use a2a as wire;
pub use agent::{Abilities, Agent, Running, Updates};
pub use fault::{Fault, Kind};
pub use operation::{Asked, Operation, Performed};

/// The version that is spoken (A2A 1.0, section 3.6: only major and minor count).
pub const VERSION: &str = "1.0";
/// The media type of the HTTP+JSON binding (section 11.1).
pub const MEDIA_TYPE: &str = "application/a2a+json";
/// Where an agent's card lies (section 8.2).
pub const CARD_PATH: &str = "/.well-known/agent-card.json";
