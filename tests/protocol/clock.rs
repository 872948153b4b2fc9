//! Virtual time, and chance that is the same for the same seed.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

/// Milliseconds since the beginning of a run.
pub(crate) type Ms = u64;

/// What is due, in order of time, and at one time in the order in which it was put in.
#[derive(Debug)]
pub(crate) struct Clock<E> {
    pub(crate) now: Ms,
    due: BinaryHeap<Reverse<(Ms, u64)>>,
    events: BTreeMap<u64, E>,
    put: u64,
}

impl<E> Clock<E> {
    pub(crate) fn new() -> Self {
        Self { now: 0, due: BinaryHeap::new(), events: BTreeMap::new(), put: 0 }
    }

    pub(crate) fn after(&mut self, pause: Ms, event: E) {
        self.put += 1;
        self.due.push(Reverse((self.now + pause, self.put)));
        self.events.insert(self.put, event);
    }

    /// The next one, with the time moved on to it.
    pub(crate) fn next(&mut self) -> Option<E> {
        let Reverse((at, number)) = self.due.pop()?;
        self.now = at;
        self.events.remove(&number)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`, both among them.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub(crate) fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).expect("it is less than a usize")
    }

    pub(crate) fn in_a_hundred(&mut self, percent: u64) -> bool {
        self.between(1, 100) <= percent
    }
}
