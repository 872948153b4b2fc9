//! Which features were learned, and as what: one look at one table for each feature of a message.

use super::features::{Features, spread};
use std::collections::HashMap;

/// The learned features by hash.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    places: HashMap<u64, Place, NoHash>,
}

/// Where a feature stands among those of texts, and among those of profiles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    row: u32,
    profile: u32,
}

/// No text has the feature, or no profile.
const NONE: u32 = u32::MAX;

impl Vocabulary {
    /// Takes the features of texts and those of profiles, each in order.
    pub(super) fn new(of_texts: Vec<u64>, of_profiles: Vec<u64>) -> Self {
        let row = |(row, hash)| (hash, Place { row, profile: NONE });
        let mut places: HashMap<_, _, _> = (0..).zip(of_texts).map(row).collect();
        for (profile, hash) in (0..).zip(of_profiles) {
            places.entry(hash).or_insert(Place { row: NONE, profile }).profile = profile;
        }
        Self { places }
    }

    /// A table's slot has a byte beside it, and an eighth of the slots is free.
    pub(super) fn bytes(&self) -> usize {
        self.places.capacity() * 8 / 7 * (size_of::<(u64, Place)>() + 1)
    }

    pub(super) fn find(&self, features: &Features) -> Features<Place> {
        let nowhere = Place { row: NONE, profile: NONE };
        features.map(|hash| self.places.get(hash).copied().unwrap_or(nowhere))
    }
}

impl Place {
    pub(super) fn row(self) -> Option<u32> {
        (self.row != NONE).then_some(self.row)
    }

    pub(super) fn profile(self) -> Option<usize> {
        (self.profile != NONE).then_some(self.profile as usize)
    }
}

/// The keys are hashes already.
pub(super) type NoHash = std::hash::BuildHasherDefault<Pass>;

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Pass(u64);

impl std::hash::Hasher for Pass {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = (self.0 << 8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, value: u64) {
        // The table uses the upper bits as well as the lower ones.
        self.0 = spread(value);
    }
}
