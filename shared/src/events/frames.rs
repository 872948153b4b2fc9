//! What goes over a WebSocket besides events, and how one ends.

use crate::{
    api::{ConversationSummary, EdgeList, MessageView, Part},
    ids::{AgentId, ClientId, ConversationId, MessageId, TurnId, UserId},
    problem::{Problem, ProblemKind},
};
use serde::{Deserialize, Serialize};

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "switchboard.v1";

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
        /// The edges that there are, as far as this one knows them.
        #[serde(default, flatten)]
        list: EdgeList,
    },
    /// This edge is about to close the socket, with [`CloseCode::Restart`]: go there at once.
    Move {
        /// The URL of an edge that goes on.
        to: String,
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
        Self::Error {
            id,
            conversation,
            code: problem.code,
            message: problem.message().to_owned(),
            retry_after_s: problem.retry_after_s,
        }
    }
}

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
