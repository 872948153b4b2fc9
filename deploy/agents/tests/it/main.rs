//! The sixteen agents over real HTTP: one test per agent for the main thing it does, then the protocol.

#![allow(clippy::unwrap_used, reason = "in a test a failure may stop at once")]

mod agents;
mod house;
mod protocol;
