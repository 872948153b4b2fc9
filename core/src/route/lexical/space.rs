//! Where texts are points: sparse vectors of known features, longer the more of a text is known.

use super::{
    features::Features,
    vocabulary::{NoHash, Place},
};
use std::collections::HashMap;

/// How much an unknown feature counts in a text's length, so that unknown words make everything less alike.
const UNKNOWN: f32 = 0.35;
/// How strongly rare features outweigh frequent ones: less than usual (1), since a few examples say little about what
/// is rare.
const RARITY: f32 = 0.7;
/// How much of a text's likeness is that of its words and pairs; the rest is that of its n-grams. Found by leaving out
/// examples of 77 and of 150 agents.
const WORDS: f32 = 0.45;

/// Feature numbers with weights, of unit length at most.
#[derive(Debug, Clone, Default)]
pub(super) struct Vector {
    /// Words with their pairs, then n-grams.
    pub(super) features: Vec<(u32, f32)>,
    /// How many of them are words and pairs.
    pub(super) words: usize,
    /// What the weights of words and pairs were multiplied by, and those of n-grams.
    pub(super) scales: [f32; 2],
}

impl Vector {
    pub(super) fn halves(&self) -> [&[(u32, f32)]; 2] {
        let (words, grams) = self.features.split_at(self.words);
        [words, grams]
    }
}

/// The features of all learned texts, the most frequent first.
#[derive(Debug)]
pub(super) struct Space {
    rows: Vec<Row>,
    /// The weight of a feature that no text has.
    rarest: f32,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    weight: f32,
    /// Whether an agent's text has it, and not only a negative.
    of_agent: bool,
}

impl Space {
    pub(super) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
    }

    /// Numbers the features of texts, each with whether it is an agent's; when there are too many, the rarest go.
    /// Returns with it the features in order.
    pub(super) fn new<'a>(
        texts: impl Iterator<Item = (&'a Features, bool)>,
        max_rows: usize,
    ) -> (Self, Vec<u64>) {
        let mut counts: HashMap<u64, (usize, bool), NoHash> = HashMap::default();
        let mut all = 0;
        for (features, of_agent) in texts {
            all += 1;
            for hash in features.all() {
                let count = counts.entry(*hash).or_default();
                count.0 += 1;
                count.1 |= of_agent;
            }
        }
        let mut kept: Vec<_> = counts.into_iter().collect();
        kept.sort_unstable_by_key(|(hash, (count, _))| (std::cmp::Reverse(*count), *hash));
        kept.truncate(max_rows);
        let rarity = |count: usize| (((1.0 + to_f32(all)) / (1.0 + to_f32(count))).ln() + 1.0).powf(RARITY);
        let row = |&(_, (count, of_agent)): &(u64, _)| Row { weight: rarity(count), of_agent };
        let space = Self { rows: kept.iter().map(row).collect(), rarest: rarity(0) };
        (space, kept.into_iter().map(|(hash, _)| hash).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn weights(&self) -> impl Iterator<Item = f32> {
        self.rows.iter().map(|row| row.weight)
    }

    /// Words with their pairs, and n-grams, weigh as wholes, however many there are; the length is one if all of it is
    /// known.
    pub(super) fn vector(&self, places: &Features<Place>) -> Vector {
        let mut vector = Vector::default();
        vector.features.reserve(places.words.len() + places.stems.len() + places.grams.len());
        vector.scales[0] = self.add(&mut vector.features, [&places.words, &places.pairs], WORDS);
        vector.words = vector.features.len();
        vector.scales[1] = self.add(&mut vector.features, [&places.stems, &places.grams], 1.0 - WORDS);
        vector
    }

    /// Adds a part of a vector, whose squared length is `share`; returns what its weights were multiplied by.
    fn add(&self, features: &mut Vec<(u32, f32)>, places: [&[Place]; 2], share: f32) -> f32 {
        let from = features.len();
        let mut square = 0.0_f32;
        for place in places.into_iter().flatten() {
            if let Some(row) = place.row() {
                let weight = self.rows[row as usize].weight;
                square += weight * weight;
                features.push((row, weight));
            } else {
                square += (UNKNOWN * self.rarest).powi(2);
            }
        }
        let scale = share.sqrt() / square.sqrt().max(1e-6);
        features[from..].iter_mut().for_each(|(_, value)| *value *= scale);
        scale
    }

    /// Which share of a text's words the agents' texts have, rare words counting more.
    pub(super) fn known(&self, places: &Features<Place>) -> f64 {
        let (mut known, mut all) = (0.0_f32, 0.0_f32);
        for place in &places.words {
            match place.row().map(|row| self.rows[row as usize]) {
                Some(row) if row.of_agent => {
                    known += row.weight;
                    all += row.weight;
                }
                _ => all += self.rarest,
            }
        }
        if all == 0.0 { 0.0 } else { f64::from(known / all) }
    }
}

pub(super) fn to_f32(count: usize) -> f32 {
    u16::try_from(count).map_or(f32::from(u16::MAX), f32::from)
}

#[cfg(test)]
mod tests {
    use super::{super::vocabulary::Vocabulary, *};

    #[test]
    fn words_and_n_grams_weigh_as_wholes() {
        let texts = ["book a table", "play some very extraordinarily long music"];
        let features: Vec<_> = texts.iter().map(|text| Features::of(text)).collect();
        let (space, rows) = Space::new(features.iter().map(|features| (features, true)), 10_000);
        let vocabulary = Vocabulary::new(rows, Vec::new());
        let square = |part: &[(u32, f32)]| part.iter().map(|(_, weight)| weight * weight).sum::<f32>();
        for features in &features {
            let [words, grams] = space.vector(&vocabulary.find(features)).halves().map(square);
            assert!((words - WORDS).abs() < 1e-4 && (words + grams - 1.0).abs() < 1e-4, "{words} {grams}");
        }
        let [words, grams] =
            space.vector(&vocabulary.find(&Features::of("book zyxwvu"))).halves().map(square);
        assert!(words < WORDS && grams < 1.0 - WORDS, "what is not known is missing: {words} {grams}");
    }
}
