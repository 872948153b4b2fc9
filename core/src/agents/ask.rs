//! What an agent is asked, and what becomes of that.

use super::files::SentFile;
use std::sync::Arc;
use switchboard_shared::{api::Part, cause::Cause, events::CallState, ids::InvalidId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Why an agent cannot be registered, or its card not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    #[error("the HTTP client cannot be built: {0}")]
    Client(#[source] reqwest::Error),
    #[error("agents.ca_file: {0}")]
    Authority(Cause),
    #[error("{0}")]
    Refused(String),
    #[error("the card could not be fetched: {0}")]
    Fetch(String),
    #[error("the card is not valid: {0}")]
    Card(String),
    #[error("the keys for its card cannot be used: {0}")]
    Keys(String),
    #[error("the card is not that of whoever holds the keys pinned for it: {0}")]
    Unproven(String),
    #[error("an id cannot be made of the card's name: {0}")]
    Id(#[from] InvalidId),
}

/// What an agent is asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) message_id: String,
    pub(crate) context_id: String,
    /// The task that this is about: one that waits is gone on with.
    pub(crate) task_id: Option<String>,
    /// Whether the question answers what that task has asked.
    pub(crate) answers: bool,
    /// Whether it may have been asked already: then the task is looked at, and nothing sent that it knows.
    pub(crate) resume: bool,
    /// Whether its work may go on when the time for it is over; it is looked at later then.
    pub(crate) may_go_on: bool,
    pub(crate) question: String,
    /// The whole message, where the question is a part of it and may lack what stands in another.
    pub(crate) context: Option<String>,
    pub(crate) parts: Arc<[Part]>,
    pub(crate) deadline: Instant,
    pub(crate) hops: u32,
    pub(crate) cancel: CancellationToken,
}

/// What becomes known while an agent works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The agent's id of the task, as soon as it is known.
    Task(String),
    /// Its own words about how far it is.
    Text(String),
    /// The next piece of its reply; not said any more once the agent takes back what it has said.
    Piece(String),
}

/// How a call ended, and what the agent had said by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) state: CallState,
    pub(crate) text: String,
    pub(crate) task_id: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) partial: bool,
    /// The question did not come to the agent.
    pub(crate) is_unsent: bool,
    /// Those that fit; `reason` says what was left out.
    pub(crate) files: Vec<SentFile>,
}

impl Reply {
    /// Of an agent that was not asked, and why.
    pub(crate) fn skipped(reason: String) -> Self {
        Self { is_unsent: true, ..Self::without(CallState::Skipped, reason) }
    }

    /// Of one that said nothing, and why.
    pub(crate) fn without(state: CallState, reason: String) -> Self {
        Self {
            state,
            text: String::new(),
            task_id: None,
            reason: Some(reason),
            partial: false,
            is_unsent: false,
            files: Vec::new(),
        }
    }
}
