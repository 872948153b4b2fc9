//! Where texts are points: sparse vectors of known features, longer the more of a text is known. And how like two of
//! them are.

use super::features::Features;
use std::collections::HashMap;

/// How much an unknown feature counts in a text's length, so that unknown words make everything less alike.
const UNKNOWN: f32 = 0.35;
/// How strongly rare features outweigh frequent ones: less than usual (1), since a few examples say little about what
/// is rare.
const RARITY: f32 = 0.7;

/// Feature numbers with weights, of unit length at most.
pub(super) type Vector = Vec<(u32, f32)>;

/// The features of all learned texts.
#[derive(Debug)]
pub(super) struct Space {
    rows: HashMap<u64, Row, NoHash>,
    /// The weight of a feature that no text has.
    rarest: f32,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    row: u32,
    weight: f32,
    /// Whether an agent's text has it, and not only a negative.
    of_agent: bool,
}

impl Space {
    /// Numbers the features of texts, each with whether it is an agent's; when there are too many, the rarest go.
    pub(super) fn new<'a>(texts: impl Iterator<Item = (&'a Features, bool)>, max_rows: usize) -> Self {
        let mut counts: HashMap<u64, (usize, bool), NoHash> = HashMap::default();
        let mut all = 0;
        for (features, of_agent) in texts {
            all += 1;
            for hash in features.all() {
                let count = counts.entry(hash).or_default();
                count.0 += 1;
                count.1 |= of_agent;
            }
        }
        let mut kept: Vec<_> = counts.into_iter().collect();
        kept.sort_unstable_by_key(|(hash, (count, _))| (std::cmp::Reverse(*count), *hash));
        kept.truncate(max_rows);
        let rarity = |count: usize| (((1.0 + to_f32(all)) / (1.0 + to_f32(count))).ln() + 1.0).powf(RARITY);
        let row = |(row, (hash, (count, of_agent)))| (hash, Row { row, weight: rarity(count), of_agent });
        Self { rows: (0..).zip(kept).map(row).collect(), rarest: rarity(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Words with their pairs, and n-grams, weigh the same as wholes; the length is one if all of it is known.
    pub(super) fn vector(&self, features: &Features) -> Vector {
        let mut vector = Vector::with_capacity(features.grams.len());
        for block in [[&features.words, &features.pairs].as_slice(), &[&features.grams]] {
            let from = vector.len();
            let mut square = 0.0_f32;
            for hash in block.iter().flat_map(|hashes| hashes.iter()) {
                if let Some(row) = self.rows.get(hash) {
                    square += row.weight * row.weight;
                    vector.push((row.row, row.weight));
                } else {
                    square += (UNKNOWN * self.rarest).powi(2);
                }
            }
            let scale = std::f32::consts::FRAC_1_SQRT_2 / square.sqrt().max(1e-6);
            vector[from..].iter_mut().for_each(|(_, value)| *value *= scale);
        }
        vector
    }

    /// Which share of a text's words the agents' texts have, rare words counting more.
    pub(super) fn known(&self, features: &Features) -> f64 {
        let (mut known, mut all) = (0.0_f32, 0.0_f32);
        for word in &features.words {
            match self.rows.get(word) {
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

/// Which learned texts have a feature: what a message is compared by, without a look at those that share nothing.
#[derive(Debug, Default)]
pub(super) struct Likeness {
    texts: usize,
    by_row: Vec<Vec<(u32, f32)>>,
}

impl Likeness {
    pub(super) fn new(vectors: &[Vector], rows: usize) -> Self {
        let mut by_row = vec![Vec::new(); rows];
        for (text, vector) in (0..).zip(vectors) {
            for &(row, value) in vector {
                by_row[row as usize].push((text, value));
            }
        }
        Self { texts: vectors.len(), by_row }
    }

    /// The likeness to each text, 0 to 1 (cosine).
    pub(super) fn to_all(&self, vector: &Vector) -> Vec<f32> {
        let mut likeness = vec![0.0; self.texts];
        for &(row, value) in vector {
            for &(text, other) in &self.by_row[row as usize] {
                likeness[text as usize] += value * other;
            }
        }
        likeness
    }
}

pub(super) fn to_f32(count: usize) -> f32 {
    u16::try_from(count).map_or(f32::from(u16::MAX), f32::from)
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
        self.0 = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_most_alike_and_unknown_words_make_it_less_so() {
        let texts = ["book a table", "play some music", "book a flight"].map(Features::of);
        let space = Space::new(texts.iter().map(|features| (features, true)), 10_000);
        let vectors: Vec<_> = texts.iter().map(|features| space.vector(features)).collect();
        let likeness = Likeness::new(&vectors, space.len());
        let to = |text: &str| likeness.to_all(&space.vector(&Features::of(text)));
        let same = to("book a table");
        assert!((same[0] - 1.0).abs() < 1e-4 && same[2] > same[1], "{same:?}");
        assert!(to("book a table zyxwvu")[0] < 0.95);
        assert!((space.known(&Features::of("book zyxwvu")) - 0.5).abs() < 0.2);
    }
}
