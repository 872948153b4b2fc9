//! Telling what is asked from what it is asked about: "Count the words in: the quick fox".

use std::sync::LazyLock;

use regex::Regex;

static FENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)```[A-Za-z0-9+#_-]*[ \t]*\r?\n(.*?)(?:```|$)").expect("a constant pattern")
});
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?s)"([^"]+)"|“([^”]+)”|„([^“”]+)[“”]|«\s*([^»]+?)\s*»|「([^」]+)」|『([^』]+)』|(?:^|\s)'([^']+)'(?:\s|[.,;:!?]|$)"#)
        .expect("a constant pattern")
});
static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)^([^\n]{0,300}?)(?::\s+|：\s*|:?\s*\n\s*)(\S.*)$").expect("a constant pattern")
});
static LINK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"https?://[^\s<>"'`）」】，。]+"#).expect("a constant pattern"));

/// What stands in a code fence, in quotes, or after a lead-in ending in a colon or a line break.
pub(crate) fn subject(text: &str) -> Option<&str> {
    fenced(text).or_else(|| quoted(text)).or_else(|| split(text).map(|(_, subject)| subject))
}

/// What stands in the first code fence.
pub(crate) fn fenced(text: &str) -> Option<&str> {
    FENCE.captures(text).and_then(|found| found.get(1)).map(|found| found.as_str().trim_matches('\n'))
}

/// What stands in the first quotes, of any kind.
pub(crate) fn quoted(text: &str) -> Option<&str> {
    let found = QUOTED.captures(text)?;
    found.iter().skip(1).flatten().next().map(|found| found.as_str().trim())
}

/// The lead-in and what follows it.
pub(crate) fn split(text: &str) -> Option<(&str, &str)> {
    let found = LEAD.captures(text.trim())?;
    Some((found.get(1)?.as_str(), found.get(2)?.as_str().trim()))
}

/// The first web address, without the punctuation of the sentence around it.
pub(crate) fn link(text: &str) -> Option<&str> {
    let found = LINK.find(text)?.as_str();
    Some(found.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}']))
}

#[cfg(test)]
mod tests {
    use super::{link, quoted, split, subject};

    #[test]
    fn the_subject_is_told_from_the_lead_in() {
        assert_eq!(subject("Count the words in: the quick fox"), Some("the quick fox"));
        assert_eq!(subject("Wie ist die Stimmung von „Das ist toll“?"), Some("Das ist toll"));
        assert_eq!(subject("请分析：我很高兴"), Some("我很高兴"));
        assert_eq!(subject("review\n```rust\nlet a = 1;\n```"), Some("let a = 1;"));
        assert_eq!(subject("hello there"), None);
        assert_eq!(quoted("it's Ann's turn"), None);
        assert_eq!(split("read https://example.org/ please"), None);
    }

    #[test]
    fn links_end_before_the_sentence_does() {
        assert_eq!(link("(see https://example.org/a?b=c)."), Some("https://example.org/a?b=c"));
    }
}
