//! The title of a conversation that was given none: what its first message is about.

use crate::{outside, route::prose};
use switchboard_shared::api::MAX_TITLE_CHARS;
use unicode_segmentation::UnicodeSegmentation;

/// What a list shows of a title that is made of a message.
const TITLE_GRAPHEMES: usize = 79;

/// The first line that is said in the first message, else the first one that is shown; cut between words.
pub(crate) fn title(text: &str) -> String {
    let ranges = prose::shown(text);
    let place = |line: &str| line.as_ptr() as usize - text.as_ptr() as usize;
    let said = text.lines().filter(|line| !prose::is_shown(&ranges, place(line)));
    let is_fence = |line: &&str| ["```", "~~~"].iter().any(|mark| line.trim_start().starts_with(mark));
    let shown = text.lines().filter(|line| !is_fence(line));
    let mut lines = said.chain(shown).map(|line| {
        let bare = line.trim_start_matches(|c: char| c.is_whitespace() || "#>*-`~".contains(c));
        outside::line(bare, MAX_TITLE_CHARS)
    });
    let line = lines.find(|line| line.chars().any(char::is_alphanumeric));
    let Some(line) =
        line.or_else(|| Some(outside::line(text, MAX_TITLE_CHARS)).filter(|line| !line.is_empty()))
    else {
        return "(file)".to_owned();
    };
    // Characters as people see them (UAX #29): a flag or an accented letter is one.
    let Some((end, _)) = line.grapheme_indices(true).nth(TITLE_GRAPHEMES) else { return line };
    let words = line.split_word_bound_indices().map(|(at, _)| at);
    let cut = words.take_while(|at| *at <= end).last().filter(|at| *at > 0).unwrap_or(end);
    format!("{}…", line[..cut].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_cut_at_a_word() {
        assert_eq!(title("\n  Hello there \nmore"), "Hello there");
        assert_eq!(title(""), "(file)");
        let long = title(&"word ".repeat(40));
        assert!(long.ends_with("word…") && long.chars().count() <= 80, "{long}");
        let graphemes = |text: &str| text.graphemes(true).count();
        for (what, text, begins) in [
            (
                "Chinese without spaces",
                "GPT 模型的上下文窗口太短了怎么办".repeat(9),
                "GPT 模型的上下文窗口太短了怎么办GPT",
            ),
            ("one long word", "x".repeat(300), "xxxx"),
            ("flags", "🇳🇴".repeat(100), "🇳🇴🇳🇴"),
            ("a heading", "# My plan\nmore".to_owned(), "My plan"),
            ("code first", "```python\nprint(1)\n```\nWhy does this fail?".to_owned(), "Why does this fail?"),
            ("code alone", "```python\nprint(1)\n```".to_owned(), "print(1)"),
            ("a quote first", "> he said\nIs that so?".to_owned(), "Is that so?"),
            ("a list", "- one\n- two".to_owned(), "one"),
        ] {
            let title = title(&text);
            assert!(graphemes(&title) <= 80, "{what}: {title}");
            assert!(title.starts_with(begins), "{what}: {title}");
        }
        let flags = title(&"🇳🇴".repeat(100));
        assert_eq!(flags.trim_end_matches('…').chars().count() % 2, 0, "no flag is cut in two: {flags}");
    }
}
