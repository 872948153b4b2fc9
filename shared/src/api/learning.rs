//! What the router learns from, and the frozen messages by which it is measured.

use super::{agents::Example, trials::Trial};
use crate::ids::AgentId;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// `PUT /v1/agents/{id}/examples`: replaces the examples that were given at registration or since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetExamples {
    /// All of them, of the same text twice the first one; those on the agent's card stay as they are.
    pub examples: Vec<Example>,
    /// Whether they are to be learned even if the router gets worse.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// The examples of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentExamples {
    /// The agent.
    pub agent: AgentId,
    /// Those that can be replaced.
    pub examples: Vec<Example>,
    /// How many more stand on its card.
    pub on_card: u32,
    /// What the change does to the router, after one that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
}

/// `GET /v1/nobody`, and the answer to a [`SetExamples`] that is put there: messages that are for no agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NobodyExamples {
    /// All of them; the router brings some of its own.
    pub examples: Vec<Example>,
    /// What the change does to the router, after one that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
}

/// `GET` and `PUT /v1/frozen`: the messages by which the router is measured, and from which it never learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenSet {
    /// All of them.
    pub rows: Vec<FrozenRow>,
    /// How many examples on agents' cards are not learned because they are among them; of no meaning in a request.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "whole")]
    pub left_out: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// A message whose right agents are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenRow {
    /// The message.
    pub text: String,
    /// The agents that should get it; empty: nobody.
    #[serde(default)]
    pub agents: Vec<AgentId>,
    /// Its language (BCP 47); empty when not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
}

/// `POST /v1/agents/{id}/examples/drafts`: has the LLM write examples; nothing is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftExamples {
    /// Languages (BCP 47), at most 8.
    pub languages: Vec<String>,
    /// How many in each language, 1 to 20.
    #[serde(default = "ten", deserialize_with = "whole")]
    pub count: u32,
}

fn ten() -> u32 {
    10
}

/// Reads a whole number as JSON may write it: 3, 3.0 and 3e0 are the same (JSON Schema 2020-12, core, §4.2.2).
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    // Zero takes the sign off minus zero.
    let number = f64::deserialize(deserializer)? + 0.0;
    // Every u32 is an f64 exactly, and written out it is read back as what it is.
    format!("{number}")
        .parse()
        .map_err(|_| D::Error::custom(format!("{number} is not a whole number from 0 on")))
}

/// The answer to [`DraftExamples`]: for a person to read before they are given to `PUT /v1/agents/{id}/examples`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drafts {
    /// The agent.
    pub agent: AgentId,
    /// What the LLM wrote.
    pub drafts: Vec<Example>,
}
