//! Agents of the registry.

use crate::ids::{AgentId, Group};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// `POST /v1/agents`: register an agent by the URL of its card, or of the place under which the card lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterAgent {
    /// `https://host/path`; `/.well-known/agent-card.json` is added when it is not there.
    pub url: url::Url,
    /// The id to address it by; made from the card's name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AgentId>,
    /// Messages that this agent should get, besides those on its card; without any, an agent that is registered already
    /// keeps those that it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
    /// Whose members may use it; empty is everyone in the tenant. When absent, an agent that is registered already
    /// keeps its own, so that one which registers at each start is not opened to everyone by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<Group>>,
}

/// `PUT /v1/agents/{id}/groups`: whose members may use the agent from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetGroups {
    /// All of them; empty is everyone in the tenant.
    pub groups: BTreeSet<Group>,
}

/// A message that an agent should get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The message.
    pub text: String,
    /// Its language (BCP 47); empty when not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
}

/// An agent of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// The id to address it by.
    pub id: AgentId,
    /// Its name, from its card.
    pub name: String,
    /// What it does, from its card.
    pub description: String,
    /// Where its card lies.
    pub card_url: url::Url,
    /// Its skills' ids.
    pub skills: Vec<String>,
    /// Languages it has examples in.
    pub languages: Vec<String>,
    /// How many examples the router learns it from.
    pub examples: u32,
    /// Some messages that it is for, from its card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<String>,
    /// Whether it streams.
    pub streaming: bool,
    /// Whether one of its skills has the tag `effect`: it does something outside, and no guess asks it.
    #[serde(default)]
    pub effects: bool,
    /// `closed` (it is asked), `open` (it is not, for a while) or `half_open` (one call may try).
    pub breaker: String,
    /// Whose members may use it, empty being everyone; shown to those who manage agents, to others absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<Group>>,
}

/// The answer to `POST /v1/agents/{id}/probe`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The agent.
    pub agent: AgentId,
    /// Whether its card could be fetched and read.
    pub ok: bool,
    /// How long that took, in milliseconds.
    pub ms: u64,
    /// What was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
