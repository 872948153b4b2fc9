//! The router's decision.

use super::Why;
use crate::ids::AgentId;
use serde::{Deserialize, Serialize};

/// The router's decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How the agents are asked.
    pub mode: Mode,
    /// Who is asked what.
    pub steps: Vec<Step>,
    /// 0 to 1: how sure the deciding stage is of the whole plan.
    pub confidence: f64,
    /// Why, in one sentence for a person.
    pub reason: String,
    /// The same for whoever says it in another language; absent where an LLM wrote the sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// Which stage decided.
    pub stage: Stage,
    /// What did not work and was done without; absent when all was well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<String>,
    /// What the user is asked, or told, when no agent is.
    #[serde(rename = "reply", default, skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// The agents that the user may choose from when asked back; the message is sent again with the chosen one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<AgentId>,
}

/// One agent's part in a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The agent.
    pub agent: AgentId,
    /// What it is asked.
    pub question: String,
    /// 0 to 1: how sure the stage is of this agent.
    pub confidence: f64,
    /// Indices of the steps whose replies it gets first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<usize>,
}

/// How a plan's agents are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One agent.
    Direct,
    /// Several at once.
    Parallel,
    /// One after another, each with the replies before it.
    Sequential,
    /// Nobody yet: the user is asked back.
    Clarify,
    /// Nobody: no agent here does this.
    None,
    /// Nobody, and nothing is said: it is between the people of the conversation.
    Quiet,
}

/// Which stage of the router decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// A rule: `@agent`, or an agent that waits for input.
    Rule,
    /// The local linear model.
    Lexical,
    /// The LLM.
    Llm,
}

impl Stage {
    /// The stage's name, as on the wire and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Lexical => "lexical",
            Self::Llm => "llm",
        }
    }
}
