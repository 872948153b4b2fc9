//! A turn and its calls, as they are shown.

use crate::{
    api::FileView,
    events::{CallState, Plan, TurnState, Usage},
    ids::{AgentId, CallId, ConversationId, MessageId, TurnId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// `GET /v1/turns/{id}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnView {
    /// Its id.
    pub id: TurnId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The message it answers.
    pub message: MessageId,
    /// Where it is.
    pub state: TurnState,
    /// How often a core took it up.
    pub attempt: u32,
    /// The router's decision, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The agents that were asked.
    pub calls: Vec<CallView>,
    /// The answer's text, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What the answer did without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<String>,
    /// What it used.
    pub usage: Usage,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
}

/// One agent's part in a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// Its id.
    pub id: CallId,
    /// The agent.
    pub agent: AgentId,
    /// What it was asked.
    pub question: String,
    /// How it ended.
    pub state: CallState,
    /// What it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Why it did not complete, or what of its files was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The files that it gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}
