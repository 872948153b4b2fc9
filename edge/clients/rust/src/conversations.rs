//! The conversations of a session: what is read of them and what is said there, whatever socket is below. Pure.

use crate::{
    error::Result,
    outbox::Outbox,
    received::{Incoming, Received},
    rooms::{Fate, Rooms},
};
use switchboard_shared::{
    events::{ClientFrame, Event, EventBody, ServerFrame},
    ids::{ClientId, ConversationId},
};
use tokio::time::Instant;

/// The conversations of a session.
#[derive(Debug, Default)]
pub(crate) struct Conversations {
    rooms: Rooms,
    outbox: Outbox,
}

impl Conversations {
    pub(crate) fn join(&mut self, conversation: ConversationId, after: Option<u64>, now: Instant) {
        self.rooms.join(conversation, after, now);
    }

    pub(crate) fn leave(&mut self, conversation: ConversationId) {
        self.rooms.leave(conversation);
        self.outbox.forget(conversation);
    }

    pub(crate) fn send(
        &mut self,
        id: ClientId,
        conversation: ConversationId,
        frame: ClientFrame,
    ) -> Result<()> {
        self.outbox.take(id, conversation, frame)
    }

    pub(crate) fn cursor(&self, conversation: ConversationId) -> Option<u64> {
        self.rooms.cursor(conversation)
    }

    /// There is another socket, or none: everything is joined and said again.
    pub(crate) fn again(&mut self, now: Instant) {
        self.rooms.again(now);
        self.outbox.again();
    }

    /// What is to be written now.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<ClientFrame> {
        let mut frames = self.rooms.due(now);
        frames.extend(self.outbox.due(now, |conversation| self.rooms.may_say(conversation)));
        frames
    }

    /// When something is to be written.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.rooms.due_at()
    }

    /// When the socket is of no use, because what was said is not answered.
    pub(crate) fn overdue(&self) -> Option<Instant> {
        self.outbox.overdue()
    }

    /// Takes a text from the socket; what of it is to be handed on.
    pub(crate) fn came(&mut self, text: String, now: Instant) -> Option<Received> {
        match serde_json::from_str(&text) {
            Ok(Incoming::Frame(frame)) => {
                self.frame(&frame, now);
                Some(Received::Frame(text, frame))
            }
            Ok(Incoming::Event(event)) => {
                // A piece of an answer may have been cut to what is new.
                let text = self.rooms.event(event.conversation, text, now).ok()??;
                let event: Box<Event> = serde_json::from_str(&text).ok()?;
                self.event(&event);
                Some(Received::Event(text, event))
            }
            Err(_) => Some(Received::Unknown(text)),
        }
    }

    fn frame(&mut self, frame: &ServerFrame, now: Instant) {
        let fate = self.rooms.frame(frame, now);
        match frame {
            ServerFrame::Ack { id, .. } => drop(self.outbox.answered(id.as_str())),
            ServerFrame::Error { id: Some(id), .. } => drop(self.outbox.answered(id)),
            ServerFrame::Error { conversation: Some(conversation), .. } if fate == Some(Fate::Over) => {
                self.outbox.forget(*conversation);
            }
            _ => {}
        }
    }

    fn event(&mut self, event: &Event) {
        // Our own message may come before its acknowledgement, and is as good as that.
        if let EventBody::MessageCreated(message) = &event.body
            && let Some(id) = &message.client_id
        {
            self.outbox.answered(id.as_str());
        }
    }
}
