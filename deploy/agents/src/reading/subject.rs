//! Telling what is asked from what it is asked about: "Count the words in: the quick fox".

use std::sync::LazyLock;

use regex::Regex;

use super::quotes::{bare, fenced, quoted, spoken};

static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)^([^\n]{0,300}?)(?::\s+|：\s*|:?\s*\n\s*)(\S.*)$").expect("a constant pattern")
});
/// What stands in a code fence, in quotes, after a lead-in ending in a colon or a line break, or in a code span.
pub(crate) fn subject(text: &str) -> Option<&str> {
    let after = || split(text).map(|(_, subject)| bare(subject));
    fenced(text).or_else(|| spoken(text)).or_else(after).or_else(|| quoted(text))
}

/// The lead-in and what follows it.
pub(crate) fn split(text: &str) -> Option<(&str, &str)> {
    let found = LEAD.captures(text.trim())?;
    Some((found.get(1)?.as_str(), found.get(2)?.as_str().trim()))
}

#[cfg(test)]
mod tests {
    use super::{split, subject};

    #[test]
    fn the_subject_is_told_from_the_lead_in() {
        assert_eq!(subject("Count the words in: the quick fox"), Some("the quick fox"));
        assert_eq!(subject("Wie ist die Stimmung von „Das ist toll“?"), Some("Das ist toll"));
        assert_eq!(subject("请分析：我很高兴"), Some("我很高兴"));
        assert_eq!(subject("review\n```rust\nlet a = 1;\n```"), Some("let a = 1;"));
        assert_eq!(subject("hello there"), None);
        assert_eq!(subject("Count the words in: run `ls` and `cd`"), Some("run `ls` and `cd`"));
        assert_eq!(subject("The SHA-256 of: `hello`"), Some("hello"));
        assert_eq!(subject("SHA-256 of `hello`, please"), Some("hello"));
        assert_eq!(split("read https://example.org/ please"), None);
    }
}
