//! Where examples of different agents are so alike that the router confuses them.

use super::routing::NearExample;
use crate::ids::AgentId;
use serde::{Deserialize, Serialize};

/// `GET /v1/agents/overlap`: where examples of different agents are so alike that the router confuses them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// How many examples were looked at: those that the local model learns as messages.
    pub examples: u32,
    /// How many of them the local model would give to another agent, had it not learned just them.
    pub lost: u32,
    /// Which agents get them instead, the worst first; at most 50.
    pub pairs: Vec<OverlapPair>,
    /// Examples that several agents have; at most 50.
    pub duplicates: Vec<DuplicateExample>,
}

/// Two agents whose examples collide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverlapPair {
    /// One of them.
    pub agent: AgentId,
    /// The other one.
    pub other: AgentId,
    /// How many examples of the one the other would get.
    pub lost: u32,
    /// How many examples of the other the one would get.
    pub gained: u32,
    /// The worst of them first; at most 5.
    pub examples: Vec<LostExample>,
}

/// An example that another agent would get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LostExample {
    /// Whose example it is.
    pub agent: AgentId,
    /// What it says.
    pub text: String,
    /// How likely its own agent is.
    pub share: f64,
    /// How likely the other one is.
    pub other_share: f64,
    /// The other agent's example that is most like it; absent when none has anything in common with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<NearExample>,
}

/// An example that several agents have, as the router reads it: without case, punctuation and the values of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateExample {
    /// What it says, in the words of the first agent.
    pub text: String,
    /// The agents that have it.
    pub agents: Vec<AgentId>,
}
