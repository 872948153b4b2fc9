//! The conversations that a client is in, and where each is read to. Pure.

use crate::rules::JOIN_AGAIN;
use std::{collections::HashMap, time::Duration};
use switchboard_shared::{
    events::{ClientFrame, Cursor, ServerFrame, Taken},
    ids::ConversationId,
    problem::ProblemKind,
};
use tokio::time::Instant;

/// The conversations of a client.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    rooms: HashMap<ConversationId, Room>,
}

#[derive(Debug)]
struct Room {
    cursor: Cursor,
    /// It was said to be joined on this socket.
    inside: bool,
    /// When to join it; `None` while an answer is awaited, or when it is joined.
    join_at: Option<Instant>,
}

/// What an error frame about a conversation means for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is joined again.
    Again,
    /// It is over.
    Over,
}

impl Rooms {
    /// Comes into a conversation; `after` is the last seq that the caller has.
    pub(crate) fn join(&mut self, conversation: ConversationId, after: Option<u64>, now: Instant) {
        let room = Room { cursor: Cursor::after(after), inside: false, join_at: Some(now) };
        self.rooms.insert(conversation, room);
    }

    /// Leaves one.
    pub(crate) fn leave(&mut self, conversation: ConversationId) {
        self.rooms.remove(&conversation);
    }

    /// The last seq that was handed on.
    pub(crate) fn cursor(&self, conversation: ConversationId) -> Option<u64> {
        self.rooms.get(&conversation)?.cursor.seq()
    }

    /// Whether something may be said there: in a conversation that was to be joined, only once it is, so that it is heard.
    pub(crate) fn may_say(&self, conversation: ConversationId) -> bool {
        self.rooms.get(&conversation).is_none_or(|room| room.inside)
    }

    /// There is another socket, which is in none of them yet.
    pub(crate) fn again(&mut self, now: Instant) {
        for room in self.rooms.values_mut() {
            (room.inside, room.join_at) = (false, Some(now));
        }
    }

    /// When something is to be joined.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.rooms.values().filter_map(|room| room.join_at).min()
    }

    /// The `join` frames that are due.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<ClientFrame> {
        let due = self.rooms.iter_mut().filter(|(_, room)| room.join_at.is_some_and(|at| at <= now));
        due.map(|(conversation, room)| {
            room.join_at = None;
            ClientFrame::Join { conversation: *conversation, after: room.cursor.seq() }
        })
        .collect()
    }

    /// Takes a frame that is about a conversation; what an error means for it.
    pub(crate) fn frame(&mut self, frame: &ServerFrame, now: Instant) -> Option<Fate> {
        match frame {
            ServerFrame::Joined { conversation, seq } => {
                let room = self.rooms.get_mut(&conversation.id)?;
                room.cursor.attached(*seq);
                (room.inside, room.join_at) = (true, None);
                None
            }
            ServerFrame::Snapshot { conversation, seq, .. } => {
                let room = self.rooms.get_mut(&conversation.id)?;
                room.cursor.replaced(*seq);
                (room.inside, room.join_at) = (true, None);
                None
            }
            ServerFrame::Error {
                id: None, conversation: Some(conversation), code, retry_after_s, ..
            } => {
                let room = self.rooms.get_mut(conversation)?;
                if is_final(*code) {
                    self.rooms.remove(conversation);
                    return Some(Fate::Over);
                }
                let wait = retry_after_s.map_or(JOIN_AGAIN, Duration::from_secs).max(JOIN_AGAIN);
                (room.inside, room.join_at) = (false, Some(now + wait));
                Some(Fate::Again)
            }
            _ => None,
        }
    }

    /// Takes the text of an event: the text to hand on, unless it was handed on already or something before it is
    /// missing, in which case the conversation is joined again.
    ///
    /// # Errors
    /// When it is not an event.
    pub(crate) fn event(
        &mut self,
        conversation: ConversationId,
        text: String,
        now: Instant,
    ) -> Result<Option<String>, serde_json::Error> {
        let Some(room) = self.rooms.get_mut(&conversation) else { return Ok(None) };
        Ok(match room.cursor.take(&text)? {
            Taken::AsItCame => Some(text),
            Taken::Piece(event) => Some(serde_json::to_string(&event)?),
            Taken::Seen => None,
            Taken::Gap => {
                // Not at once: what is left out again must not be asked for without end.
                room.join_at.get_or_insert(now + JOIN_AGAIN);
                None
            }
        })
    }
}

/// Whether joining again would be refused again.
fn is_final(code: ProblemKind) -> bool {
    code.status() < 500 && !matches!(code, ProblemKind::RateLimited | ProblemKind::RequestTimeout)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use switchboard_shared::events::{Event, EventBody};

    fn event(conversation: ConversationId, seq: u64) -> String {
        let body = EventBody::ConversationRenamed { title: seq.to_string() };
        let at = chrono::Utc::now();
        serde_json::to_string(&Event { conversation, seq: Some(seq), turn: None, at, body }).unwrap()
    }

    fn error(conversation: ConversationId, code: ProblemKind) -> ServerFrame {
        let (id, conversation, message) = (None, Some(conversation), String::new());
        ServerFrame::Error { id, conversation, code, message, retry_after_s: None }
    }

    #[tokio::test(start_paused = true)]
    async fn another_socket_joins_after_the_last_event_and_hands_nothing_on_twice() {
        let (mut rooms, room, now) = (Rooms::default(), ConversationId::new(), Instant::now());
        rooms.join(room, Some(0), now);
        assert_eq!(rooms.due(now), [ClientFrame::Join { conversation: room, after: Some(0) }]);
        assert!(rooms.due(now).is_empty());
        let mut take = |seq| rooms.event(room, event(room, seq), now).unwrap().is_some();
        assert!(take(1) && take(2) && !take(2));
        rooms.again(now);
        assert_eq!(rooms.due(now), [ClientFrame::Join { conversation: room, after: Some(2) }]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_gap_is_not_handed_on_and_read_again() {
        let (mut rooms, room, now) = (Rooms::default(), ConversationId::new(), Instant::now());
        rooms.join(room, Some(4), now);
        drop(rooms.due(now));
        assert_eq!(rooms.event(room, event(room, 6), now).unwrap(), None);
        assert_eq!(rooms.event(room, event(room, 7), now).unwrap(), None);
        assert_eq!(rooms.due(now + JOIN_AGAIN), [ClientFrame::Join { conversation: room, after: Some(4) }]);
        assert_eq!(rooms.event(ConversationId::new(), event(room, 5), now).unwrap(), None, "not joined");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_the_end_of_a_conversation_unless_time_may_mend_it() {
        let (mut rooms, room, now) = (Rooms::default(), ConversationId::new(), Instant::now());
        rooms.join(room, Some(4), now);
        drop(rooms.due(now));
        assert_eq!(rooms.frame(&error(room, ProblemKind::Unavailable), now), Some(Fate::Again));
        assert_eq!(rooms.due_at(), Some(now + JOIN_AGAIN));
        assert_eq!(rooms.frame(&error(room, ProblemKind::NotFound), now), Some(Fate::Over));
        assert_eq!((rooms.due_at(), rooms.cursor(room)), (None, None));
    }
}
