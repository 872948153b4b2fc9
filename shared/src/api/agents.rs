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
    /// A JWK Set (RFC 7517): its card has to be signed with one of these keys, now and whenever it is read again. When
    /// absent, an agent that is registered already keeps its own; an empty set takes them away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_keys: Option<serde_json::Value>,
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
    /// Whether it is on; one that is switched off is asked by nobody, and shown to those who manage agents alone.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Whose members may use it, empty being everyone; shown to those who manage agents, to others absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<Group>>,
    /// What the keys are called of which one has to have signed its card; shown to those who manage agents, to others
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_keys: Option<Vec<String>>,
    /// In the answer to its registration: what its card wants to be shown, in words, one of these and each where the
    /// credential that is set for it does not do; else absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wants: Vec<String>,
}

/// `POST /v1/cards`: looks at a card before its agent is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookAtCard {
    /// As in [`RegisterAgent`].
    pub url: url::Url,
    /// The id that the agent is to have; made from the card's name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AgentId>,
}

/// What a card says, and what would come of it; nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardLook {
    /// Where it lies, or was looked for.
    pub url: url::Url,
    /// Why its agent cannot be registered; absent where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The id that the agent would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AgentId>,
    /// Whether an agent has this id already, and would be replaced.
    pub replaces: bool,
    /// Its name; empty where it has none, as are the three that follow.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The agent's own version.
    pub version: String,
    /// Who runs it.
    pub provider: String,
    /// What it can do.
    pub skills: Vec<CardSkill>,
    /// How it can be asked.
    pub bindings: Vec<CardBinding>,
    /// What will not go as well as it could.
    pub notes: Vec<CardNote>,
}

impl CardLook {
    /// Nothing is known of it but where it lies.
    #[must_use]
    pub fn of(url: url::Url) -> Self {
        Self {
            url,
            fault: None,
            id: None,
            replaces: false,
            name: String::new(),
            description: String::new(),
            version: String::new(),
            provider: String::new(),
            skills: Vec::new(),
            bindings: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// A skill on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardSkill {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// How many examples it brings.
    pub examples: u32,
}

/// An interface on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardBinding {
    /// `JSONRPC`, `GRPC`, `HTTP+JSON`, or whatever it says.
    pub binding: String,
    /// The protocol's version.
    pub version: String,
    /// Where.
    pub url: String,
    /// Whether the agent would be asked over it.
    pub used: bool,
}

/// Something that will not go as well as it could.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardNote {
    /// What kind of thing.
    pub kind: CardNoteKind,
    /// Which one; empty where that needs no saying.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
}

/// What kind of thing a card makes harder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardNoteKind {
    /// No skill brings examples: the router knows it by its description alone.
    NoExamples,
    /// It does not stream: its answers come as a whole.
    NoStreaming,
    /// It requires an extension that is not spoken here, and may refuse what it is asked.
    Extension,
    /// It wants a credential, to be set once it is registered.
    Credentials,
}

fn on() -> bool {
    true
}

/// `PUT /v1/agents/{id}/enabled`: switches the agent on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchAgent {
    /// Whether it may be asked from now on.
    pub enabled: bool,
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
    /// What its card wants to be shown, in words, one of these; absent where it wants nothing, or what is set will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wants: Vec<String>,
}
