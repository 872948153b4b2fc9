//! How calls and turns end, and what they end with.

use crate::{
    api::FileView,
    ids::{AgentId, MessageId},
};
use serde::{Deserialize, Serialize};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Being asked.
    Running,
    /// It answered.
    Completed,
    /// It could not be reached, failed, or answered nonsense.
    Failed,
    /// It did not answer in time.
    TimedOut,
    /// It refused the question.
    Rejected,
    /// It needs something from the user.
    InputRequired,
    /// It works on, beyond the time that the turn had for it; its reply comes as a message of its own.
    Working,
    /// The user canceled the turn.
    Canceled,
    /// It was not asked: its breaker is open, or a step before it failed.
    Skipped,
}

impl CallState {
    /// The state's name, as on the wire, in the database and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Rejected => "rejected",
            Self::InputRequired => "input_required",
            Self::Working => "working",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
        }
    }
}

/// Where a turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    /// Accepted or being worked on.
    Running,
    /// Answered.
    Completed,
    /// Could not be answered; `error` says why.
    Failed,
    /// Stopped by the user.
    Canceled,
    /// Waits for the user's next message.
    InputRequired,
    /// Answered as far as it could be; an agent works on, and what it says follows.
    Working,
}

impl TurnState {
    /// The state's name, as on the wire, in the database and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::InputRequired => "input_required",
            Self::Working => "working",
        }
    }
}

/// A piece of a running answer. A reader that is at `offset` appends it; one that is further drops the overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// The attempt it belongs to.
    pub attempt: u32,
    /// Where it begins in the answer, in Unicode scalar values.
    pub offset: u64,
    /// The piece.
    pub text: String,
}

/// What Switchboard said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The message that holds it.
    pub message: MessageId,
    /// The attempt that was finished.
    pub attempt: u32,
    /// The whole text.
    pub text: String,
    /// Every agent that was asked, and what became of it.
    pub sources: Vec<Source>,
    /// Which part of the text is whose claim.
    pub claims: Vec<Claim>,
    /// What did not work and was done without; absent when all was well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<String>,
    /// Files that agents gave with their replies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
}

/// An agent that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The agent.
    pub agent: AgentId,
    /// How its call ended.
    pub state: CallState,
    /// Why it is not in the answer, or only in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A part of an answer, tied to the agents that said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Where it begins in the answer, in Unicode scalar values.
    pub start: u64,
    /// Where it ends, exclusive.
    pub end: u64,
    /// Who said it.
    pub agents: Vec<AgentId>,
}

/// What a turn used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Agents asked.
    pub calls: u32,
    /// Tokens read by the LLM, as its endpoint counts them.
    pub llm_input_tokens: u64,
    /// Tokens written by the LLM.
    pub llm_output_tokens: u64,
    /// From acceptance to the end, in milliseconds.
    pub ms: u64,
}
