//! One entry of a conversation's log.

use super::{
    notice::NoticeCode,
    plan::Plan,
    work::{Answer, CallState, Delta, TurnState, Usage},
};
use crate::{
    api::{Member, MessageView, Presence},
    ids::{AgentId, CallId, ConversationId, MessageId, TurnId, UserId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One entry of a conversation's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// Its gap-free number, from 1; absent on what is live only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The turn it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened: `type` names it, `data` holds the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EventBody {
    /// A member, or Switchboard, said something.
    #[serde(rename = "message.created")]
    MessageCreated(MessageView),
    /// Someone joined the members' list.
    #[serde(rename = "member.added")]
    MemberAdded(Member),
    /// Someone was taken off the members' list; that user's streams end here.
    #[serde(rename = "member.removed")]
    MemberRemoved {
        /// Who.
        user: UserId,
    },
    /// What a member does here just now. Live only.
    #[serde(rename = "member.present")]
    MemberPresent {
        /// Who.
        user: UserId,
        /// What.
        state: Presence,
    },
    /// A conversation got another title.
    #[serde(rename = "conversation.renamed")]
    ConversationRenamed {
        /// The new title.
        title: String,
    },
    /// The conversation was deleted; its streams end here. Live only, since its log is gone with it.
    #[serde(rename = "conversation.deleted")]
    ConversationDeleted {},
    /// Work on a message began, or began again after a core died.
    #[serde(rename = "turn.started")]
    TurnStarted {
        /// The message to be answered.
        message: MessageId,
        /// 1, and one more each time a core takes the turn over.
        attempt: u32,
    },
    /// The router decided.
    #[serde(rename = "plan.decided")]
    PlanDecided(Plan),
    /// An agent is being asked.
    #[serde(rename = "call.started")]
    CallStarted {
        /// The call.
        call: CallId,
        /// The agent.
        agent: AgentId,
        /// What it is asked.
        question: String,
    },
    /// An agent says how far it is. Live only.
    #[serde(rename = "call.progress")]
    CallProgress {
        /// The call.
        call: CallId,
        /// The agent.
        agent: AgentId,
        /// Its own words.
        text: String,
    },
    /// A call ended, one way or another.
    #[serde(rename = "call.finished")]
    CallFinished {
        /// The call.
        call: CallId,
        /// The agent.
        agent: AgentId,
        /// How it ended.
        state: CallState,
        /// How long it took, in milliseconds.
        ms: u64,
        /// Whether what the agent had said before it failed is used.
        #[serde(default)]
        partial: bool,
        /// Why it did not complete, or what of its files was left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The answer is being written; a greater attempt replaces a smaller one.
    #[serde(rename = "answer.started")]
    AnswerStarted {
        /// 1, and one more each time it is written again.
        attempt: u32,
    },
    /// A piece of the answer. Live only.
    #[serde(rename = "answer.delta")]
    AnswerDelta(Delta),
    /// The whole answer.
    #[serde(rename = "answer.finished")]
    AnswerFinished(Answer),
    /// The turn is over.
    #[serde(rename = "turn.finished")]
    TurnFinished {
        /// How it ended.
        state: TurnState,
        /// What it used.
        usage: Usage,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// An agent needs something from the user; the next message goes to it.
    #[serde(rename = "turn.input_required")]
    InputRequired {
        /// The agent that asks.
        agent: AgentId,
        /// Its call, which stays open.
        call: CallId,
        /// What it asks.
        question: String,
    },
    /// A word to the clients: something is degraded, or is again as it should be. Live only.
    #[serde(rename = "notice")]
    Notice {
        /// What it is about.
        code: NoticeCode,
        /// For a person.
        text: String,
    },
}

impl EventBody {
    /// The event's name on the wire, in the database and in metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::MessageCreated(_) => "message.created",
            Self::MemberAdded(_) => "member.added",
            Self::MemberRemoved { .. } => "member.removed",
            Self::MemberPresent { .. } => "member.present",
            Self::ConversationRenamed { .. } => "conversation.renamed",
            Self::ConversationDeleted {} => "conversation.deleted",
            Self::TurnStarted { .. } => "turn.started",
            Self::PlanDecided(_) => "plan.decided",
            Self::CallStarted { .. } => "call.started",
            Self::CallProgress { .. } => "call.progress",
            Self::CallFinished { .. } => "call.finished",
            Self::AnswerStarted { .. } => "answer.started",
            Self::AnswerDelta(_) => "answer.delta",
            Self::AnswerFinished(_) => "answer.finished",
            Self::TurnFinished { .. } => "turn.finished",
            Self::InputRequired { .. } => "turn.input_required",
            Self::Notice { .. } => "notice",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_flat_json_with_type_and_data() {
        let event = Event {
            conversation: ConversationId::new(),
            seq: Some(3),
            turn: Some(TurnId::new()),
            at: Utc::now(),
            body: EventBody::AnswerStarted { attempt: 1 },
        };
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["type"], "answer.started");
        assert_eq!(json["data"]["attempt"], 1);
        assert_eq!(json["type"], event.body.name());
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
}
