//! The words that join two requests, and those that put one after the other, in the languages that messages come in.
//! What a language lacks here costs a division, never an answer: the message goes on whole. So does a word that joins in
//! one language and is another word in others ("en", "y", "e"): it joins where the text is in that language, as far as
//! that can be told, and nowhere else.

mod words;

use std::{cell::OnceCell, collections::HashMap, sync::LazyLock};
use whatlang::Lang;
use words::{ELSEWHERE, FIRSTS, JOINS, ORDERS, UNSPACED_FIRSTS, UNSPACED_JOINS, UNSPACED_ORDERS};

const MOST_JOINS_BYTES: usize = 64;
/// No joining word is longer.
pub(super) const MOST_WORD_BYTES: usize = 48;
/// Of the language that a message is in, as whatlang measures it. Below it the next one is about as likely, and short
/// messages are taken for their neighbours' languages.
const TOLD: f64 = 0.2;
/// So far into a request a word may stand that orders it: "Schicke danach …".
const WITHIN: usize = 3;

/// What a run of words does to what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Joins,
    /// Puts it after what came before.
    Orders,
    /// Says that something comes after it.
    Begins,
}

#[derive(Debug, Clone, Copy)]
struct Join {
    words: &'static str,
    does: Does,
    /// The languages that it does so in, where it is another word in others.
    only_in: Option<&'static [Lang]>,
}

/// By their first word.
static BY_FIRST: LazyLock<HashMap<&'static str, Vec<Join>>> = LazyLock::new(|| {
    let mut by_first: HashMap<_, Vec<Join>> = HashMap::new();
    for (lists, does) in [(JOINS, Does::Joins), (ORDERS, Does::Orders), (FIRSTS, Does::Begins)] {
        for &words in lists.iter().copied().flatten() {
            let first = words.split(' ').next().unwrap_or(words);
            let only_in = ELSEWHERE.iter().find(|(word, _)| *word == words).map(|(_, languages)| *languages);
            by_first.entry(first).or_default().push(Join { words, does, only_in });
        }
    }
    by_first
});

/// The joining words of one message.
pub(super) struct Joins<'a> {
    message: &'a str,
    /// Told when a word asks for it, which is seldom.
    language: OnceCell<Option<Lang>>,
}

impl<'a> Joins<'a> {
    pub(super) fn of(message: &'a str) -> Self {
        Self { message, language: OnceCell::new() }
    }

    fn joins(&self, join: &Join) -> bool {
        let tell = || whatlang::detect(self.message).filter(|told| told.confidence() >= TOLD);
        let language = || *self.language.get_or_init(|| tell().map(|told| told.lang()));
        join.only_in.is_none_or(|languages| language().is_some_and(|language| languages.contains(&language)))
    }

    /// Whether a part begins with a joining word.
    pub(super) fn begins(&self, part: &str) -> bool {
        self.strip(part.trim_start()).is_some()
    }

    /// "and" of "and then": the cut was before it. No such run is long; a longer one is not read again at every word.
    pub(super) fn only(&self, part: &str) -> bool {
        let mut rest = part.trim();
        if rest.len() >= MOST_JOINS_BYTES {
            return false;
        }
        while !rest.is_empty() {
            match self.strip_to(rest, true) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }

    /// Takes joining words off the beginning; says whether one of them puts it after what came before.
    pub(super) fn lead<'t>(&self, part: &'t str) -> (bool, &'t str) {
        let (mut orders, mut rest) = (false, part.trim_start());
        // "¿Y …?"
        let bare = rest.trim_start_matches(['¿', '¡']);
        rest = if self.strip(bare).is_some() { bare } else { rest };
        while let Some((join_orders, after)) = self.strip(rest) {
            (orders, rest) = (orders || join_orders, after);
        }
        (orders, rest)
    }

    /// "Schicke danach …": some languages put the word second or third.
    pub(super) fn orders_within(&self, part: &str) -> bool {
        self.within(part, Does::Orders)
    }

    /// "First …", "Lies zuerst …": something is to come after it.
    pub(super) fn opens_an_order(&self, part: &str) -> bool {
        let part = part.trim_start();
        UNSPACED_FIRSTS.iter().any(|first| part.starts_with(first)) || self.within(part, Does::Begins)
    }

    fn within(&self, part: &str, does: Does) -> bool {
        let mut rest = part.trim_start();
        for _ in 0..WITHIN {
            let word = first_word(rest);
            let found =
                |join: &Join| join.does == does && without(rest, join.words).is_some() && self.joins(join);
            if joins_from(word).iter().any(found) {
                return true;
            }
            rest = rest[word.len()..].trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        }
        false
    }

    /// The longest run of joining words that a part begins with is taken off it.
    fn strip<'t>(&self, part: &'t str) -> Option<(bool, &'t str)> {
        self.strip_to(part, false)
    }

    /// `to_end`: also where nothing comes after it.
    fn strip_to<'t>(&self, part: &'t str, to_end: bool) -> Option<(bool, &'t str)> {
        let joins = joins_from(first_word(part)).iter().filter(|join| join.does != Does::Begins);
        let after = |join: &Join| {
            without(part, join.words).filter(|rest| (to_end || !rest.is_empty()) && self.joins(join))
        };
        let longest = joins.filter_map(|join| Some((join.does == Does::Orders, after(join)?)));
        if let Some((orders, rest)) = longest.min_by_key(|(orders, rest)| (rest.len(), !orders)) {
            return Some((orders, rest.trim_start_matches([',', ' ', '\t'])));
        }
        if part.starts_with(|c: char| c.is_ascii()) {
            return None;
        }
        let unspaced = |list: &'static [&str]| list.iter().find_map(|join| part.strip_prefix(join));
        unspaced(UNSPACED_ORDERS)
            .map(|rest| (true, rest))
            .or_else(|| Some((false, unspaced(UNSPACED_JOINS)?)))
    }
}

/// Whether a word is one of those that only join and order.
pub(super) fn is_joining(word: &str) -> bool {
    let unspaced = [UNSPACED_JOINS, UNSPACED_ORDERS, UNSPACED_FIRSTS];
    joins_from(word).iter().any(|join| !join.words.contains(' '))
        || unspaced.iter().any(|words| words.contains(&word))
}

/// Says whether a text ends with a word that puts what follows after it.
pub(super) fn hands_over(text: &str) -> bool {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    ORDERS
        .iter()
        .copied()
        .flatten()
        .any(|order| text.strip_suffix(order).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric)))
}

/// Up to a space or a comma.
fn first_word(text: &str) -> &str {
    text.find(|c: char| c.is_whitespace() || c == ',').map_or(text, |end| &text[..end])
}

/// The runs that begin with a word.
fn joins_from(word: &str) -> &'static [Join] {
    let mut buffer = [0; MOST_WORD_BYTES];
    lower(word, &mut buffer).and_then(|word| BY_FIRST.get(word)).map_or(&[], Vec::as_slice)
}

/// A short word in lower case; it is asked of every word of a message, so nothing is allocated.
pub(super) fn lower<'a>(word: &str, buffer: &'a mut [u8; MOST_WORD_BYTES]) -> Option<&'a str> {
    let mut length = 0;
    for c in word.chars().flat_map(char::to_lowercase) {
        c.encode_utf8(buffer.get_mut(length..length + c.len_utf8())?);
        length += c.len_utf8();
    }
    str::from_utf8(&buffer[..length]).ok()
}

/// What comes after some words, if a text begins with them and they end there.
fn without<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let mut rest = text;
    for expected in words.chars() {
        let c = rest.chars().next()?;
        if !c.to_lowercase().eq([expected]) {
            return None;
        }
        rest = &rest[c.len_utf8()..];
    }
    let ends = rest.chars().next().is_none_or(|c| c.is_whitespace() || c == ',');
    ends.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_may_hand_over_to_the_next() {
        assert!(hands_over("sum this up, then") && hands_over("und dann ") && !hands_over("strengthen"));
    }

    #[test]
    fn an_order_is_opened_by_an_adverb_near_the_beginning() {
        for text in [
            "First read it",
            "Lies zuerst die Datei",
            "D'abord lis ceci",
            "先读取文件",
            "まず読んで",
            "Đầu tiên, đọc tệp",
            "Przeczytaj najpierw",
        ] {
            assert!(Joins::of(text).opens_an_order(text), "{text}");
        }
        for text in ["Read it", "When does my card arrive first", "Firstborn", ""] {
            assert!(!Joins::of(text).opens_an_order(text), "{text}");
        }
    }

    #[test]
    fn the_longest_run_is_taken_off() {
        let lead = |text: &'static str| Joins::of(text).lead(text);
        assert_eq!(lead("and then, sum it up"), (true, "sum it up"));
        assert_eq!(lead("And sum it up"), (false, "sum it up"));
        assert_eq!(lead("Android phones"), (false, "Android phones"));
        assert_eq!(lead("然后统计字数"), (true, "统计字数"));
        let only = |text: &'static str| Joins::of(text).only(text);
        assert!(only("and") && only("") && !only("and sum"));
    }

    #[test]
    fn every_word_that_is_another_one_elsewhere_is_one_that_joins() {
        for (word, languages) in ELSEWHERE {
            assert!(joins_from(word).iter().any(|join| join.words == *word), "{word} joins nowhere");
            assert!(!languages.is_empty(), "{word}");
        }
    }
}
