//! What an answer is made of: the question, what was said before it, and what became of each call.

use crate::route::ContextMessage;
use switchboard_shared::{events::CallState, ids::AgentId};

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

impl NamedReply {
    /// Whether there is something in it to answer with.
    pub(crate) fn is_usable(&self) -> bool {
        !self.text.trim().is_empty() && (self.state == CallState::Completed || self.partial)
    }
}
