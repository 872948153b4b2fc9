//! Words from outside: what agents, models and people wrote passes here before it meets a row, a prompt or a terminal.
//! Postgres stores every character but U+0000; what steers a terminal, or turns around the text beside it, is nobody's
//! name.

mod bytes;
mod json;
mod secrets;

pub(crate) use bytes::bytes;
pub(crate) use json::json;
pub(crate) use secrets::without_secrets;

use serde_json::Value;
use std::borrow::Cow;
use switchboard_shared::ids::is_seen;

/// The longest id of somebody else's making, such as an agent's of its task.
const MAX_ID_CHARS: usize = 512;
/// The longest reason that somebody else gives.
pub(crate) const MAX_REASON_CHARS: usize = 500;
/// The longest name of a file.
pub(crate) const MAX_FILE_NAME_CHARS: usize = 255;
/// What ends an isolate.
const POP: char = '\u{2069}';

/// Text of any number of lines, of which a part may be what is given: pieces that are made so can be put together, and the
/// whole stays as it is.
///
/// What turns text around is kept where it can only turn what stands in it: an isolate (UAX #9 §2.5) that is closed in the
/// same line, which is a paragraph to the algorithm, of the same piece. One that is not would take in what we and others
/// write behind it, and an end without a beginning would let out what somebody shows in an isolate of their own.
/// Embeddings and overrides (§2.2 to §2.4), even closed, work on what stands beside them, or show letters in another order
/// than they are read in; they are left out. Arabic, Hebrew and the marks that they are written with (§2.6) need none.
pub(crate) fn text(text: &str) -> String {
    let text: String = text.chars().filter(|c| !forces(*c)).map(shown).collect();
    if text.contains(isolates) { text.split_inclusive(['\n', '\r']).map(closed).collect() } else { text }
}

/// What has passed here, of which no place may be moved: character by character.
pub(crate) fn signs(text: &str) -> String {
    text.chars().map(|c| if forces(c) { char::REPLACEMENT_CHARACTER } else { shown(c) }).collect()
}

/// The beginning of what has passed here, of so many bytes at most; what is closed behind its end is left out.
pub(crate) fn beginning(text: &str, max_bytes: usize) -> Cow<'_, str> {
    let end = text.floor_char_boundary(max_bytes);
    if end == text.len() { Cow::Borrowed(text) } else { Cow::Owned(self::text(&text[..end])) }
}

/// The same, of so many characters at most.
pub(crate) fn first_chars(text: &str, max_chars: usize) -> Cow<'_, str> {
    beginning(text, text.char_indices().nth(max_chars).map_or(text.len(), |(at, _)| at))
}

/// A line with those of its isolates alone that have a beginning and an end.
fn closed(line: &str) -> String {
    let (mut open, mut ends) = (Vec::new(), Vec::new());
    let mut whole = vec![false; line.len()];
    for (at, sign) in line.char_indices().filter(|(_, c)| isolates(*c)) {
        match sign {
            POP => ends.extend(open.pop().map(|begin| (begin, at))),
            _ => open.push(at),
        }
    }
    for (begin, end) in ends {
        (whole[begin], whole[end]) = (true, true);
    }
    line.char_indices().filter(|(at, c)| !isolates(*c) || whole[*at]).map(|(_, c)| c).collect()
}

/// One line: a name, a title, a reason. What is longer ends with an ellipsis.
pub(crate) fn line(text: &str, max_chars: usize) -> String {
    let one_line = |c: char| if c.is_control() || is_line_end(c) { ' ' } else { c };
    let mut chars = text.trim().chars().filter(|c| !turns_around(*c)).map(one_line);
    let mut line: String = chars.by_ref().take(max_chars).collect();
    if chars.next().is_some() && line.pop().is_some() {
        line.push('…');
    }
    line.trim_end().to_owned()
}

/// The beginning of a text that is too long, which says so.
pub(crate) fn shorten(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// An id of somebody else's making, which is kept as it is or not at all.
pub(crate) fn id(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.chars().nth(MAX_ID_CHARS).is_none();
    (fits && is_plain(text)).then(|| text.to_owned())
}

/// Whether a text is fit to be a name as it is: nothing in it steers a terminal or turns text around.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_line_end(c) || turns_around(c))
}

/// Whether a text is fit to be a name, and there is something to be seen of it.
pub(crate) fn is_name(text: &str) -> bool {
    is_plain(text) && text.chars().any(is_seen)
}

/// Whether a text is the name of a file, and not the way to one.
pub(crate) fn is_file_name(name: &str) -> bool {
    (name.is_empty() || is_name(name))
        && !name.contains(['/', '\\'])
        && !matches!(name, "." | "..")
        && name.chars().nth(MAX_FILE_NAME_CHARS).is_none()
}

/// All texts in a value, as [`text`] does.
pub(crate) fn value(of: Value) -> Value {
    match of {
        Value::String(string) => Value::String(text(&string)),
        Value::Array(items) => items.into_iter().map(value).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, of)| (text(&key), value(of))).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

/// Whether there is a U+0000 in a value, which no row can hold.
pub(crate) fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn shown(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' => c,
        c if is_line_end(c) => '\n',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// Line and paragraph separator.
fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Embeddings, overrides and isolates (UAX #9): they change how what stands beside them is read.
fn turns_around(c: char) -> bool {
    forces(c) || isolates(c)
}

/// Embeddings and overrides, and what ends them.
fn forces(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}')
}

fn isolates(c: char) -> bool {
    matches!(c, '\u{2066}'..=POP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_keeps_its_lines_and_loses_what_steers() {
        assert_eq!(text("a\0b\u{1b}[2J\r\n\tc\u{2028}d"), "a\u{FFFD}b\u{FFFD}[2J\r\n\tc\nd");
        let whole = "x\0y\u{85}z\u{2066}a\u{2069}\u{202E}";
        let pieces: String = whole.chars().map(|c| signs(c.encode_utf8(&mut [0; 4]))).collect();
        assert_eq!(
            (pieces.as_str(), signs(whole).as_str()),
            (signs(whole).as_str(), "x\u{FFFD}y\u{FFFD}z\u{2066}a\u{2069}\u{FFFD}")
        );
    }

    #[test]
    fn text_turns_nothing_around_but_itself() {
        let arabic = "\u{200F}مرحبا \u{2067}x \u{2068}ABC\u{2069}\u{2069}، \u{61C}שלום\u{200E}";
        for (what, given, kept) in [
            ("marks and closed isolates", arabic, arabic),
            ("an override", "pay \u{202E}eno\u{202C} now", "pay eno now"),
            ("an override to the end", "a\u{202D}b", "ab"),
            ("embeddings", "a\u{202B}b\u{202C}c\u{202A}d", "abcd"),
            ("an isolate to the end", "a\u{2067}b", "ab"),
            ("an end of somebody else's isolate", "a\u{2069}b", "ab"),
            ("one closed in another line", "a\u{2066}b\nc\u{2069}d", "ab\ncd"),
            ("one in another line's own", "\u{2066}a\u{2028}b\u{2069}", "a\nb"),
            ("the inner one alone", "\u{2067}a\u{2068}b\u{2069}c", "a\u{2068}b\u{2069}c"),
            ("an end too many", "\u{2068}a\u{2069}\u{2069}", "\u{2068}a\u{2069}"),
            ("an override in an isolate", "\u{2068}\u{202E}a\u{2069}", "\u{2068}a\u{2069}"),
        ] {
            assert_eq!(text(given), kept, "{what}");
            assert_eq!(text(&text(given)), kept, "{what}, once more");
            let pieces: String = given.split_inclusive(' ').map(text).collect();
            assert_eq!(text(&pieces), pieces, "{what}, in pieces");
        }
        assert_eq!(first_chars("a\u{2067}bc\u{2069}d", 3), "ab");
        assert_eq!(first_chars("a\u{2067}bc\u{2069}d", 5), "a\u{2067}bc\u{2069}");
        assert_eq!(beginning("é\u{2067}b\u{2069}", 3), "é");
        let many = "\u{2066}".repeat(100_000) + &"\u{2069}".repeat(50_000);
        assert_eq!(text(&many).chars().count(), 100_000);
    }

    #[test]
    fn a_line_is_one_bounded_and_reads_in_its_own_direction() {
        assert_eq!(line(" a\n\u{202E}b\0c ", 10), "a b c");
        assert_eq!(line(&"é".repeat(205_000), 5), "éééé…");
        assert_eq!(line("12345", 5), "12345");
    }

    #[test]
    fn an_id_is_kept_as_it_is_or_not_at_all() {
        assert_eq!(id("T/1 ü").as_deref(), Some("T/1 ü"));
        for bad in ["", "T\u{0}1", "a\nb", "a\u{202E}b", &"x".repeat(513)] {
            assert_eq!(id(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_file_has_a_name_and_no_path() {
        assert!(is_file_name("räge 1.png") && is_file_name(""));
        for bad in ["../etc/passwd", "a\\b", "..", "a\u{202E}gnp.exe", "a\u{7}", &"x".repeat(256)] {
            assert!(!is_file_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn values_are_looked_through_to_the_bottom() {
        let bad = json!({"a": [{"b": "x\u{0}"}], "n": 1});
        assert!(holds_nul(&bad) && holds_nul(&json!({"k\u{0}": 1})));
        assert_eq!(value(bad), json!({"a": [{"b": "x\u{FFFD}"}], "n": 1}));
    }
}
