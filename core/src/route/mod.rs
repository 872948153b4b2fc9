//! The router: who should answer a message. A cascade from the cheapest stage to the dearest, rule → local model →
//! LLM → a fallback that says what it is.

pub(crate) mod lexical;

use crate::{
    agents::Agent,
    config::RouteConfig,
    llm::{Llm, Tokens},
};
use std::sync::Arc;
use switchboard_shared::{
    api::{FileView, Score},
    events::{Mode, Plan, Stage},
    ids::AgentId,
};
use tokio::time::Instant;

/// A tenant's agents at one version of its registry, and the model learned from them.
#[derive(Debug)]
pub(crate) struct Roster {
    pub(crate) version: i64,
    pub(crate) agents: Vec<Arc<Agent>>,
    pub(crate) model: lexical::Model,
}

impl Roster {
    /// Learns the agents; CPU-bound, milliseconds.
    pub(crate) fn new(version: i64, agents: Vec<Arc<Agent>>) -> Self {
        let model = lexical::Model::train(&agents);
        Self { version, agents, model }
    }
}

/// A message to be routed, with what is known around it.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) text: &'a str,
    /// Agents named by the caller apart from the text.
    pub(crate) chosen: &'a [AgentId],
    /// The agent that waits for the user's input.
    pub(crate) waiting: Option<&'a AgentId>,
    pub(crate) context: &'a [ContextMessage],
    /// The agents of the turn before.
    pub(crate) previous: &'a [AgentId],
    pub(crate) files: &'a [FileView],
    pub(crate) deadline: Instant,
}

/// An earlier message of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContextMessage {
    pub(crate) author: String,
    pub(crate) text: String,
}

/// What was decided, and what that took.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision {
    pub(crate) plan: Plan,
    /// Every agent's score by the local model, best first.
    pub(crate) scores: Vec<Score>,
    pub(crate) tokens: Tokens,
}

/// The cascade.
#[derive(Debug)]
pub(crate) struct Router {
    config: RouteConfig,
    max_agents: usize,
    llm: Arc<Llm>,
}

impl Router {
    pub(crate) fn new(config: &RouteConfig, max_agents: usize, llm: Arc<Llm>) -> Self {
        Self { config: config.clone(), max_agents, llm }
    }

    pub(crate) async fn plan(&self, _roster: &Roster, _question: &Question<'_>) -> Decision {
        let plan = Plan {
            mode: Mode::None,
            steps: Vec::new(),
            confidence: 0.0,
            reason: String::new(),
            stage: Stage::Rule,
            degraded: None,
            reply: None,
        };
        Decision { plan, scores: Vec::new(), tokens: Tokens::default() }
    }
}
