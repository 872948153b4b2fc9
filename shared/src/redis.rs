//! How both tiers reach their Redis Cluster: one of fred's clients per node, and a router of our own over them.
//!
//! fred's own client for clusters has one task for all nodes: while that waits for a dead primary, the commands to every
//! other one wait with it. Here a node that is down is the matter of its own slots alone.
//!
//! - `access`: who is reached, how, and whom to trust
//! - `cluster`: which node has a key, found out and kept up to date; redirections
//! - `node`, `breaker`: one node, its connection, and when it is left alone
//! - `replication`: what a node says of those that follow it
//! - `script`: what a node runs as a whole
//! - `slots`: what a node says about the cluster

mod access;
mod breaker;
mod cluster;
mod node;
mod replication;
mod script;
mod slots;

pub use access::{Access, check, reason};
pub use cluster::Cluster;
pub use node::{AskError, Bounds, Ear, Heard};
pub use script::Script;
