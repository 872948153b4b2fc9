//! The words that join two requests, and those that put one after the other, in the languages that messages come in.
//! What a language lacks here costs a division, never an answer: the message goes on whole.

mod words;

use std::{collections::HashMap, sync::LazyLock};
use words::{FIRSTS, JOINS, ORDERS, UNSPACED_FIRSTS, UNSPACED_JOINS, UNSPACED_ORDERS};

const MOST_JOINS_BYTES: usize = 64;
/// No joining word is longer.
pub(super) const MOST_WORD_BYTES: usize = 48;
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
}

/// By their first word.
static BY_FIRST: LazyLock<HashMap<&'static str, Vec<Join>>> = LazyLock::new(|| {
    let mut by_first: HashMap<_, Vec<Join>> = HashMap::new();
    for (lists, does) in [(JOINS, Does::Joins), (ORDERS, Does::Orders), (FIRSTS, Does::Begins)] {
        for &words in lists.iter().copied().flatten() {
            let first = words.split(' ').next().unwrap_or(words);
            by_first.entry(first).or_default().push(Join { words, does });
        }
    }
    by_first
});

/// Whether a text begins with a joining word.
pub(super) fn begins(text: &str) -> bool {
    strip(text.trim_start()).is_some()
}

/// "and" of "and then": the cut was before it. No such run is long; a longer one is not read again at every word.
pub(super) fn only(text: &str) -> bool {
    let mut rest = text.trim();
    if rest.len() >= MOST_JOINS_BYTES {
        return false;
    }
    while !rest.is_empty() {
        match strip_to(rest, true) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

/// Takes joining words off the beginning; says whether one of them puts it after what came before.
pub(super) fn lead(text: &str) -> (bool, &str) {
    let (mut orders, mut rest) = (false, text.trim_start());
    // "¿Y …?"
    let bare = rest.trim_start_matches(['¿', '¡']);
    rest = if strip(bare).is_some() { bare } else { rest };
    while let Some((join_orders, after)) = strip(rest) {
        (orders, rest) = (orders || join_orders, after);
    }
    (orders, rest)
}

/// "Schicke danach …": some languages put the word second or third.
pub(super) fn orders_within(text: &str) -> bool {
    within(text, Does::Orders)
}

/// "First …", "Lies zuerst …": something is to come after it.
pub(super) fn opens_an_order(text: &str) -> bool {
    let text = text.trim_start();
    UNSPACED_FIRSTS.iter().any(|first| text.starts_with(first)) || within(text, Does::Begins)
}

fn within(text: &str, does: Does) -> bool {
    let mut rest = text.trim_start();
    for _ in 0..WITHIN {
        let word = first_word(rest);
        if joins_from(word).iter().any(|join| join.does == does && without(rest, join.words).is_some()) {
            return true;
        }
        rest = rest[word.len()..].trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    false
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

/// The longest run of joining words that a text begins with is taken off it.
fn strip(text: &str) -> Option<(bool, &str)> {
    strip_to(text, false)
}

/// `to_end`: also where nothing comes after it.
fn strip_to(text: &str, to_end: bool) -> Option<(bool, &str)> {
    let joins = joins_from(first_word(text)).iter().filter(|join| join.does != Does::Begins);
    let after = |join: &Join| without(text, join.words).filter(|rest| to_end || !rest.is_empty());
    let longest = joins.filter_map(|join| Some((join.does == Does::Orders, after(join)?)));
    if let Some((orders, rest)) = longest.min_by_key(|(orders, rest)| (rest.len(), !orders)) {
        return Some((orders, rest.trim_start_matches([',', ' ', '\t'])));
    }
    if text.starts_with(|c: char| c.is_ascii()) {
        return None;
    }
    let unspaced = |list: &'static [&str]| list.iter().find_map(|join| text.strip_prefix(join));
    unspaced(UNSPACED_ORDERS).map(|rest| (true, rest)).or_else(|| Some((false, unspaced(UNSPACED_JOINS)?)))
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
            assert!(opens_an_order(text), "{text}");
        }
        for text in ["Read it", "When does my card arrive first", "Firstborn", ""] {
            assert!(!opens_an_order(text), "{text}");
        }
    }

    #[test]
    fn the_longest_run_is_taken_off() {
        assert_eq!(lead("and then, sum it up"), (true, "sum it up"));
        assert_eq!(lead("And sum it up"), (false, "sum it up"));
        assert_eq!(lead("Android phones"), (false, "Android phones"));
        assert_eq!(lead("然后统计字数"), (true, "统计字数"));
        assert!(only("and") && only("") && !only("and sum"));
    }
}
