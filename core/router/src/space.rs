//! How alike texts are by their words and n-grams: the cosine of weighted features, to every text that was learned.

use crate::{matrix::Matrix, words::Features};
use std::collections::HashMap;

/// How much of the likeness words and pairs make; the rest is of n-grams. Between 0.3 and 0.5 it made no difference on
/// the development cuts; words alone cost 2 to 6 points, n-grams alone 0 to 2.
const WORDS: f32 = 0.4;

/// What is known of features, and the texts that have them.
#[derive(Debug, Default)]
pub(crate) struct Space {
    words: Block,
    grams: Block,
    texts: usize,
}

/// Features of one kind.
#[derive(Debug, Default)]
struct Block {
    places: HashMap<u64, u32>,
    weights: Vec<f32>,
    /// What a feature that no text has counts.
    unknown: f32,
    /// Of each feature, the texts that have it and how much it counts there.
    texts: Vec<Vec<(u32, f32)>>,
}

impl Space {
    pub(crate) fn learn(texts: &[&str]) -> Self {
        let features: Vec<Features> = texts.iter().map(|text| Features::of(text)).collect();
        Self {
            words: Block::learn(
                &features.iter().map(|features| features.words.as_slice()).collect::<Vec<_>>(),
            ),
            grams: Block::learn(
                &features.iter().map(|features| features.grams.as_slice()).collect::<Vec<_>>(),
            ),
            texts: texts.len(),
        }
    }

    /// How alike a text is to each that was learned, from 0 to 1.
    pub(crate) fn likeness(&self, text: &str) -> Vec<f32> {
        let features = Features::of(text);
        let mut likeness = vec![0.0; self.texts];
        self.words.add(&features.words, WORDS, &mut likeness);
        self.grams.add(&features.grams, 1.0 - WORDS, &mut likeness);
        likeness
    }

    /// How alike the texts that were learned are to each other.
    pub(crate) fn likenesses(&self, texts: &[&str]) -> Matrix {
        Matrix::of_rows(&texts.iter().map(|text| self.likeness(text)).collect::<Vec<_>>())
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.words.bytes() + self.grams.bytes()
    }
}

impl Block {
    fn learn(texts: &[&[(u64, u32)]]) -> Self {
        let mut block = Self::default();
        let mut having: Vec<u32> = Vec::new();
        for (feature, _) in texts.iter().copied().flatten() {
            let next = u32::try_from(having.len()).unwrap_or(u32::MAX);
            let place = *block.places.entry(*feature).or_insert(next);
            if place == next {
                having.push(0);
            }
            having[index(place)] += 1;
        }
        block.unknown = weight(texts.len(), 1);
        block.weights = having.iter().map(|having| weight(texts.len(), *having)).collect();
        block.texts = having.iter().map(|having| Vec::with_capacity(index(*having))).collect();
        for (i, text) in texts.iter().enumerate() {
            for (place, weight) in block.weighted(text) {
                block.texts[index(place)].push((u32::try_from(i).unwrap_or(u32::MAX), weight));
            }
        }
        block
    }

    /// The features that are known, with their weights. All features together are as long as one, and what is unknown
    /// counts like what a single text has: an example that is left out has such features too, and a message that is
    /// mostly unknown must not seem as much like an example as one that is known.
    fn weighted(&self, text: &[(u64, u32)]) -> Vec<(u32, f32)> {
        let mut weighted: Vec<(u32, f32)> = Vec::with_capacity(text.len());
        let mut length = 0.0;
        for (feature, times) in text {
            let place = self.places.get(feature).copied();
            let weight = (1.0 + real_u32(*times).ln())
                * place.map_or(self.unknown, |place| self.weights[index(place)]);
            length += weight * weight;
            weighted.extend(place.map(|place| (place, weight)));
        }
        weighted.iter_mut().for_each(|(_, weight)| *weight /= length.sqrt());
        weighted
    }

    fn add(&self, text: &[(u64, u32)], share: f32, likeness: &mut [f32]) {
        for (place, weight) in self.weighted(text) {
            for &(text, its) in &self.texts[index(place)] {
                likeness[index(text)] += share * weight * its;
            }
        }
    }

    fn bytes(&self) -> usize {
        let texts: usize = self.texts.iter().map(|texts| texts.capacity() * size_of::<(u32, f32)>()).sum();
        texts + self.places.capacity() * size_of::<(u64, u32)>() + self.weights.capacity() * size_of::<f32>()
    }
}

/// What a feature counts that so many texts have: the root of the inverse document frequency. The whole of it makes too
/// much of rare words where examples are few, none of it too much of common ones.
fn weight(texts: usize, having: u32) -> f32 {
    (((real(texts) + 1.0) / (real_u32(having) + 1.0)).ln() + 1.0).sqrt()
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "there are some thousand texts")]
fn real(number: usize) -> f32 {
    number as f32
}

#[expect(clippy::cast_precision_loss, reason = "there are some thousand texts")]
fn real_u32(number: u32) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_most_like_itself() {
        let texts = ["the mean of 4 and 5", "send it to Ann", "Wie wird das Wetter?"];
        let likenesses = Space::learn(&texts).likenesses(&texts);
        for i in 0..3 {
            assert!((likenesses.at(i, i) - 1.0).abs() < 1e-4);
            assert!((0..3).all(|j| i == j || likenesses.at(i, j) < 0.5));
        }
    }

    #[test]
    fn what_is_unknown_is_like_nothing() {
        assert_eq!(Space::learn(&["abc"]).likeness("xyz"), [0.0]);
    }
}
