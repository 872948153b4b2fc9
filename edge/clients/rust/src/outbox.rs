//! What was said and is not acknowledged. Pure.

use crate::{
    error::{Error, Result},
    rules::{ANSWER_WITHIN, UNACKNOWLEDGED},
};
use std::collections::VecDeque;
use switchboard_shared::{
    events::ClientFrame,
    ids::{ClientId, ConversationId},
};
use tokio::time::Instant;

/// What was said and is not acknowledged, in the order in which it was said.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    id: ClientId,
    conversation: ConversationId,
    frame: ClientFrame,
    sent: Option<Instant>,
}

impl Outbox {
    /// Takes a `send` frame.
    ///
    /// # Errors
    /// When so much waits that an edge would take no more.
    pub(crate) fn take(
        &mut self,
        id: ClientId,
        conversation: ConversationId,
        frame: ClientFrame,
    ) -> Result<()> {
        if self.waiting.len() >= UNACKNOWLEDGED {
            return Err(Error::Full(self.waiting.len()));
        }
        self.waiting.push_back(Waiting { id, conversation, frame, sent: None });
        Ok(())
    }

    /// What is to be written now: all that was not, of the conversations where it may be said.
    pub(crate) fn due(&mut self, now: Instant, may_say: impl Fn(ConversationId) -> bool) -> Vec<ClientFrame> {
        let due = self.waiting.iter_mut().filter(|it| it.sent.is_none() && may_say(it.conversation));
        due.map(|it| {
            it.sent = Some(now);
            it.frame.clone()
        })
        .collect()
    }

    /// Notes that a message was answered, or seen in the log.
    pub(crate) fn answered(&mut self, id: &str) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|it| it.id.as_str() != id);
        self.waiting.len() < before
    }

    /// Forgets what was for a conversation that is over.
    pub(crate) fn forget(&mut self, conversation: ConversationId) {
        self.waiting.retain(|it| it.conversation != conversation);
    }

    /// The socket is gone: all of it is sent again.
    pub(crate) fn again(&mut self) {
        self.waiting.iter_mut().for_each(|it| it.sent = None);
    }

    /// When the socket is of no use, because nothing answers.
    pub(crate) fn overdue(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|it| it.sent).min().map(|sent| sent + ANSWER_WITHIN)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn say(outbox: &mut Outbox, id: &str, conversation: ConversationId) -> Result<()> {
        let id: ClientId = id.parse().unwrap();
        let (agents, parts) = (Vec::new(), Vec::new());
        let frame = ClientFrame::Send { id: id.clone(), conversation, text: "hello".into(), agents, parts };
        outbox.take(id, conversation, frame)
    }

    fn ids(frames: &[ClientFrame]) -> Vec<String> {
        let id = |frame: &ClientFrame| match frame {
            ClientFrame::Send { id, .. } => id.to_string(),
            other => format!("{other:?}"),
        };
        frames.iter().map(id).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_acknowledged_is_sent_again_in_its_order_under_its_id() {
        let (mut outbox, room, other) = (Outbox::default(), ConversationId::new(), ConversationId::new());
        for id in ["a", "b", "c"] {
            say(&mut outbox, id, room).unwrap();
        }
        say(&mut outbox, "elsewhere", other).unwrap();
        assert_eq!(ids(&outbox.due(Instant::now(), |it| it == room)), ["a", "b", "c"]);
        assert!(outbox.due(Instant::now(), |it| it == room).is_empty(), "each once on a socket");
        assert_eq!(outbox.overdue(), Some(Instant::now() + ANSWER_WITHIN));
        assert!(outbox.answered("b") && !outbox.answered("b"));
        outbox.again();
        assert_eq!(outbox.overdue(), None);
        assert_eq!(ids(&outbox.due(Instant::now(), |it| it == room)), ["a", "c"]);
        outbox.forget(room);
        assert_eq!(ids(&outbox.due(Instant::now(), |_| true)), ["elsewhere"]);
    }

    #[test]
    fn no_more_is_taken_than_an_edge_takes() {
        let (mut outbox, room) = (Outbox::default(), ConversationId::new());
        for number in 0..UNACKNOWLEDGED {
            say(&mut outbox, &number.to_string(), room).unwrap();
        }
        assert!(matches!(say(&mut outbox, "more", room), Err(Error::Full(UNACKNOWLEDGED))));
    }
}
