//! How the router answers known messages without a change of what it learns, and with it.

use crate::ids::AgentId;
use serde::{Deserialize, Serialize};

/// How the router answers messages whose right agents are known, without a change and with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Whether it is not worse with the change.
    pub not_worse: bool,
    /// Why, in one sentence for a person.
    pub reason: String,
    /// On the frozen set; absent while that is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<FrozenTrial>,
    /// On the examples themselves, each answered as if it had not been learned.
    pub examples: ExamplesTrial,
    /// Messages that were answered rightly without the change and are not with it; of a change that is refused, those
    /// that it is refused for. The first of them.
    pub lost: Vec<LostRow>,
}

/// How the frozen set is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenTrial {
    /// How many messages it has.
    pub rows: u32,
    /// Without the change.
    pub before: Figures,
    /// With it.
    pub after: Figures,
}

/// Counts of a frozen set's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Those that the local model decides by itself.
    pub decided: u32,
    /// Of those, the right ones.
    pub decided_right: u32,
    /// Those that its best guess is right for, decided or not.
    pub right: u32,
}

/// How the examples are answered that are there both without the change and with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExamplesTrial {
    /// How many there are.
    pub rows: u32,
    /// Right without the change.
    pub before: u32,
    /// Right with it.
    pub after: u32,
    /// Right without the change alone.
    pub lost: u32,
    /// How many more may be lost than are won before it is more than chance.
    pub tolerated: u32,
}

/// A message that speaks against a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRow {
    /// The message.
    pub text: String,
    /// The agents that should get it; empty: nobody.
    pub agents: Vec<AgentId>,
    /// What is made of it without the change.
    pub before: LocalAnswer,
    /// And with it.
    pub after: LocalAnswer,
}

/// What the local model makes of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalAnswer {
    /// The agents that it would ask; empty: none.
    pub agents: Vec<AgentId>,
    /// Whether it is sure enough to decide by itself.
    pub decided: bool,
}
