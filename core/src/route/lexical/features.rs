//! What the local model sees of a text: its words, pairs of words, and character n-grams within words, all hashed.
//! Nothing here knows a language.

use unicode_normalization::UnicodeNormalization;

/// Of a longer text the beginning and the end are read; requests stand there, pasted data in between.
const HEAD_CHARS: usize = 700;
const TAIL_CHARS: usize = 300;
const SHORTEST_GRAM: usize = 2;
const LONGEST_GRAM: usize = 5;
/// With the space before the word.
const SHORTEST_STEM: usize = 4;

/// The hashed features of a text, each once, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// Single words: they also tell how much of a text is known.
    pub(super) words: Vec<u64>,
    pub(super) pairs: Vec<u64>,
    pub(super) grams: Vec<u64>,
    /// The n-grams that words begin with: most languages put what changes at the end.
    pub(super) stems: Vec<u64>,
}

impl Features {
    pub(super) fn of(text: &str) -> Self {
        let mut features = Self::default();
        let mut before: Option<u64> = None;
        for word in words(text) {
            let hash = hash(1, word.iter().copied());
            features.words.push(hash);
            if let Some(before) = before.replace(hash) {
                features.pairs.push(before.rotate_left(17) ^ hash.wrapping_mul(3));
            }
            features.add_grams(&word);
        }
        for hashes in [&mut features.words, &mut features.pairs, &mut features.grams, &mut features.stems] {
            hashes.sort_unstable();
            hashes.dedup();
        }
        features
    }

    /// All of them, each once: a hash tells what kind it is of.
    pub(super) fn all(&self) -> impl Iterator<Item = u64> {
        [&self.words, &self.pairs, &self.grams].into_iter().flatten().copied()
    }

    fn add_grams(&mut self, word: &[char]) {
        let padded: Vec<char> = [' '].iter().chain(word).chain(&[' ']).copied().collect();
        for start in 0..padded.len() {
            let mut gram = FNV_OFFSET ^ 2;
            for (i, &c) in padded[start..].iter().take(LONGEST_GRAM).enumerate() {
                gram = step(gram, c);
                if i + 1 >= SHORTEST_GRAM {
                    self.grams.push(gram);
                }
                if start == 0 && i + 1 >= SHORTEST_STEM {
                    self.stems.push(gram);
                }
            }
        }
    }
}

/// Splits into words of letters; runs of digits become one sign, since what matters is that a number is there. Scripts
/// that are written without spaces give a word per character.
pub(in crate::route) fn words(text: &str) -> Vec<Vec<char>> {
    let mut words = Vec::new();
    let mut word: Vec<char> = Vec::new();
    for c in bounded(text).nfkc().flat_map(char::to_lowercase) {
        let c = if c.is_numeric() { '0' } else { c };
        if c == '0' && word.last() == Some(&'0') {
            continue;
        }
        let alone = is_unspaced(c);
        if alone || !(c.is_alphanumeric() || is_mark(c)) {
            take(&mut word, &mut words);
        }
        if alone {
            words.push(vec![c]);
        } else if c.is_alphanumeric() || is_mark(c) {
            word.push(c);
        } else if is_sign(c) {
            words.push(vec![c]);
        }
    }
    take(&mut word, &mut words);
    words
}

fn take(word: &mut Vec<char>, words: &mut Vec<Vec<char>>) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

fn bounded(text: &str) -> impl Iterator<Item = char> {
    let count = text.chars().count();
    let skipped = HEAD_CHARS..count.saturating_sub(TAIL_CHARS).max(HEAD_CHARS);
    text.chars().enumerate().filter(move |(i, _)| !skipped.contains(i)).map(|(_, c)| c)
}

/// Signs that say something about a request: sums, money, code.
fn is_sign(c: char) -> bool {
    "+*/=%^$€£{}<>".contains(c)
}

pub(in crate::route) fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}')
}

pub(in crate::route) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn step(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(c)).wrapping_mul(0x0100_0000_01b3)
}

fn hash(seed: u64, chars: impl Iterator<Item = char>) -> u64 {
    chars.fold(FNV_OFFSET ^ seed, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.into_iter().collect()).collect()
    }

    #[test]
    fn words_are_found_in_every_script() {
        assert_eq!(split("What's 12,5 % of ＡＢＣ?"), ["what", "s", "0", "0", "%", "of", "abc"]);
        assert_eq!(split("Größe: 42kg"), ["größe", "0kg"]);
        assert_eq!(split("東京の天気"), ["東", "京", "の", "天", "気"]);
        assert_eq!(split("Какая погода"), ["какая", "погода"]);
    }

    #[test]
    fn a_long_text_is_read_at_both_ends() {
        let text = format!("begin {} end", "x ".repeat(10_000));
        let words = split(&text);
        assert!(words.len() < HEAD_CHARS + TAIL_CHARS);
        assert_eq!((words[0].as_str(), words.last().unwrap().as_str()), ("begin", "end"));
    }

    #[test]
    fn grams_know_where_a_word_begins() {
        let (inner, outer) = (Features::of("cat"), Features::of("concat"));
        assert!(inner.grams.iter().any(|gram| !outer.grams.contains(gram)));
        assert!(inner.grams.iter().any(|gram| outer.grams.contains(gram)));
    }
}
