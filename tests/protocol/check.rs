//! What has to hold at the end of a run, when the faults are long over.

use super::{
    parts::{Client, Entry},
    world::World,
};

/// How much happened, over all runs.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) acknowledged: u64,
    pub(crate) faults: u64,
    pub(crate) taken_over: u64,
    pub(crate) sent_again: u64,
    pub(crate) fenced: u64,
    pub(crate) read_for_a_gap: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, world: &World) {
        self.acknowledged += world.clients.iter().map(|client| client.acknowledged.len() as u64).sum::<u64>();
        for (sum, one) in [
            (&mut self.faults, world.counted.faults),
            (&mut self.taken_over, world.counted.taken_over),
            (&mut self.sent_again, world.counted.sent_again),
            (&mut self.fenced, world.counted.fenced),
            (&mut self.read_for_a_gap, world.counted.read_for_a_gap),
        ] {
            *sum += one;
        }
    }
}

/// Every promise, or the first that is broken.
pub(crate) fn promises(world: &World) -> Result<(), String> {
    messages(world)?;
    turns(world)?;
    world.clients.iter().enumerate().try_for_each(|(who, client)| one_client(world, who, client))
}

/// Acknowledged is in the log, and what is in the log is there once.
fn messages(world: &World) -> Result<(), String> {
    let mut there = std::collections::BTreeSet::new();
    for entry in &world.database.log {
        if let Entry::Message(id) = entry
            && !there.insert(*id)
        {
            return Err(format!("{id:?} is there twice"));
        }
    }
    for id in world.clients.iter().flat_map(|client| client.acknowledged.keys()) {
        if !there.contains(id) {
            return Err(format!("{id:?} was acknowledged and is lost"));
        }
    }
    Ok(())
}

/// Each turn is finished once, and nothing of an earlier attempt comes after a later one has begun.
fn turns(world: &World) -> Result<(), String> {
    let mut attempts = vec![0; world.database.turns.len()];
    let mut finished = vec![0; world.database.turns.len()];
    for entry in &world.database.log {
        let (turn, attempt) = match *entry {
            Entry::Message(_) => continue,
            Entry::Step { turn, attempt, .. } => (turn, attempt),
            Entry::Finished { turn, attempt } => {
                finished[turn] += 1;
                (turn, attempt)
            }
        };
        if attempt < attempts[turn] {
            return Err(format!("attempt {attempt} of turn {turn} wrote after attempt {}", attempts[turn]));
        }
        attempts[turn] = attempt;
    }
    match finished.iter().position(|times| *times != 1) {
        Some(turn) => Err(format!("turn {turn} was finished {} times", finished[turn])),
        None => Ok(()),
    }
}

/// It has heard back on everything that it said, and saw each event once and in order.
fn one_client(world: &World, who: usize, client: &Client) -> Result<(), String> {
    if let Some(id) = client.waiting.first() {
        return Err(format!("{id:?} never had an answer"));
    }
    if !client.seen.iter().copied().eq(1..=world.database.last_seq()) {
        return Err(format!("client {who} saw {:?} of {}", client.seen, world.database.last_seq()));
    }
    Ok(())
}
