//! A conversation on a terminal: one conversation of the client library, and the turn of what was said there last.

use super::super::access::Access;
use crate::{
    client::Client,
    error::{Error, Result},
};
use switchboard_client::{Options, Received};
use switchboard_shared::{
    api::{ConversationSummary, CreateConversation},
    events::{Event, EventBody, ServerFrame},
    ids::{AgentId, ClientId, ConversationId, TurnId},
    problem::{Problem, ProblemKind},
};

/// After this many tries in a row the house is said to be gone: one to three minutes.
const TRIES: u32 = 16;
/// What a terminal's user may do.
const ROLES: [&str; 1] = ["user"];

/// One conversation.
pub(super) struct Session {
    access: Access,
    client: Client,
    inner: switchboard_client::Session,
    conversation: ConversationId,
    sent: Option<ClientId>,
    turn: Option<TurnId>,
}

impl Session {
    /// Takes a conversation, or begins one, and comes into it.
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
        let tokens = access.clone();
        let token = move || std::future::ready(tokens.token(&ROLES).map_err(Into::into));
        let mut options = Options::new(client.http(), access.edges()?, token);
        options.most_tries = TRIES;
        let opened = switchboard_client::Session::open(options).await;
        let mut inner = opened.map_err(|error| client.failure(error))?;
        inner.join(conversation, cursor);
        Ok(Self { access, client, inner, conversation, sent: None, turn: None })
    }

    /// The conversation.
    pub(super) fn conversation(&self) -> ConversationId {
        self.conversation
    }

    /// The turn of what was said last, once it is known.
    pub(super) fn turn(&self) -> Option<TurnId> {
        self.turn
    }

    /// Says something under `id`.
    pub(super) fn say(&mut self, id: ClientId, text: &str, agents: &[AgentId]) -> Result<()> {
        self.turn = None;
        self.sent = Some(id.clone());
        let said = self.inner.send_to(id, self.conversation, text, agents.to_vec(), Vec::new());
        said.map_err(|error| self.client.failure(error))
    }

    /// Stops a turn. A socket that is gone loses this; the user can ask again.
    pub(super) fn cancel(&mut self, turn: TurnId) {
        self.inner.cancel(turn);
    }

    /// Waits for what comes next. Safe to drop.
    pub(super) async fn next(&mut self) -> Result<Received> {
        let received = self.inner.next().await.map_err(|error| self.client.failure(error))?;
        match &received {
            Received::Frame(_, frame) => self.frame(frame)?,
            Received::Event(_, event) => self.event(event),
            // The house may have moved to another port, and another edge may be there.
            Received::Away(_) => self.inner.know(self.access.edges().unwrap_or_default()),
            Received::At(_) | Received::Unknown(_) => {}
        }
        Ok(received)
    }

    fn frame(&mut self, frame: &ServerFrame) -> Result<()> {
        match frame {
            ServerFrame::Ack { id, turn, .. } if Some(id) == self.sent.as_ref() => self.turn = Some(*turn),
            ServerFrame::Error { id, code, message, retry_after_s, .. }
                if self.concerns(id.as_deref(), *code) =>
            {
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
        // Our own message may come before its acknowledgement, which is then not needed.
        if let EventBody::MessageCreated(message) = &event.body
            && message.client_id.is_some()
            && message.client_id == self.sent
        {
            self.turn = message.turn.or(event.turn).or(self.turn);
        }
    }
}
