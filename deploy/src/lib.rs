//! The operator's command, and the local topology it starts.
//!
//! - [`topology`]: one way to start the house, for `switchboard up` and the end-to-end tests alike
//! - [`house`]: how a running house is described, and found
//! - [`client`]: HTTP and WebSocket to an edge, with its development CA
//! - [`control`]: how the parts of a running house are broken and put together again
//! - [`commands`]: the verbs, a file each
//! - [`terminal`]: what may be printed, and where
//! - [`environment`]: the one place that reads the environment

pub mod client;
pub mod commands;
pub mod control;
pub mod environment;
pub mod error;
pub mod house;
pub mod provider;
pub mod terminal;
pub mod topology;

pub use error::{Error, Result};
