//! What waits to be written to a client: bounded, and kept short by joining pieces of one answer.

use super::frames::name_out;
use crate::metrics::METRICS;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use switchboard_shared::{
    events::{Event, EventBody, ServerFrame},
    ids::ConversationId,
};
use tokio_tungstenite::tungstenite::Message;

/// One frame to be written. All but a piece of an answer, which others may be joined to, is text already, so that what
/// waits is what is counted.
#[derive(Debug)]
pub enum Entry {
    /// A frame of the edge's own, and its name.
    Frame(&'static str, String),
    /// An event, as the core wrote it.
    Event(ConversationId, String),
    /// A piece of an answer.
    Piece(Box<Event>),
}

impl From<&ServerFrame> for Entry {
    fn from(frame: &ServerFrame) -> Self {
        Self::Frame(name_out(frame), to_json(frame))
    }
}

impl Entry {
    fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Frame(..) => None,
            Self::Event(conversation, _) => Some(*conversation),
            Self::Piece(event) => Some(event.conversation),
        }
    }

    /// Its name, for metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Frame(name, _) => name,
            Self::Event(..) => "event",
            Self::Piece(_) => "delta",
        }
    }

    fn bytes(&self) -> usize {
        const ENVELOPE: usize = 256;
        match self {
            Self::Frame(_, text) | Self::Event(_, text) => text.len(),
            Self::Piece(event) => match &event.body {
                EventBody::AnswerDelta(delta) => ENVELOPE + delta.text.len(),
                _ => ENVELOPE,
            },
        }
    }

    fn text(self) -> String {
        match self {
            Self::Frame(_, text) | Self::Event(_, text) => text,
            Self::Piece(event) => to_json(&event),
        }
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("frames and events have only string keys, so they are always JSON")
}

/// The queue.
#[derive(Debug)]
pub struct Outbox {
    entries: VecDeque<Entry>,
    /// Where the newest piece of each conversation ends, in characters, while it waits.
    ends: HashMap<ConversationId, u64>,
    bytes: usize,
    max_bytes: usize,
    max_entries: usize,
    ping: bool,
}

impl Outbox {
    /// Makes an empty queue.
    #[must_use]
    pub fn new(max_bytes: usize, max_entries: usize) -> Self {
        Self { entries: VecDeque::new(), ends: HashMap::new(), bytes: 0, max_bytes, max_entries, ping: false }
    }

    /// Puts an entry at the end, or joins it with the last one of its conversation. Takes it even when full: whoever
    /// reads from the cores or from the client asks [`Outbox::is_full`] first, so that it is one frame more at most.
    pub fn push(&mut self, entry: Entry) {
        if let Entry::Piece(event) = &entry
            && self.join(event)
        {
            METRICS.coalesced.inc();
            return;
        }
        self.bytes += entry.bytes();
        if let Some(end) = end(&entry) {
            self.ends.insert(end.0, end.1);
        }
        self.entries.push_back(entry);
    }

    /// Asks the client for a sign of life, before everything else that waits.
    pub fn ping(&mut self) {
        self.ping = true;
    }

    /// The next frame.
    pub fn pop(&mut self) -> Option<Message> {
        if std::mem::take(&mut self.ping) {
            return Some(Message::Ping(Bytes::new()));
        }
        self.pop_text().map(Message::text)
    }

    fn pop_text(&mut self) -> Option<String> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.bytes().min(self.bytes);
        if self.entries.is_empty() {
            // An idle socket holds no memory for its busiest moment.
            self.entries = VecDeque::new();
            self.ends = HashMap::new();
        }
        Some(entry.text())
    }

    /// Whether nothing more should be read from the cores for now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes >= self.max_bytes || self.entries.len() >= self.max_entries
    }

    /// Appends a piece to the last entry of its conversation if it goes on right there.
    fn join(&mut self, event: &Event) -> bool {
        let same = |entry: &&mut Entry| entry.conversation() == Some(event.conversation);
        let Some(Entry::Piece(last)) = self.entries.iter_mut().rev().find(same) else { return false };
        let same_turn = last.turn == event.turn;
        let (EventBody::AnswerDelta(last), EventBody::AnswerDelta(next)) = (&mut last.body, &event.body)
        else {
            return false;
        };
        let Some(end) = self.ends.get_mut(&event.conversation) else { return false };
        if !same_turn || last.attempt != next.attempt || *end != next.offset {
            return false;
        }
        last.text.push_str(&next.text);
        *end += next.text.chars().count() as u64;
        self.bytes += next.text.len();
        true
    }
}

/// Where a piece of an answer ends, in characters. It is counted once: counting all that was joined so far at each piece
/// would cost the square of an answer's length.
fn end(entry: &Entry) -> Option<(ConversationId, u64)> {
    let Entry::Piece(event) = entry else { return None };
    match &event.body {
        EventBody::AnswerDelta(delta) => {
            Some((event.conversation, delta.offset + delta.text.chars().count() as u64))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::{
        events::Delta,
        ids::TurnId,
        problem::{Problem, ProblemKind},
    };

    fn piece(conversation: ConversationId, turn: TurnId, offset: u64, text: &str) -> Entry {
        let body = EventBody::AnswerDelta(Delta { attempt: 1, offset, text: text.into() });
        let at = chrono::Utc::now();
        Entry::Piece(Box::new(Event { conversation, seq: None, turn: Some(turn), at, body }))
    }

    #[test]
    fn pieces_of_one_answer_are_joined_also_across_another_conversation() {
        let mut outbox = Outbox::new(10_000, 100);
        let (a, b, turn) = (ConversationId::new(), ConversationId::new(), TurnId::new());
        outbox.push(piece(a, turn, 0, "hé"));
        outbox.push(Entry::Event(b, "{}".into()));
        outbox.push(piece(a, turn, 2, "llo"));
        assert!(outbox.pop_text().unwrap().contains("\"héllo\""));
        assert_eq!(outbox.pop_text().as_deref(), Some("{}"));
        assert!(outbox.entries.is_empty() && outbox.bytes == 0);
    }

    #[test]
    fn nothing_is_joined_over_an_event_a_gap_or_another_turn() {
        let mut outbox = Outbox::new(10_000, 100);
        let (a, turn) = (ConversationId::new(), TurnId::new());
        outbox.push(piece(a, turn, 0, "a"));
        outbox.push(Entry::Event(a, "{}".into()));
        outbox.push(piece(a, turn, 1, "b"));
        outbox.push(piece(a, turn, 3, "d"));
        outbox.push(piece(a, TurnId::new(), 4, "e"));
        assert_eq!(outbox.entries.len(), 5);
    }

    #[test]
    fn it_is_full_by_bytes_or_by_entries() {
        let mut outbox = Outbox::new(100, 3);
        let a = ConversationId::new();
        outbox.push(Entry::Event(a, "x".repeat(100)));
        assert!(outbox.is_full());
        drop(outbox.pop());
        assert!(!outbox.is_full());
        (0..3).for_each(|_| outbox.push(Entry::Event(a, String::new())));
        assert!(outbox.is_full());
    }

    #[test]
    fn a_frame_of_our_own_counts_with_all_its_bytes() {
        let mut outbox = Outbox::new(1_000, 100);
        outbox.push(Entry::from(&ServerFrame::Pong { t: None }));
        assert!(!outbox.is_full());
        let long = Problem::new(ProblemKind::BadRequest, "x".repeat(1_000));
        outbox.push(Entry::from(&ServerFrame::error(None, None, &long)));
        assert!(outbox.is_full());
        while outbox.pop().is_some() {}
        assert_eq!(outbox.bytes, 0);
    }
}
