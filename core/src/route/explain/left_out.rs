//! A message without one of its words, wherever that stands.

use super::lexical::{is_mark, is_unspaced};
use std::{collections::HashMap, ops::Range};

/// Different words that are tried; each costs a decision about all the rest.
pub(super) const MOST: usize = 40;
const FEWEST: usize = 4;
/// Of a long message fewer words are tried, so that no more than this is read for all of them.
const MAX_BYTES: usize = 40_000;
const MAX_WORD_CHARS: usize = 64;

/// A word, and the message without it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) word: String,
    /// How often it stands there.
    pub(super) times: usize,
    pub(super) text: String,
}

/// A message without each of its words. Names of agents (`@name`) are no words of it.
pub(super) fn each(text: &str) -> Vec<LeftOut> {
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut words: Vec<Vec<Range<usize>>> = Vec::new();
    for at in places(text) {
        let number = *numbers.entry(text[at.clone()].to_lowercase()).or_insert(words.len());
        match words.get_mut(number) {
            Some(places) => places.push(at),
            None => words.push(vec![at]),
        }
    }
    let most = (MAX_BYTES / text.len().max(1)).clamp(FEWEST, MOST);
    if words.len() > most {
        // Requests stand at both ends, pasted data in between.
        let last = most / 4;
        words.drain(most - last..words.len() - last);
    }
    let left_out = |places: Vec<Range<usize>>| LeftOut {
        word: super::cut(&text[places[0].clone()], MAX_WORD_CHARS),
        times: places.len(),
        text: without(text, &places),
    };
    words.into_iter().map(left_out).filter(|left_out| !left_out.text.trim().is_empty()).collect()
}

/// Where words stand. Scripts that are written without spaces give a word per character, as in the local model.
fn places(text: &str) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let inner = open && matches!(c, '\'' | '’' | '-');
        if is_unspaced(c) && c.is_alphanumeric() {
            places.push(at..end);
            open = false;
        } else if c.is_alphanumeric() || is_mark(c) {
            match places.last_mut().filter(|_| open) {
                Some(word) => word.end = end,
                None if before == '@' => {}
                None => {
                    places.push(at..end);
                    open = true;
                }
            }
        } else if !inner {
            open = false;
        }
        // All of `@name-1` belongs to the name.
        let named = before == '@' && !open && (c.is_alphanumeric() || c == '-');
        before = if named { '@' } else { c };
    }
    places
}

fn without(text: &str, places: &[Range<usize>]) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut from = 0;
    for place in places {
        rest.push_str(&text[from..place.start]);
        from = place.end;
        if rest.is_empty() || rest.ends_with(' ') {
            from += usize::from(text[from..].starts_with(' '));
        }
    }
    rest.push_str(&text[from..]);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, String)> {
        each(text).into_iter().map(|left_out| (left_out.word, left_out.text)).collect()
    }

    #[test]
    fn every_word_is_left_out_once_wherever_it_stands() {
        let found = of("Rain and more rain, don't");
        let expected = [
            ("Rain", "and more , don't"),
            ("and", "Rain more rain, don't"),
            ("more", "Rain and rain, don't"),
            ("don't", "Rain and more rain, "),
        ];
        assert_eq!(found, expected.map(|(word, text)| (word.to_owned(), text.to_owned())));
        let times: Vec<_> = each("Rain and more rain").into_iter().map(|left_out| left_out.times).collect();
        assert_eq!(times, [2, 1, 1], "and how often is said");
        assert_eq!(of("a:\nb")[0].1, ":\nb", "a line's end stays, since data begins there");
    }

    #[test]
    fn names_of_agents_stay_and_unspaced_scripts_go_by_characters() {
        let words = |text: &str| of(text).into_iter().map(|(word, _)| word).collect::<Vec<_>>();
        assert_eq!(words("@file-manager-2 list them"), ["list", "them"]);
        assert_eq!(words("mail bob@acme now"), ["mail", "bob", "now"]);
        assert_eq!(words("東京の天気"), ["東", "京", "の", "天", "気"]);
        assert!(words("hello").is_empty() && words(" ?! ").is_empty());
    }

    #[test]
    fn a_long_message_is_tried_at_both_ends() {
        let text = |count| (0..count).map(|i| format!("word{i}")).collect::<Vec<_>>().join(" ");
        let found = of(&text(100));
        assert_eq!((found.len(), found[0].0.as_str(), found[39].0.as_str()), (MOST, "word0", "word99"));
        let found = of(&text(5_000));
        assert_eq!((found.len(), found[0].0.as_str(), found[3].0.as_str()), (FEWEST, "word0", "word4999"));
    }
}
