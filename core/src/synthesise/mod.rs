//! One answer out of the agents' replies.

use crate::{
    config::SynthesisConfig,
    llm::{Llm, Tokens},
    route::ContextMessage,
};
use switchboard_shared::{
    events::{CallState, Claim},
    ids::AgentId,
};
use tokio::time::Instant;

/// What an answer is made of.
#[derive(Debug)]
pub(crate) struct Material<'a> {
    pub(crate) question: &'a str,
    pub(crate) context: &'a [ContextMessage],
    pub(crate) replies: &'a [NamedReply],
}

/// What became of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedReply {
    pub(crate) agent: AgentId,
    pub(crate) name: String,
    pub(crate) question: String,
    pub(crate) state: CallState,
    pub(crate) text: String,
    pub(crate) reason: Option<String>,
    pub(crate) partial: bool,
}

/// An answer; the pieces that were handed out, put together, are exactly its text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) claims: Vec<Claim>,
    pub(crate) degraded: Option<String>,
    pub(crate) tokens: Tokens,
}

/// Writes the answer, handing out each piece as it is written.
pub(crate) async fn write(
    _llm: &Llm,
    _config: &SynthesisConfig,
    _material: &Material<'_>,
    _deadline: Instant,
    _on_text: &mut (dyn FnMut(&str) + Send),
) -> Written {
    Written::default()
}
