//! What the router sees of a text without an encoder: its words, pairs of words, and the character n-grams within words
//! (Cavnar and Trenkle, 1994), which carry inflected, misspelt and compound words. They are hashed.

use unicode_normalization::UnicodeNormalization;

/// Characters of a text that are looked at. What a message asks stands in so many; the cost grows with them.
const MOST_CHARS: usize = 4_000;
/// Two to five characters are what text classification by n-grams commonly takes; shorter and longer ones added nothing.
const SHORTEST_GRAM: usize = 2;
const LONGEST_GRAM: usize = 5;

/// How often each feature of a text is there, by its hash: words and pairs, and n-grams apart.
#[derive(Debug, Default)]
pub(crate) struct Features {
    pub(crate) words: Vec<(u64, u32)>,
    pub(crate) grams: Vec<(u64, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letters,
    Digits,
    Mark,
}

impl Features {
    pub(crate) fn of(text: &str) -> Self {
        let (mut words, mut grams) = (Vec::new(), Vec::new());
        let mut before: Option<u64> = None;
        for (kind, token) in tokens(text) {
            let word = token.iter().fold(WORD, |hash, c| step(hash, *c));
            words.push(word);
            words.extend(before.replace(word).map(|before| before.rotate_left(17) ^ word));
            if kind == Kind::Letters {
                add_grams(token, &mut grams);
            }
        }
        Self { words: counted(words), grams: counted(grams) }
    }
}

fn add_grams(word: Vec<char>, grams: &mut Vec<u64>) {
    let padded: Vec<char> = std::iter::once(' ').chain(word).chain([' ']).collect();
    for start in 0..padded.len() - 1 {
        let mut gram = GRAM;
        for (i, c) in padded[start..].iter().take(LONGEST_GRAM).enumerate() {
            gram = step(gram, *c);
            if i + 1 >= SHORTEST_GRAM {
                grams.push(gram);
            }
        }
    }
}

/// Each once, in order: what is added up over them must be the same in every process.
fn counted(mut hashes: Vec<u64>) -> Vec<(u64, u32)> {
    hashes.sort_unstable();
    let runs = hashes.chunk_by(|one, other| one == other);
    runs.map(|run| (run[0], u32::try_from(run.len()).unwrap_or(u32::MAX))).collect()
}

/// Runs of letters, numbers (which are all alike: what they are seldom says who is asked), and single marks.
fn tokens(text: &str) -> Vec<(Kind, Vec<char>)> {
    let mut tokens: Vec<(Kind, Vec<char>)> = Vec::new();
    let mut open = false;
    for c in text.chars().take(MOST_CHARS).nfkc().flat_map(char::to_lowercase) {
        let kind = match c {
            _ if c.is_whitespace() => {
                open = false;
                continue;
            }
            _ if c.is_numeric() => Kind::Digits,
            _ if c.is_alphabetic() || unicode_normalization::char::is_combining_mark(c) => Kind::Letters,
            _ => Kind::Mark,
        };
        match tokens.last_mut().filter(|(last, _)| open && *last == kind && kind != Kind::Mark) {
            Some((Kind::Digits, _)) => {}
            Some((_, token)) => token.push(c),
            None => tokens.push((kind, vec![if kind == Kind::Digits { '0' } else { c }])),
        }
        open = true;
    }
    tokens
}

/// Where hashes of words and of n-grams begin (Fowler, Noll and Vo's offset, changed, so that they differ).
const WORD: u64 = 0xcbf2_9ce4_8422_2325;
const GRAM: u64 = WORD ^ 1;

fn step(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(c)).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|(_, token)| token.into_iter().collect()).collect()
    }

    #[test]
    fn words_numbers_and_marks_are_told_apart() {
        assert_eq!(read("Mean of 4, 15?"), ["mean", "of", "0", ",", "0", "?"]);
        assert_eq!(read("ＡＢＣ हिन्दी"), ["abc", "हिन्दी"]);
    }

    #[test]
    fn a_misspelt_word_shares_n_grams() {
        let (right, wrong) = (Features::of("median"), Features::of("meadian"));
        assert!(right.grams.iter().any(|gram| wrong.grams.contains(gram)));
        assert!(right.words.iter().all(|word| !wrong.words.contains(word)));
    }
}
