//! How like the learned texts a message is, by the features that they share.

use super::space::{Space, Vector};

/// Texts that are worked on together: the processor's registers hold so many sums.
const LANES: usize = 32;
/// A feature that more than one of so many texts has is often there.
const OFTEN: usize = 10;

/// Which learned texts have a feature. Each half of a text's vector holds nothing but the weights of features times a
/// number of its own, so that for a feature no more than that is kept: a bit for each text where many have it, else
/// the texts' places.
#[derive(Debug, Default)]
pub(super) struct Likeness {
    texts: usize,
    /// Of each feature.
    weights: Vec<f32>,
    /// Of each of the first features, which are often there: the half that they are in.
    often: Vec<usize>,
    /// `bits[row * blocks + block]`, for those.
    bits: Vec<u32>,
    /// Where the places of each feature begin; they end with the next one's.
    from: Vec<u32>,
    /// `half * blocks * LANES + text`.
    places: Vec<u32>,
    /// By place: what the half was multiplied by.
    scales: Vec<f32>,
}

impl Likeness {
    pub(super) fn bytes(&self) -> usize {
        let words = self.weights.capacity() + self.bits.capacity() + self.from.capacity();
        let words = words + self.places.capacity() + self.scales.capacity();
        words * size_of::<u32>() + self.often.capacity() * size_of::<usize>()
    }

    pub(super) fn new(vectors: &[Vector], space: &Space) -> Self {
        let padded = vectors.len().next_multiple_of(LANES);
        let mut likeness = Self {
            texts: vectors.len(),
            weights: space.weights().collect(),
            scales: vec![0.0; 2 * padded],
            ..Self::default()
        };
        let mut texts = vec![[Vec::new(), Vec::new()]; space.len()];
        for (text, vector) in vectors.iter().enumerate() {
            for (half, features) in vector.halves().into_iter().enumerate() {
                features.iter().for_each(|(row, _)| texts[*row as usize][half].push(text));
                likeness.scales[half * padded + text] = vector.scales[half];
            }
        }
        for texts in &mut texts {
            likeness.add(texts);
        }
        likeness.from.push(to_u32(likeness.places.len()));
        likeness
    }

    /// Adds the texts of the next feature, by half. By chance it may be in both: a word has the hash of an n-gram.
    fn add(&mut self, texts: &mut [Vec<usize>; 2]) {
        let half = usize::from(texts[1].len() > texts[0].len());
        if self.often.len() == self.from.len() && texts[half].len() * OFTEN > self.texts {
            let mut bits = vec![0_u32; self.blocks()];
            texts[half].drain(..).for_each(|text| bits[text / LANES] |= 1 << (text % LANES));
            self.often.push(half);
            self.bits.append(&mut bits);
        }
        self.from.push(to_u32(self.places.len()));
        for (half, texts) in texts.iter().enumerate() {
            let first = half * self.blocks() * LANES;
            self.places.extend(texts.iter().map(|text| to_u32(first + text)));
        }
    }

    /// The likeness to each text, 0 to 1 (cosine).
    pub(super) fn to_all(&self, vector: &Vector) -> Vec<f32> {
        let mut sums = self.shared(vector);
        sums.iter_mut().zip(&self.scales).for_each(|(sum, scale)| *sum *= scale);
        let (likeness, grams) = sums.split_at_mut(self.blocks() * LANES);
        likeness.iter_mut().zip(grams).for_each(|(words, grams)| *words += *grams);
        sums.truncate(self.texts);
        sums
    }

    /// By place: what is shared, but for what the half was multiplied by.
    fn shared(&self, vector: &Vector) -> Vec<f32> {
        let blocks = self.blocks();
        let mut sums = vec![0.0_f32; self.scales.len()];
        let mut often = [0; 2].map(|_| Vec::with_capacity(vector.features.len()));
        for &(row, value) in &vector.features {
            let row = row as usize;
            let value = value * self.weights[row];
            if let Some(&half) = self.often.get(row) {
                often[half].push((&self.bits[row * blocks..(row + 1) * blocks], value));
            }
            add_at(&mut sums, &self.places[self.from[row] as usize..self.from[row + 1] as usize], value);
        }
        let (halves, _) = sums.as_chunks_mut::<LANES>();
        for (half, often) in halves.chunks_exact_mut(blocks.max(1)).zip(&often) {
            for (block, sums) in half.iter_mut().enumerate() {
                add_where(sums, often.iter().map(|(bits, value)| (bits[block], *value)));
            }
        }
        sums
    }

    fn blocks(&self) -> usize {
        self.texts.div_ceil(LANES)
    }
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Adds a value to the sums at some places. Inlined among much else, it would read the value anew each time.
#[inline(never)]
fn add_at(sums: &mut [f32], places: &[u32], value: f32) {
    for &place in places {
        sums[place as usize] += value;
    }
}

/// Adds values to those of the sums that their bits name.
fn add_where(sums: &mut [f32; LANES], values: impl Iterator<Item = (u32, f32)>) {
    let mut own = *sums;
    for (bits, value) in values {
        for (lane, sum) in own.iter_mut().enumerate() {
            *sum += if bits & (1 << lane) == 0 { 0.0 } else { value };
        }
    }
    *sums = own;
}

#[cfg(test)]
mod tests {
    use super::{
        super::{features::Features, vocabulary::Vocabulary},
        *,
    };

    /// Texts' features, and where they are.
    fn learned(texts: &[String]) -> (Vocabulary, Space, Vec<Vector>) {
        let features: Vec<_> = texts.iter().map(|text| Features::of(text)).collect();
        let (space, rows) = Space::new(features.iter().map(|features| (features, true)), 10_000);
        let vocabulary = Vocabulary::new(rows, Vec::new());
        let vectors = features.iter().map(|text| space.vector(&vocabulary.find(text))).collect();
        (vocabulary, space, vectors)
    }

    #[test]
    fn the_same_text_is_most_alike_and_unknown_words_make_it_less_so() {
        let texts = ["book a table", "play some music", "book a flight"].map(str::to_owned);
        let (vocabulary, space, vectors) = learned(&texts);
        let likeness = Likeness::new(&vectors, &space);
        let places = |text: &str| vocabulary.find(&Features::of(text));
        let to = |text: &str| likeness.to_all(&space.vector(&places(text)));
        let same = to("book a table");
        assert!((same[0] - 1.0).abs() < 1e-4 && same[2] > same[1], "{same:?}");
        assert!(to("book a table zyxwvu")[0] < 0.95);
        assert!((space.known(&places("book zyxwvu")) - 0.5).abs() < 0.2);
    }

    #[test]
    fn features_that_are_often_there_count_like_rare_ones() {
        let words = ["table", "was", "tas", "the", "flight", "then"];
        let name = |i: u8| char::from(b'a' + i % 26).to_string().repeat(usize::from(i / 9 + 1));
        let text = |i: u8| {
            let (one, other) = (words[usize::from(i) % 6], words[usize::from(i) % 5]);
            format!("the {one} for {other} {}", name(i))
        };
        let texts: Vec<_> = (0..100).map(text).collect();
        let (_, space, vectors) = learned(&texts);
        let likeness = Likeness::new(&vectors, &space);
        assert!(!likeness.often.is_empty() && likeness.often.len() < space.len());
        for vector in &vectors {
            let to_all = likeness.to_all(vector);
            assert_eq!(to_all.len(), texts.len());
            for (other, likeness) in vectors.iter().zip(to_all) {
                let with = |row: u32| other.features.iter().filter(move |(own, _)| *own == row);
                let products =
                    vector.features.iter().flat_map(|(row, a)| with(*row).map(move |(_, b)| a * b));
                assert!((products.sum::<f32>() - likeness).abs() < 1e-5);
            }
        }
    }
}
