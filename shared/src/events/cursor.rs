//! Where a reader stands in a conversation: what it has seen is not passed twice, and what it has missed is noticed.
//! Pure, since this is what makes a dead core invisible to an edge's reader, and a dead edge to a client.

use super::log::{Event, EventBody};
use crate::ids::TurnId;
use serde::Deserialize;
use std::collections::{HashMap, VecDeque};

/// Finished answers that are remembered, so that a late piece of one is known for what it is.
const REMEMBERED: usize = 16;

/// What a reader has seen.
#[derive(Debug, Default)]
pub struct Cursor {
    seq: Option<u64>,
    running: HashMap<TurnId, Progress>,
    finished: VecDeque<TurnId>,
}

/// How far a running answer was passed on.
#[derive(Clone, Copy, Debug)]
struct Progress {
    attempt: u32,
    offset: u64,
}

/// What becomes of an event.
#[derive(Debug)]
pub enum Taken {
    /// Passed on as it came.
    AsItCame,
    /// A piece of an answer, perhaps cut to what is new.
    Piece(Box<Event>),
    /// Seen before.
    Seen,
    /// Something before it is missing.
    Gap,
}

/// As much of an event as the cursor needs.
#[derive(Deserialize)]
struct Glance<'a> {
    #[serde(default)]
    seq: Option<u64>,
    #[serde(default)]
    turn: Option<TurnId>,
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
}

impl Cursor {
    /// A cursor right after `seq`; `None` is wherever the stream begins.
    #[must_use]
    pub fn after(seq: Option<u64>) -> Self {
        Self { seq, ..Self::default() }
    }

    /// The last seq that was passed on.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// Notes where a new stream says it begins.
    pub fn attached(&mut self, seq: u64) {
        self.seq.get_or_insert(seq);
    }

    /// Begins anew after a snapshot.
    pub fn replaced(&mut self, seq: u64) {
        *self = Self::after(Some(seq));
    }

    /// Decides about an event.
    ///
    /// # Errors
    /// When it is not an event.
    pub fn take(&mut self, text: &str) -> Result<Taken, serde_json::Error> {
        let glance: Glance<'_> = serde_json::from_str(text)?;
        if glance.kind == "answer.delta" {
            return self.piece(serde_json::from_str(text)?);
        }
        if let Some(seq) = glance.seq {
            match self.seq {
                Some(last) if seq <= last => return Ok(Taken::Seen),
                Some(last) if seq > last + 1 => return Ok(Taken::Gap),
                _ => self.seq = Some(seq),
            }
        }
        if let (Some(turn), "answer.finished" | "turn.finished") = (glance.turn, glance.kind.as_ref()) {
            self.finish(turn);
        }
        Ok(Taken::AsItCame)
    }

    fn piece(&mut self, mut event: Event) -> Result<Taken, serde_json::Error> {
        let (Some(turn), EventBody::AnswerDelta(delta)) = (event.turn, &mut event.body) else {
            return Err(serde::de::Error::custom("a piece of an answer without its turn"));
        };
        if self.finished.contains(&turn) {
            return Ok(Taken::Seen);
        }
        let end = delta.offset + delta.text.chars().count() as u64;
        let progress =
            self.running.entry(turn).or_insert(Progress { attempt: delta.attempt, offset: delta.offset });
        if delta.attempt < progress.attempt {
            return Ok(Taken::Seen);
        }
        if delta.attempt > progress.attempt {
            *progress = Progress { attempt: delta.attempt, offset: delta.offset };
        }
        if end <= progress.offset && !delta.text.is_empty() {
            return Ok(Taken::Seen);
        }
        if delta.offset < progress.offset {
            let seen = usize::try_from(progress.offset - delta.offset).unwrap_or(usize::MAX);
            delta.text = delta.text.chars().skip(seen).collect();
            delta.offset = progress.offset;
        }
        progress.offset = end.max(progress.offset);
        Ok(Taken::Piece(Box::new(event)))
    }

    fn finish(&mut self, turn: TurnId) {
        self.running.remove(&turn);
        if !self.finished.contains(&turn) {
            self.finished.push_back(turn);
        }
        if self.finished.len() > REMEMBERED {
            self.finished.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        events::{Delta, TurnState},
        ids::ConversationId,
    };

    fn event(seq: Option<u64>, turn: TurnId, body: EventBody) -> String {
        let at = chrono::Utc::now();
        serde_json::to_string(&Event { conversation: ConversationId::new(), seq, turn: Some(turn), at, body })
            .unwrap()
    }

    fn started(seq: u64, turn: TurnId) -> String {
        event(Some(seq), turn, EventBody::AnswerStarted { attempt: 1 })
    }

    fn delta(turn: TurnId, attempt: u32, offset: u64, text: &str) -> String {
        event(None, turn, EventBody::AnswerDelta(Delta { attempt, offset, text: text.into() }))
    }

    fn passed(cursor: &mut Cursor, text: &str) -> Option<String> {
        match cursor.take(text).unwrap() {
            Taken::Piece(event) => match event.body {
                EventBody::AnswerDelta(delta) => Some(format!("{}:{}", delta.offset, delta.text)),
                _ => None,
            },
            Taken::Seen => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_passes_once_and_a_gap_is_noticed() {
        let (mut cursor, turn) = (Cursor::after(Some(4)), TurnId::new());
        assert!(matches!(cursor.take(&started(4, turn)).unwrap(), Taken::Seen));
        assert!(matches!(cursor.take(&started(5, turn)).unwrap(), Taken::AsItCame));
        assert!(matches!(cursor.take(&started(5, turn)).unwrap(), Taken::Seen));
        assert!(matches!(cursor.take(&started(7, turn)).unwrap(), Taken::Gap));
        assert_eq!(cursor.seq(), Some(5));
        assert!(cursor.take("{}").is_err() && cursor.take("x").is_err());
    }

    #[test]
    fn pieces_that_come_again_are_cut_to_what_is_new() {
        let (mut cursor, turn) = (Cursor::after(Some(0)), TurnId::new());
        assert_eq!(passed(&mut cursor, &delta(turn, 1, 0, "héllo")).as_deref(), Some("0:héllo"));
        assert_eq!(passed(&mut cursor, &delta(turn, 1, 0, "héllo")), None);
        assert_eq!(passed(&mut cursor, &delta(turn, 1, 3, "lo wörld")).as_deref(), Some("5: wörld"));
        assert_eq!(passed(&mut cursor, &delta(turn, 1, 11, "!")).as_deref(), Some("11:!"));
    }

    #[test]
    fn a_new_attempt_begins_anew_and_the_old_one_is_over() {
        let (mut cursor, turn) = (Cursor::after(Some(0)), TurnId::new());
        assert!(passed(&mut cursor, &delta(turn, 1, 0, "abc")).is_some());
        assert_eq!(passed(&mut cursor, &delta(turn, 2, 0, "a")).as_deref(), Some("0:a"));
        assert_eq!(passed(&mut cursor, &delta(turn, 1, 3, "d")), None);
    }

    #[test]
    fn a_piece_after_the_end_of_its_answer_is_not_passed() {
        let (mut cursor, turn) = (Cursor::after(Some(0)), TurnId::new());
        let end = event(
            Some(1),
            turn,
            EventBody::TurnFinished { state: TurnState::Completed, usage: Default::default(), error: None },
        );
        assert!(matches!(cursor.take(&end).unwrap(), Taken::AsItCame));
        assert_eq!(passed(&mut cursor, &delta(turn, 1, 0, "abc")), None);
    }
}
