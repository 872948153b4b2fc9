//! JSON as others write it. Some writers cut a text between the two halves of a character (RFC 8259 §8.2 leaves open what
//! a reader makes of a lone surrogate), some write numbers that JSON has not, some begin with a byte order mark: what was
//! meant is plain, and the rest of an answer is not lost for it.

use serde_json::Value;

const MARK: &[u8] = b"\xEF\xBB\xBF";
/// Words that JSON has not, as Python and JavaScript write them, and what stands for them; the longest first.
const WORDS: [(&str, &str); 6] = [
    ("-Infinity", "null"),
    ("Infinity", "null"),
    ("NaN", "null"),
    ("None", "null"),
    ("True", "true"),
    ("False", "false"),
];

/// Reads one value.
///
/// # Errors
/// When it is no JSON, however it is read.
pub(crate) fn json(bytes: &[u8]) -> serde_json::Result<Value> {
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    serde_json::from_slice(bytes)
        .or_else(|error| serde_json::from_str(&mended(&String::from_utf8_lossy(bytes))).map_err(|_| error))
}

/// The same text with U+FFFD for halves of characters and JSON's own words, without comments and commas that nothing
/// follows.
fn mended(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (text, false);
    while let Some(c) = rest.chars().next() {
        let word = || WORDS.iter().find(|(word, _)| rest.starts_with(word));
        let (len, replaced) = match c {
            '\\' if in_string => escape(rest),
            '"' => {
                in_string = !in_string;
                (1, None)
            }
            '-' | 'A'..='Z' if !in_string => word().map_or((1, None), |(word, own)| (word.len(), Some(*own))),
            '/' if !in_string && rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), Some("")),
            ',' if !in_string && ends(&rest[1..]) => (1, Some("")),
            c => (c.len_utf8(), None),
        };
        mended.push_str(replaced.unwrap_or(&rest[..len]));
        rest = &rest[len..];
    }
    mended
}

/// Whether what a comma separates ends behind it.
fn ends(text: &str) -> bool {
    let mut next = text.trim_start();
    while next.starts_with("//") {
        next = next.split_once('\n').map_or("", |(_, next)| next).trim_start();
    }
    next.starts_with(['}', ']'])
}

/// How long an escape is, and what stands for it where it is half of a character.
fn escape(text: &str) -> (usize, Option<&'static str>) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(0xD800..0xDC00), Some(0xDC00..0xE000)) => (12, None),
        (Some(0xD800..0xE000), _) => (6, Some("\\ufffd")),
        (Some(_), _) => (6, None),
        // The character behind the backslash is a part of it.
        (None, _) => (1 + text[1..].chars().next().map_or(0, char::len_utf8), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_meant_is_read() {
        for (text, value) in [
            (r#"{"a": "ok \ud83d end"}"#, json!({"a": "ok \u{FFFD} end"})),
            (r#"["\ude00\ud83d", "\ud83d\ude00"]"#, json!(["\u{FFFD}\u{FFFD}", "😀"])),
            (r#"["\ud83d\n\\ud83d\" NaN", NaN]"#, json!(["\u{FFFD}\n\\ud83d\" NaN", null])),
            (
                r#"{"x": [NaN, -Infinity, Infinity, -1, "Infinity"]}"#,
                json!({"x": [null, null, null, -1, "Infinity"]}),
            ),
            ("\u{FEFF}{}", json!({})),
            (
                "{\"a\": True, \"b\": None, // \"c\": 1,\n\"d\": [1, 2,], // end\n}",
                json!({"a": true, "b": null, "d": [1, 2]}),
            ),
            (r#"{"a": "//, ]", "b": "x",}"#, json!({"a": "//, ]", "b": "x"})),
        ] {
            assert_eq!(json(text.as_bytes()).unwrap(), value, "{text}");
        }
        assert_eq!(json(b"[\"\xFF\", 1]").unwrap(), json!(["\u{FFFD}", 1]));
        for none in ["", "{", "Nap", "[NaN", r#""\"#, r#""\u12"#, "{\"a\":1} x"] {
            assert!(json(none.as_bytes()).is_err(), "{none}");
        }
    }
}
