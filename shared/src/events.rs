//! The conversation's event log, and the WebSocket frames that carry it: one protocol for every face.
//!
//! Durable events have a gap-free [`Event::seq`]; `answer.delta`, `call.progress` and `notice` are live
//! only and have none. A reader's cursor is the last seq it saw; a delta that it has already seen is known by turn,
//! attempt and offset.

use crate::{
    api::{ConversationSummary, Member, MessageView, Part},
    ids::{AgentId, CallId, ClientId, ConversationId, MessageId, TurnId, UserId},
    problem::{Problem, ProblemKind},
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
    /// A conversation got another title.
    #[serde(rename = "conversation.renamed")]
    ConversationRenamed {
        /// The new title.
        title: String,
    },
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
        /// Why it did not complete.
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
        /// A stable word, such as `degraded` or `restored`.
        code: String,
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
            Self::ConversationRenamed { .. } => "conversation.renamed",
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
        }
    }
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

/// What a stream of events says first, and what it says instead of events that are no longer kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum StreamHead {
    /// The stream goes on right after the cursor.
    Attached {
        /// The conversation, with its members.
        conversation: ConversationSummary,
        /// The last seq at the time of joining.
        seq: u64,
    },
    /// The cursor cannot be served: what is here replaces what the client has.
    Snapshot {
        /// The conversation.
        conversation: ConversationSummary,
        /// The stream goes on after this.
        seq: u64,
        /// `expired` (older than the kept events) or `ahead` (newer than the log).
        reason: String,
        /// The newest messages, oldest first.
        messages: Vec<MessageView>,
    },
}

/// What a client may send on a WebSocket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum ClientFrame {
    /// Must come first, unless the handshake carried a token.
    Hello {
        /// The access token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        /// What the client calls itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<String>,
    },
    /// Come into a conversation; `after` is the last seq that the client saw (0 = from the beginning, absent = from now).
    Join {
        /// Which.
        conversation: ConversationId,
        /// The cursor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// Leave a conversation.
    Leave {
        /// Which.
        conversation: ConversationId,
    },
    /// Say something; answered by `ack` with the same id, or by `error`.
    Send {
        /// The client's own id: the same id twice is one message.
        id: ClientId,
        /// Where.
        conversation: ConversationId,
        /// What; `message` and `prompt` are read as well.
        #[serde(alias = "message", alias = "prompt")]
        text: String,
        /// Ask just these agents.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        agents: Vec<AgentId>,
        /// Files.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parts: Vec<Part>,
    },
    /// Stop a turn.
    Cancel {
        /// Which.
        turn: TurnId,
    },
    /// A new token for this socket, before the old one expires.
    Refresh {
        /// The access token.
        token: String,
    },
    /// Answered by `pong`.
    Ping {
        /// Returned as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        t: Option<u64>,
    },
}

/// What the edge says on a WebSocket besides events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerFrame {
    /// The token holds.
    Welcome {
        /// Who the edge takes the client for.
        user: UserId,
        /// Seconds between the edge's pings.
        heartbeat_s: u64,
        /// The largest frame that is read, in bytes.
        max_frame_bytes: u64,
        /// The request id of this socket.
        session: String,
    },
    /// The client is in a conversation; its events follow.
    Joined {
        /// The conversation.
        conversation: ConversationSummary,
        /// The last seq at the time of joining.
        seq: u64,
    },
    /// The client is out of a conversation.
    Left {
        /// Which.
        conversation: ConversationId,
    },
    /// What the client has cannot be continued: this replaces it.
    Snapshot {
        /// The conversation.
        conversation: ConversationSummary,
        /// Events follow after this.
        seq: u64,
        /// Why.
        reason: String,
        /// The newest messages, oldest first.
        messages: Vec<MessageView>,
    },
    /// A message is stored.
    Ack {
        /// The client's id.
        id: ClientId,
        /// Our id.
        message: MessageId,
        /// The turn that answers it.
        turn: TurnId,
        /// The seq of its `message.created`.
        seq: u64,
        /// Whether it was there already.
        duplicate: bool,
    },
    /// Something did not work.
    Error {
        /// The id of the frame it answers, when it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The conversation it is about, when it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// The stable code.
        code: ProblemKind,
        /// For a person.
        message: String,
        /// When to try again, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u64>,
    },
    /// How much of the limit is left.
    Limit {
        /// The policy's name.
        policy: String,
        /// Messages per window.
        quota: u32,
        /// Messages left now.
        remaining: u32,
        /// Seconds until the limit is fully restored.
        reset_s: u64,
    },
    /// Answer to `ping`.
    Pong {
        /// As it came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        t: Option<u64>,
    },
}

impl ServerFrame {
    /// The error frame for a problem.
    #[must_use]
    pub fn error(id: Option<String>, conversation: Option<ConversationId>, problem: &Problem) -> Self {
        let message = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
        Self::Error {
            id,
            conversation,
            code: problem.code,
            message: message.clone(),
            retry_after_s: problem.retry_after_s,
        }
    }
}

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "switchboard.v1";

/// Why the edge closes a WebSocket (RFC 6455 §7.4; 4000–4999 are ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The edge goes away: join again at once, elsewhere.
    Restart = 1012,
    /// Too busy: try later.
    TryLater = 1013,
    /// A frame that cannot be read; do not retry the same.
    BadFrame = 4400,
    /// No token, a bad one, or an expired one: get a new one.
    Unauthenticated = 4401,
    /// Not allowed: do not retry.
    Forbidden = 4403,
    /// No hello, or no sign of life, in time.
    Idle = 4408,
    /// The client reads too slowly: join again from the cursor.
    TooSlow = 4413,
    /// Too many frames: wait.
    TooMany = 4429,
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

    #[test]
    fn a_frame_with_an_unknown_field_or_type_is_refused() {
        for bad in [
            r#"{"type":"join","conversation":"nope"}"#,
            r#"{"type":"hello","extra":1}"#,
            r#"{"type":"shout"}"#,
            "[]",
            "",
        ] {
            assert!(serde_json::from_str::<ClientFrame>(bad).is_err(), "{bad}");
        }
    }
}
