//! Web addresses as they stand in prose: without the punctuation, brackets and markup around them.

use std::sync::LazyLock;

use regex::Regex;

/// Blanks, quotes, angle brackets and full-width punctuation end an address. An apostrophe may stand within one.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)https?://[^\s<>"`“”„«»‹›。，、！？；：「」『』【】《》（）｡､\p{Cc}]+"#)
        .expect("a constant pattern")
});
/// What may stand behind an address and belongs to the sentence, or to its markup (GitHub Flavored Markdown, "extended
/// autolink path validation").
const BEHIND: &[char] = &['.', ',', ';', ':', '!', '?', '\'', '’', '‘', '"', '*', '_', '~', '…', '|', '\\'];
const BRACKETS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];

/// The first web address.
pub(crate) fn link(text: &str) -> Option<&str> {
    ADDRESS.find_iter(text).find_map(|found| alone(found.as_str()))
}

/// Without what stands behind it; a closing bracket is its own where it opens one: `…/Rust_(language)`.
fn alone(found: &str) -> Option<&str> {
    // `[https://a.example](https://b.example)`
    let mut address = found.split_once("](").map_or(found, |(before, _)| before);
    loop {
        let last = address.chars().next_back()?;
        let opened = BRACKETS.iter().find(|(_, close)| *close == last);
        let is_own = opened
            .is_some_and(|(open, close)| address.matches(*close).count() <= address.matches(*open).count());
        if is_own || !(opened.is_some() || BEHIND.contains(&last)) {
            break;
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    let (_, rest) = address.split_once("://")?;
    rest.starts_with(|c: char| c.is_alphanumeric() || c == '[').then_some(address)
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn an_address_ends_where_it_is_meant_to() {
        for (name, text, address) in [
            ("alone", "https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
            ("own parentheses", "read https://x.y/wiki/Rust_(language)", "https://x.y/wiki/Rust_(language)"),
            (
                "own, then a point",
                "See https://x.y/wiki/Rust_(language).",
                "https://x.y/wiki/Rust_(language)",
            ),
            ("own, in parentheses", "(see https://x.y/Rust_(language)).", "https://x.y/Rust_(language)"),
            ("own, one in another", "https://x.y/?a=b((c))", "https://x.y/?a=b((c))"),
            ("own, before a fragment", "https://x.y/a_(b)#c_d", "https://x.y/a_(b)#c_d"),
            ("in parentheses", "(see https://x.y/z).", "https://x.y/z"),
            ("in parentheses, with a query", "(https://x.y/watch?v=4)", "https://x.y/watch?v=4"),
            ("in parentheses, a slash last", "(http://ex.mp/).", "http://ex.mp/"),
            ("in angle brackets", "read <https://x.y/z>, please", "https://x.y/z"),
            ("in square brackets", "[https://x.y/z]: what is it?", "https://x.y/z"),
            ("in Markdown", "see [this](https://x.y/a_(b)) now", "https://x.y/a_(b)"),
            ("in Markdown twice", "[https://x.y/z](https://x.y/z)", "https://x.y/z"),
            ("in bold", "**https://x.y/z**", "https://x.y/z"),
            ("in code", "`https://x.y/z`", "https://x.y/z"),
            ("in quotes", "\"https://x.y/z\"", "https://x.y/z"),
            ("in single quotes", "curl 'https://x.y/z'", "https://x.y/z"),
            ("in guillemets", "«https://x.y/z»", "https://x.y/z"),
            ("in JSON", "{\"url\": \"https://x.y/z\"}", "https://x.y/z"),
            ("an apostrophe within", "https://x.y/Schr's_cat.", "https://x.y/Schr's_cat"),
            ("many marks behind", "is it https://x.y/z?!...", "https://x.y/z"),
            ("a comma in the path", "https://x.y/2009/01/16/a,b,", "https://x.y/2009/01/16/a,b"),
            ("a full-width point", "参见https://example.com/foo。次の文。", "https://example.com/foo"),
            ("full-width brackets", "全角（https://example.com/baz）です", "https://example.com/baz"),
            ("a remark behind", "https://x.com/docs（说明）了解更多", "https://x.com/docs"),
            (
                "letters of another script",
                "https://zh.x.org/wiki/道_(消歧义)",
                "https://zh.x.org/wiki/道_(消歧义)",
            ),
            ("a colon of another script before", "链接：https://x.y/z", "https://x.y/z"),
            ("capitals", "HTTPS://X.Y/Z.", "HTTPS://X.Y/Z"),
            ("a port and an address of IPv6", "http://[::1]:8080/a]", "http://[::1]:8080/a"),
            ("after one that is none", "http:// and http://... but https://x.y", "https://x.y"),
        ] {
            assert_eq!(link(text), Some(address), "{name}");
        }
        for text in ["ftp://x.y", "http://", "no address", "https://)", ""] {
            assert_eq!(link(text), None, "{text}");
        }
    }
}
