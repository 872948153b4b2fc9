//! What members think of turns, and the suggestions that come of it.

use super::trials::Trial;
use crate::ids::{AgentId, SuggestionId, TurnId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// `POST /v1/turns/{id}/feedback`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiveFeedback {
    /// Whether the right agents were asked.
    pub value: Thumb,
    /// With `down`: the agents that would have been right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
    /// A word for whoever reviews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Feedback that is kept, and what became of what it suggests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackKept {
    /// As it is kept.
    #[serde(flatten)]
    pub feedback: FeedbackView,
    /// Why nothing of it comes before a reviewer, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a member thinks of a turn, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackView {
    /// The turn.
    pub turn: TurnId,
    /// Who thinks it.
    pub user: UserId,
    /// Up or down.
    pub value: Thumb,
    /// The agents that would have been right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
    /// A word for whoever reviews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When it was said last.
    pub at: DateTime<Utc>,
}

/// A thumb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thumb {
    /// It was right.
    Up,
    /// It was not.
    Down,
}

/// A message that an agent might learn from, and what has been decided about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestionView {
    /// Its id.
    pub id: SuggestionId,
    /// The agent.
    pub agent: AgentId,
    /// The message.
    pub text: String,
    /// Its language (BCP 47); empty when not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// What it comes from.
    pub source: SuggestionSource,
    /// Whether the agent should get such messages; if not, it should not.
    pub positive: bool,
    /// The turn it comes from.
    pub turn: TurnId,
    /// What has been decided.
    pub state: SuggestionState,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<UserId>,
    /// Whose example it became, empty: nobody's; absent while nothing is learned from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taught: Option<Vec<AgentId>>,
    /// When it came up.
    pub at: DateTime<Utc>,
}

/// What a suggestion comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuggestionSource {
    /// A thumb down that named the right agents.
    Correction,
    /// A thumb up on a turn that the LLM decided.
    Thumbs,
    /// Somebody who was asked back named the agent.
    Chip,
    /// The agent itself refused the question.
    Rejection,
}

impl SuggestionSource {
    /// Its name, as on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::Thumbs => "thumbs",
            Self::Chip => "chip",
            Self::Rejection => "rejection",
        }
    }
}

/// What has been decided about a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuggestionState {
    /// Nothing yet.
    Open,
    /// It is right.
    Approved,
    /// It is not.
    Dismissed,
}

impl SuggestionState {
    /// Its name, as on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Dismissed => "dismissed",
        }
    }
}

/// `POST /v1/suggestions/{id}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideSuggestion {
    /// `approved` or `dismissed`.
    pub state: SuggestionState,
    /// With `approved`: the agents that should get such messages, empty: nobody. The suggested one when absent; what an
    /// agent refused needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<Vec<AgentId>>,
    /// With `approved`: the message in better words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// With `approved`: its language (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether it is to be learned even if the router gets worse.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

impl DecideSuggestion {
    /// A decision that corrects nothing.
    #[must_use]
    pub fn new(state: SuggestionState) -> Self {
        Self { state, agents: None, text: None, language: None, force: false }
    }
}

/// The answer to [`DecideSuggestion`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestionReview {
    /// As it is now.
    pub suggestion: SuggestionView,
    /// Whether it is an example now, of agents or of nobody.
    pub learned: bool,
    /// What that means, in one sentence for a person.
    pub note: String,
    /// What the change does to the router, when it was tried for this answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
}
