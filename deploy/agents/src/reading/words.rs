//! Looking for words in any language.

/// Whether the text, in lower case, has one of the words. A word of ASCII letters must stand alone or begin a
/// longer word when it ends in `*`; words of other scripts are looked for anywhere.
pub(crate) fn has_any(text: &str, words: &[&str]) -> bool {
    let lower = text.to_lowercase();
    words.iter().any(|word| find(&lower, word).is_some())
}

/// Where the word stands in a text that is already in lower case.
pub(crate) fn find(lower: &str, word: &str) -> Option<usize> {
    let (stem, open) = word.strip_suffix('*').map_or((word, false), |stem| (stem, true));
    if !stem.chars().all(|letter| letter.is_ascii() || letter.is_alphabetic() && letter < '\u{250}') {
        return lower.find(stem);
    }
    lower.match_indices(stem).map(|(at, _)| at).find(|&at| {
        let before = lower[..at].chars().next_back();
        let after = lower[at + stem.len()..].chars().next();
        !is_letter(before) && (open || !is_letter(after))
    })
}

/// CJK letters do not join a Latin word: "用csv表" holds the word "csv".
fn is_letter(letter: Option<char>) -> bool {
    letter.is_some_and(|letter| letter.is_alphanumeric() && letter < '\u{2e80}')
}

/// "1 row", "2 rows".
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The first characters of a text, with a mark when something was left out.
pub(crate) fn excerpt(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{find, has_any};

    #[test]
    fn words_stand_alone_unless_starred() {
        assert!(has_any("Please LIST the files", &["list"]));
        assert!(!has_any("a listing", &["list"]));
        assert!(has_any("a listing", &["list*"]));
        assert!(find("列出所有文件", "文件").is_some());
        assert!(has_any("用csv表", &["csv"]));
    }
}
