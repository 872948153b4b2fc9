//! A conversation over a WebSocket that comes back when it drops: it joins again after the last event it saw, and
//! sends again what was not acknowledged, under the same id. It goes to the edge that an ending one names, at once.

use super::super::access::Access;
use crate::{
    client::{Client, Closed, Socket, next_text, send_frame},
    error::{Error, Result},
};
use serde::Deserialize;
use std::time::Duration;
use switchboard_shared::{
    api::{ConversationSummary, CreateConversation},
    events::{ClientFrame, CloseCode, Event, EventBody, ServerFrame},
    ids::{AgentId, ClientId, ConversationId, TurnId},
    problem::{Problem, ProblemKind},
};
use tokio::time::sleep;

/// The first and the longest wait before another try (full jitter between them).
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// After this many tries in a row the house is said to be gone: about two minutes.
const TRIES: u32 = 16;
/// What a terminal's user may do.
const ROLES: [&str; 1] = ["user"];

/// What came.
#[derive(Debug)]
pub(super) enum Received {
    /// An event of the conversation, and the text it came as.
    Event(String, Box<Event>),
    /// Any other frame.
    Frame(String, Box<ServerFrame>),
    /// A frame that this version does not know.
    Unknown(String),
    /// The socket dropped; why, for a person.
    Reconnecting(String),
}

impl Received {
    /// The text it came as.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Event(text, _) | Self::Frame(text, _) | Self::Unknown(text) => Some(text),
            Self::Reconnecting(_) => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Incoming {
    Frame(Box<ServerFrame>),
    Event(Box<Event>),
}

/// One conversation.
pub(super) struct Session {
    access: Access,
    client: Client,
    socket: Option<Socket>,
    conversation: ConversationId,
    cursor: Option<u64>,
    joined: bool,
    pending: Option<ClientFrame>,
    sent: Option<ClientId>,
    turn: Option<TurnId>,
    tries: u32,
    /// Where the edge said to go on when it ends.
    named: Option<String>,
    /// The edges that the last one knew besides itself, those that drain left out.
    others: Vec<String>,
}

impl Session {
    /// Takes a conversation, or begins one, and opens the socket.
    pub(super) async fn open(access: Access, conversation: Option<ConversationId>) -> Result<Self> {
        let client = access.client(&ROLES)?;
        let (conversation, cursor) = match conversation {
            Some(conversation) => (conversation, None),
            None => {
                let created: ConversationSummary =
                    client.post("/v1/conversations", &CreateConversation::default()).await?;
                (created.id, Some(0))
            }
        };
        let mut session = Self {
            access,
            client,
            socket: None,
            conversation,
            cursor,
            joined: false,
            pending: None,
            sent: None,
            turn: None,
            tries: 0,
            named: None,
            others: Vec::new(),
        };
        session.connect().await?;
        Ok(session)
    }

    /// The conversation.
    pub(super) fn conversation(&self) -> ConversationId {
        self.conversation
    }

    /// The turn of what was said last, once it is known.
    pub(super) fn turn(&self) -> Option<TurnId> {
        self.turn
    }

    /// Says something under `id`. It is sent as soon as the conversation is joined, and again until it is
    /// acknowledged.
    pub(super) async fn say(&mut self, id: ClientId, text: &str, agents: &[AgentId]) {
        self.turn = None;
        self.sent = Some(id.clone());
        self.pending = Some(ClientFrame::Send {
            id,
            conversation: self.conversation,
            text: text.to_owned(),
            agents: agents.to_vec(),
            parts: Vec::new(),
        });
        if self.joined {
            self.send_pending().await;
        }
    }

    /// Stops a turn. A socket that is gone loses this; the user can ask again.
    pub(super) async fn cancel(&mut self, turn: TurnId) {
        if let Some(socket) = &mut self.socket {
            send_frame(socket, &ClientFrame::Cancel { turn }).await.ok();
        }
    }

    /// Waits for what comes next; connects again when the socket dropped. Safe to drop: at worst a connection that
    /// was being made is made again.
    pub(super) async fn next(&mut self) -> Result<Received> {
        let Some(socket) = &mut self.socket else {
            self.back_off().await?;
            return self.reconnect().await;
        };
        match next_text(socket).await {
            Ok(text) => self.receive(text).await,
            Err(closed) => self.closed(&closed),
        }
    }

    async fn connect(&mut self) -> Result<()> {
        self.joined = false;
        let mut socket = self.client.socket("/ws").await?;
        let join = ClientFrame::Join { conversation: self.conversation, after: self.cursor };
        send_frame(&mut socket, &join).await?;
        self.socket = Some(socket);
        Ok(())
    }

    async fn reconnect(&mut self) -> Result<Received> {
        // The house may have moved to another port, another edge may be there, and the token may have run out.
        if let Ok(client) = self.access.client_after(&ROLES, self.tries) {
            self.client = client;
        }
        if let Some(elsewhere) = self.elsewhere().and_then(|edge| self.client.at(&edge)) {
            self.client = elsewhere;
        }
        match self.connect().await {
            Ok(()) => Ok(Received::Reconnecting("connected again".to_owned())),
            Err(error @ (Error::Unreachable(_) | Error::Failed(_))) if self.tries < TRIES => {
                Ok(Received::Reconnecting(format!("{error}; trying again")))
            }
            Err(Error::Problem(problem)) if problem.status >= 500 && self.tries < TRIES => {
                Ok(Received::Reconnecting(format!("{}; trying again", problem.title)))
            }
            Err(error) => Err(error),
        }
    }

    /// Another edge to try: the one that was named, and each second time one of those that are known. In between it is
    /// where the house was found, which may have moved.
    fn elsewhere(&mut self) -> Option<String> {
        let turn = usize::try_from(self.tries).unwrap_or_default();
        let known = || self.others.get((turn / 2).checked_rem(self.others.len())?).cloned();
        self.named.take().or_else(|| if turn % 2 == 1 { known() } else { None })
    }

    async fn back_off(&mut self) -> Result<()> {
        if self.named.is_some() {
            return Ok(());
        }
        let wait = jitter(self.tries, uuid::Uuid::new_v4().as_u64_pair().1);
        sleep(wait).await;
        self.tries += 1;
        Ok(())
    }

    fn closed(&mut self, closed: &Closed) -> Result<Received> {
        self.socket = None;
        self.joined = false;
        let is = |code: CloseCode| closed.code == Some(code as u16);
        if is(CloseCode::Unauthenticated) && (!self.access.renews() || self.tries > 0) {
            return Err(Error::Auth(format!("the token does not hold (any more): {}", closed.reason)));
        }
        if is(CloseCode::Forbidden) || is(CloseCode::BadFrame) {
            return Err(Error::Failed(format!("the edge closed the socket: {}", closed.reason)));
        }
        let why = match (closed.code, closed.reason.as_str()) {
            (Some(code), reason) => format!("the edge closed the socket ({code} {reason})"),
            (None, _) => "the socket dropped".to_owned(),
        };
        Ok(Received::Reconnecting(format!("{why}; connecting again")))
    }

    async fn receive(&mut self, text: String) -> Result<Received> {
        match serde_json::from_str(&text) {
            Ok(Incoming::Frame(frame)) => {
                self.frame(&frame).await?;
                Ok(Received::Frame(text, frame))
            }
            Ok(Incoming::Event(event)) if event.conversation == self.conversation => {
                self.event(&event);
                Ok(Received::Event(text, event))
            }
            Ok(Incoming::Event(_)) | Err(_) => Ok(Received::Unknown(text)),
        }
    }

    async fn frame(&mut self, frame: &ServerFrame) -> Result<()> {
        match frame {
            ServerFrame::Welcome { list, .. } => {
                let others =
                    list.edges.iter().filter(|edge| !edge.draining && Some(&edge.url) != list.edge.as_ref());
                self.others = others.map(|edge| edge.url.clone()).collect();
            }
            ServerFrame::Move { to } => self.named = Some(to.clone()),
            ServerFrame::Joined { seq, .. } => {
                self.cursor.get_or_insert(*seq);
                self.enter().await;
            }
            ServerFrame::Snapshot { seq, .. } => {
                self.cursor = Some(*seq);
                self.enter().await;
            }
            ServerFrame::Ack { id, turn, .. } if Some(id) == self.sent.as_ref() => {
                self.pending = None;
                self.turn = Some(*turn);
            }
            ServerFrame::Error { id, code, message, retry_after_s, .. }
                if self.concerns(id.as_deref(), *code) =>
            {
                self.pending = None;
                let mut problem = Problem::new(*code, message.clone());
                problem.retry_after_s = *retry_after_s;
                return Err(Error::Problem(Box::new(problem)));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether an error is about what we said, or says that we cannot be here at all.
    fn concerns(&self, id: Option<&str>, code: ProblemKind) -> bool {
        let ours = id.is_some() && id == self.sent.as_ref().map(ClientId::as_str);
        let out =
            matches!(code, ProblemKind::NotFound | ProblemKind::Forbidden | ProblemKind::Unauthenticated);
        ours || (out && id.is_none())
    }

    fn event(&mut self, event: &Event) {
        if let Some(seq) = event.seq {
            self.cursor = Some(self.cursor.unwrap_or(0).max(seq));
        }
        // Our own message may come before its acknowledgement, which is then not needed.
        if let EventBody::MessageCreated(message) = &event.body
            && message.client_id.is_some()
            && message.client_id == self.sent
        {
            self.pending = None;
            self.turn = message.turn.or(event.turn).or(self.turn);
        }
    }

    async fn enter(&mut self) {
        self.joined = true;
        self.tries = 0;
        self.send_pending().await;
    }

    async fn send_pending(&mut self) {
        if let (Some(socket), Some(frame)) = (&mut self.socket, &self.pending) {
            // If this fails, the socket is gone, and the next read says so.
            send_frame(socket, frame).await.ok();
        }
    }
}

/// Full jitter: anywhere between the first wait and a bound that doubles with each try.
fn jitter(tries: u32, random: u64) -> Duration {
    let (first, longest) = BACKOFF;
    let bound = first.saturating_mul(1 << tries.min(10)).min(longest).saturating_sub(first);
    let millis = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
    first + Duration::from_millis(random % (millis + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        for tries in 0..40 {
            for random in [0, 1, u64::MAX / 2, u64::MAX] {
                let wait = jitter(tries, random);
                assert!(wait >= BACKOFF.0 && wait <= BACKOFF.1, "{tries} {wait:?}");
            }
        }
        assert_eq!(jitter(0, u64::MAX), BACKOFF.0);
    }

    #[test]
    fn a_frame_and_an_event_are_told_apart() {
        let frame = r#"{"type":"pong"}"#;
        assert!(matches!(serde_json::from_str(frame), Ok(Incoming::Frame(_))));
        let event = format!(
            r#"{{"type":"notice","data":{{"code":"degraded","text":"x"}},"conversation":"{}","at":"2026-01-01T00:00:00Z"}}"#,
            ConversationId::new()
        );
        assert!(matches!(serde_json::from_str(&event), Ok(Incoming::Event(_))));
    }
}
