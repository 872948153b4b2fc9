//! What the load did and heard, kept in bounds: a few numbers for each message, and counts of everything else.

use super::check::{Acknowledged, View};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use switchboard_shared::ids::TurnId;
use tokio::time::Instant;

/// Messages of one load; it says nothing more after these, some hundred megabytes of memory.
const MOST: usize = 1_000_000;
/// Reconnections, reads and words about what is degraded that are timed; later ones are counted alone.
const MOST_TIMES: usize = 1_000_000;

/// What is known of one message. Times are milliseconds since the load began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) room: usize,
    pub(crate) at: u32,
    pub(crate) acknowledged: Option<u32>,
    pub(crate) seq: u64,
    pub(crate) turn: Option<TurnId>,
    /// When its turn was heard to be over.
    pub(crate) over: Option<u32>,
    /// When it was refused for good.
    pub(crate) refused: Option<u32>,
}

/// Everything, at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) sent: Vec<Sent>,
    pub(crate) turns: HashMap<TurnId, u32>,
    /// Turns that ended otherwise than completed, by their state.
    pub(crate) turns_ended: BTreeMap<String, u64>,
    /// When an answer said what it did without.
    pub(crate) degraded: Vec<u32>,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) retried: u64,
    /// Messages that could not even be put before a client, since it was too far behind.
    pub(crate) unsent: u64,
    /// Error replies to reads, and reads that failed on every edge.
    pub(crate) failed_reads: u64,
    /// How long each socket was away, in milliseconds.
    pub(crate) away: Vec<u32>,
    /// When each read succeeded, and how long it took.
    pub(crate) reads: Vec<(u32, u32)>,
    /// The longest that an event was due at a socket after its acknowledgement, in milliseconds.
    pub(crate) due_longest: u32,
    pub(crate) views: Vec<View>,
    pub(crate) cursors: Vec<u64>,
}

/// Shared by everybody of a load.
#[derive(Debug)]
pub(crate) struct Record {
    run: String,
    began: Instant,
    heard: Mutex<Heard>,
}

impl Record {
    pub(super) fn new(run: String) -> Self {
        Self { run, began: Instant::now(), heard: Mutex::default() }
    }

    /// Milliseconds since the load began.
    pub(crate) fn now(&self) -> u32 {
        millis(self.began.elapsed())
    }

    /// A new message; `None` when there have been enough.
    pub(super) fn send(&self, room: usize) -> Option<usize> {
        let at = self.now();
        let mut heard = self.heard();
        if heard.sent.len() >= MOST {
            return None;
        }
        heard.sent.push(Sent { room, at, ..Sent::default() });
        Some(heard.sent.len() - 1)
    }

    /// The id under which a message is sent, each time.
    pub(super) fn client_id(&self, number: usize) -> String {
        format!("{}-{number}", self.run)
    }

    /// Which message an id stands for, if it is one of this load.
    pub(crate) fn number(&self, client_id: &str) -> Option<usize> {
        client_id.strip_prefix(&self.run)?.strip_prefix('-')?.parse().ok()
    }

    /// It is stored: an acknowledgement came, or the message itself. Says whether that is news.
    pub(super) fn acknowledge(&self, number: usize, seq: u64, turn: Option<TurnId>) -> bool {
        let now = self.now();
        let mut heard = self.heard();
        let Some(sent) = heard.sent.get_mut(number) else { return false };
        let news = sent.acknowledged.is_none();
        if news {
            (sent.acknowledged, sent.seq) = (Some(now), seq);
        }
        if let Some(turn) = turn
            && sent.turn.is_none()
        {
            sent.turn = Some(turn);
            heard.turns.insert(turn, u32::try_from(number).unwrap_or(u32::MAX));
        }
        news
    }

    pub(super) fn refuse(&self, number: usize) {
        let now = self.now();
        if let Some(sent) = self.heard().sent.get_mut(number) {
            sent.refused = Some(now);
        }
    }

    /// A turn is over. Everybody in its conversation hears that; the first one counts.
    pub(super) fn over(&self, turn: TurnId, state: &str) {
        let now = self.now();
        let mut heard = self.heard();
        let Some(number) = heard.turns.get(&turn).map(|number| *number as usize) else { return };
        if let Some(sent) = heard.sent.get_mut(number)
            && sent.over.is_none()
        {
            sent.over = Some(now);
            if state != "completed" {
                *heard.turns_ended.entry(state.to_owned()).or_default() += 1;
            }
        }
    }

    /// Whether turns that ran at this moment still run.
    pub(crate) fn still_run(&self, at: u32) -> bool {
        let ran = |sent: &Sent| sent.acknowledged.is_some_and(|acknowledged| acknowledged <= at);
        self.heard().sent.iter().any(|sent| ran(sent) && sent.over.is_none())
    }

    /// An answer says what it did without. Everybody in its conversation hears that.
    pub(super) fn degraded(&self) {
        let now = self.now();
        let mut heard = self.heard();
        if heard.degraded.len() < MOST_TIMES {
            heard.degraded.push(now);
        }
    }

    pub(super) fn error(&self, code: &str) {
        *self.heard().errors.entry(code.to_owned()).or_default() += 1;
    }

    pub(super) fn retried(&self) {
        self.heard().retried += 1;
    }

    /// Its client is too far behind to take it.
    pub(super) fn unsent(&self, number: usize) {
        self.heard().unsent += 1;
        self.refuse(number);
    }

    pub(super) fn was_away(&self, time: Duration) {
        let mut heard = self.heard();
        if heard.away.len() < MOST_TIMES {
            heard.away.push(millis(time));
        }
    }

    pub(super) fn read(&self, took: Duration) {
        let now = self.now();
        let mut heard = self.heard();
        if heard.reads.len() < MOST_TIMES {
            heard.reads.push((now, millis(took)));
        }
    }

    pub(super) fn read_failed(&self) {
        self.heard().failed_reads += 1;
    }

    pub(super) fn was_due(&self, time: Duration) {
        let mut heard = self.heard();
        heard.due_longest = heard.due_longest.max(millis(time));
    }

    /// How far a person's socket is.
    pub(super) fn seen(&self, person: usize, seq: u64) {
        let mut heard = self.heard();
        if heard.cursors.len() <= person {
            heard.cursors.resize(person + 1, 0);
        }
        heard.cursors[person] = seq;
    }

    /// Whether every socket has come to the end of its conversation.
    pub(super) fn all_at(&self, ends: &[u64]) -> bool {
        let heard = self.heard();
        heard.cursors.iter().enumerate().all(|(person, seq)| *seq >= ends[person % ends.len()])
    }

    /// What is neither acknowledged nor refused, and whose turns are not known to be over.
    pub(super) fn open(&self) -> (usize, Vec<TurnId>) {
        let heard = self.heard();
        let waiting = |sent: &&Sent| sent.acknowledged.is_none() && sent.refused.is_none();
        let unanswered = heard.sent.iter().filter(waiting).count();
        let running = heard.sent.iter().filter(|sent| sent.acknowledged.is_some() && sent.over.is_none());
        (unanswered, running.filter_map(|sent| sent.turn).collect())
    }

    /// How many turns are over by now.
    pub(crate) fn answered(&self) -> usize {
        self.heard().sent.iter().filter(|sent| sent.over.is_some()).count()
    }

    pub(super) fn acknowledged(&self) -> Vec<Acknowledged> {
        let heard = self.heard();
        let stored = heard.sent.iter().enumerate().filter(|(_, sent)| sent.acknowledged.is_some());
        let one = |(number, sent): (usize, &Sent)| Acknowledged {
            room: sent.room,
            client_id: self.client_id(number),
            seq: sent.seq,
        };
        stored.map(one).collect()
    }

    pub(super) fn take(&self) -> Heard {
        std::mem::take(&mut *self.heard())
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
