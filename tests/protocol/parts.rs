//! The parts of the model: the database, cores, edges and clients, with what each of them remembers.

use super::clock::Ms;
use std::collections::{BTreeMap, BTreeSet};

/// A message's id, as its client chose it: who, and the how manieth.
pub(crate) type ClientId = (usize, u32);

/// A turn is the message that it answers: their number in the log's order.
pub(crate) type Turn = usize;

/// What stands in the log; its place in it, counted from one, is its seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Message(ClientId),
    Step { turn: Turn, attempt: u32, step: u32 },
    Finished { turn: Turn, attempt: u32 },
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnRow {
    pub(crate) attempt: u32,
    pub(crate) core: usize,
    pub(crate) lease_until: Ms,
    /// How many steps are written.
    pub(crate) steps: u32,
    pub(crate) finished: bool,
}

/// The truth. It is away now and then, and loses nothing.
#[derive(Debug, Default)]
pub(crate) struct Database {
    pub(crate) away: bool,
    pub(crate) log: Vec<Entry>,
    pub(crate) by_id: BTreeMap<ClientId, Turn>,
    pub(crate) turns: Vec<TurnRow>,
}

impl Database {
    pub(crate) fn last_seq(&self) -> usize {
        self.log.len()
    }
}

/// A process that dies and comes back: what was meant for an earlier life does not reach the next one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pub(crate) life: u32,
    pub(crate) up: bool,
    pub(crate) frozen_until: Ms,
}

impl Process {
    pub(crate) const NEW: Self = Self { life: 0, up: true, frozen_until: 0 };

    pub(crate) fn is(&self, life: u32) -> bool {
        self.up && self.life == life
    }
}

/// A conversation's stream that an edge has open for a client, at a core.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) core: usize,
    pub(crate) core_life: u32,
    /// What was passed on last.
    pub(crate) passed: usize,
}

/// A client's connection: a number of its own each time, so that what is under way on an old one is lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    pub(crate) number: u64,
    pub(crate) edge: usize,
    pub(crate) edge_life: u32,
    pub(crate) stream: Option<Stream>,
    /// When the last frame arrives that is under way: a connection keeps its order.
    pub(crate) busy_until: Ms,
}

#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) connection: Option<Connection>,
    /// Nothing reaches it over its connection.
    pub(crate) deaf: bool,
    pub(crate) said: u32,
    pub(crate) waiting: BTreeSet<ClientId>,
    /// When each was sent last.
    pub(crate) sent: BTreeMap<ClientId, Ms>,
    pub(crate) acknowledged: BTreeMap<ClientId, Turn>,
    /// The seqs that it saw, in the order in which it saw them.
    pub(crate) seen: Vec<usize>,
}

impl Client {
    pub(crate) fn cursor(&self) -> usize {
        self.seen.last().copied().unwrap_or(0)
    }
}
