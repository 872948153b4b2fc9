//! What the local model sees of a text: its words, pairs of words, and character n-grams within words, all hashed.

use super::words::Words;

const SHORTEST_GRAM: usize = 2;
const LONGEST_GRAM: usize = 5;
const GRAMS_OF_A_CHAR: usize = LONGEST_GRAM - SHORTEST_GRAM + 1;
/// With the space before the word.
const SHORTEST_STEM: usize = 4;

/// The features of a text, each once: their hashes, or what is known of each.
#[derive(Debug, Default)]
pub(super) struct Features<T = u64> {
    /// Single words: they also tell how much of a text is known.
    pub(super) words: Vec<T>,
    pub(super) pairs: Vec<T>,
    /// The n-grams that words begin with: most languages put what changes at the end.
    pub(super) stems: Vec<T>,
    /// All other n-grams.
    pub(super) grams: Vec<T>,
}

impl Features {
    pub(super) fn of(text: &str) -> Self {
        let words = Words::of(text);
        let (most_words, most_grams) = (words.chars() / 2, words.chars() * GRAMS_OF_A_CHAR);
        let mut features = Self {
            words: Vec::with_capacity(most_words),
            pairs: Vec::with_capacity(most_words),
            stems: Vec::with_capacity(most_words),
            grams: Vec::with_capacity(most_grams),
        };
        // A word may by chance have the hash of an n-gram.
        let [mut of_words, mut of_pairs] = [0; 2].map(|_| Seen::new(most_words));
        let mut of_grams = Seen::new(most_grams);
        let mut before: Option<u64> = None;
        for word in words.padded() {
            let hash = hash(1, &word[1..word.len() - 1]);
            if let Some(before) = before.replace(hash) {
                of_pairs.add(before.rotate_left(17) ^ hash.wrapping_mul(3), &mut features.pairs);
            }
            // A word that is there twice brings the same n-grams.
            if of_words.add(hash, &mut features.words) {
                features.add_grams(word, &mut of_grams);
            }
        }
        features
    }

    fn add_grams(&mut self, word: &[char], seen: &mut Seen) {
        for start in 0..word.len() - 1 {
            let mut gram = FNV_OFFSET ^ 2;
            for (i, &c) in word[start..].iter().take(LONGEST_GRAM).enumerate() {
                gram = step(gram, c);
                if start == 0 && i + 1 >= SHORTEST_STEM {
                    seen.add(gram, &mut self.stems);
                } else if i + 1 >= SHORTEST_GRAM {
                    seen.add(gram, &mut self.grams);
                }
            }
        }
    }
}

impl<T> Features<T> {
    /// All of them, each once: a hash tells what kind it is of.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        self.words.iter().chain(&self.pairs).chain(&self.stems).chain(&self.grams)
    }

    pub(super) fn map<U>(&self, of: impl Fn(&T) -> U) -> Features<U> {
        let list = |list: &[T]| list.iter().map(&of).collect();
        Features {
            words: list(&self.words),
            pairs: list(&self.pairs),
            stems: list(&self.stems),
            grams: list(&self.grams),
        }
    }
}

/// The hashes of a text so far, each at the first free place from its own one on.
struct Seen {
    places: Vec<u64>,
    shift: u32,
}

const FREE: u64 = 0;

impl Seen {
    /// `most`: there are no more hashes than that.
    fn new(most: usize) -> Self {
        let places = (most + most / 2).next_power_of_two().max(2);
        Self { places: vec![FREE; places], shift: u64::BITS - places.trailing_zeros() }
    }

    /// Adds a hash to a list, if it is new.
    fn add(&mut self, hash: u64, list: &mut Vec<u64>) -> bool {
        let mut place = usize::try_from(spread(hash) >> self.shift).unwrap_or_default();
        loop {
            match self.places[place] {
                FREE => break,
                seen if seen == hash => return false,
                _ => place = (place + 1) & (self.places.len() - 1),
            }
        }
        self.places[place] = hash;
        list.push(hash);
        true
    }
}

/// Moves what tells a hash from others into the upper bits.
pub(super) fn spread(hash: u64) -> u64 {
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn step(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(c)).wrapping_mul(0x0100_0000_01b3)
}

fn hash(seed: u64, chars: &[char]) -> u64 {
    chars.iter().fold(FNV_OFFSET ^ seed, |hash, &c| step(hash, c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grams_know_where_a_word_begins() {
        let (inner, outer) = (Features::of("cat"), Features::of("concat"));
        assert!(inner.grams.iter().any(|gram| !outer.grams.contains(gram)));
        assert!(inner.grams.iter().any(|gram| outer.grams.contains(gram)));
    }

    #[test]
    fn every_feature_is_there_once() {
        let features = Features::of("the cat and the catalogue, the cat");
        let mut hashes: Vec<_> = features.all().collect();
        let all = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), all);
        assert_eq!((features.words.len(), features.pairs.len()), (4, 5));
    }
}
