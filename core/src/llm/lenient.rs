//! The JSON in what a model wrote: alone, in a fence, or with prose around it.

use crate::outside;
use serde_json::Value;

/// Places that are tried as the beginning of an object; prose has few braces.
const MAX_TRIES: usize = 200;

/// The first text's value, if all of it is one; otherwise the first that there is in the others, and at last in it.
pub(super) fn json_among([raw, others @ ..]: [&String; 4]) -> Option<Value> {
    let whole = serde_json::from_str::<Value>(raw).ok().filter(Value::is_object);
    whole.or_else(|| others.into_iter().chain([raw]).find_map(|text| json_in(text)))
}

/// The value that the text is, or the only object in it. Of two that differ neither is what was asked for.
pub(super) fn json_in(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(value) = outside::json(text.as_bytes()) {
        // Some write the JSON as a string of JSON.
        return match value.as_str().map(serde_json::from_str) {
            Some(Ok(inside)) => Some(inside),
            _ => Some(value),
        };
    }
    let mut found: Option<Value> = None;
    let mut at = 0;
    for _ in 0..MAX_TRIES {
        let Some(begins) = text[at..].find('{').map(|found| at + found) else { return found };
        let Some(len) = object(&text[begins..]) else {
            at = begins + 1;
            continue;
        };
        at = begins + len;
        // What stands in one that cannot be read is a part of it, and not what was asked for.
        let Ok(value) = outside::json(&text.as_bytes()[begins..at]) else { continue };
        if found.as_ref().is_some_and(|before| *before != value) {
            return None;
        }
        found = Some(value);
    }
    None
}

/// How long the object is that a text begins with, by its braces.
fn object(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_found_in_a_fence_and_in_prose() {
        let found = json!({"a": {"b": [1]}});
        for text in [
            r#"{"a":{"b":[1]}}"#,
            "```json\n{\"a\":{\"b\":[1]}}\n```",
            "```\n{\"a\":{\"b\":[1]}}\n```\nThat is the plan.",
            "Here {it} is: {\"a\":{\"b\":[1]}} I hope {x} it helps.",
            "~~~JSON\r\n{\"a\": {\"b\": [1]}}\r\n~~~",
            "{\"a\":{\"b\":[1]}} or, again, {\"a\": {\"b\": [1]}}",
            "\u{FEFF}{\"a\":{\"b\":[1]}}",
            "```json\n{\"a\": {\"b\": [1,],},}\n```",
            "{\"a\": {\"b\": [1] // one\n}}",
            r#""{\"a\":{\"b\":[1]}}""#,
        ] {
            assert_eq!(json_in(text), Some(found.clone()), "{text}");
        }
        for none in ["", "no", "{", "{\"a\":1} or {\"a\":2}", "{not json}", "```json\n{\"a\":\n```"] {
            assert_eq!(json_in(none), None, "{none}");
        }
        assert_eq!(json_in(&"{\"a\":".repeat(100_000)), None);
    }
}
