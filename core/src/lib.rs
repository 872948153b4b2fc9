//! The core: it owns work, and keeps nothing that its death would lose.
//!
//! One message's way through the rooms: `faces` → `accept` → `turn` (`route` → `agents` → `synthesise`) → `store`, and
//! every step on the way is an entry of the conversation's log, which `events` streams to whoever listens.

mod accept;
mod access;
mod admin;
mod agents;
mod analytics;
mod budget;
mod clock;
mod command;
pub mod config;
mod core;
mod error;
mod eval;
mod events;
mod faces;
mod in_hand;
mod kept;
mod learn;
mod llm;
mod login;
mod media;
mod metrics;
mod no_writer;
mod outside;
mod promotion;
mod push;
mod readings;
mod registry;
mod retention;
mod round_robin;
mod route;
mod seal;
mod seen;
mod server;
mod sse;
mod store;
mod synthesise;
mod title;
mod trials;
mod turn;
mod unread;
mod visit;

pub use command::Cli;
pub use core::StartError;
