//! The core: it owns work, and keeps nothing that its death would lose.

mod agents;
pub mod config;
mod llm;
mod route;
mod synthesise;
