//! Names of frames for metrics, and what can be known of a frame that cannot be read.

use switchboard_shared::{
    cause::Cause,
    events::{ClientFrame, ServerFrame},
};

/// The longest id that is sent back, in bytes; it may be longer than a good one, so that its sender learns which it was.
const MAX_ID_BYTES: usize = 1024;

/// The longest explanation, in characters.
const MAX_WHY_CHARS: usize = 200;

/// The id of a frame that cannot be read otherwise, so that its sender knows which one it was.
#[must_use]
pub fn id_of(text: &str) -> Option<String> {
    field(text, "id").filter(|id| id.len() <= MAX_ID_BYTES)
}

/// Why a frame cannot be read: one line. What carries a token is explained without what stands in it, since serde
/// repeats what it did not expect.
#[must_use]
pub fn why(text: &str, error: &serde_json::Error) -> String {
    let why = match field(text, "type").as_deref() {
        Some("hello") => {
            "a hello frame may have `token` and `client`, both text, and nothing else".to_owned()
        }
        Some("refresh") => "a refresh frame has a `token`, which is text, and nothing else".to_owned(),
        Some("join" | "leave" | "send" | "cancel" | "ping") => Cause::of(error).to_string(),
        _ if error.is_data() => {
            "a frame is an object with a `type`: hello, join, leave, send, cancel, refresh or ping".to_owned()
        }
        // What is no JSON is not repeated by serde.
        _ => Cause::of(error).to_string(),
    };
    why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_WHY_CHARS).collect()
}

fn field(text: &str, name: &str) -> Option<String> {
    let frame: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    Some(frame.get(name)?.as_str()?.to_owned())
}

/// The name of a client's frame.
#[must_use]
pub fn name_in(frame: &ClientFrame) -> &'static str {
    match frame {
        ClientFrame::Hello { .. } => "hello",
        ClientFrame::Join { .. } => "join",
        ClientFrame::Leave { .. } => "leave",
        ClientFrame::Send { .. } => "send",
        ClientFrame::Cancel { .. } => "cancel",
        ClientFrame::Refresh { .. } => "refresh",
        ClientFrame::Ping { .. } => "ping",
    }
}

/// The name of a frame of the edge's own.
#[must_use]
pub fn name_out(frame: &ServerFrame) -> &'static str {
    match frame {
        ServerFrame::Welcome { .. } => "welcome",
        ServerFrame::Move { .. } => "move",
        ServerFrame::Joined { .. } => "joined",
        ServerFrame::Left { .. } => "left",
        ServerFrame::Snapshot { .. } => "snapshot",
        ServerFrame::Ack { .. } => "ack",
        ServerFrame::Error { .. } => "error",
        ServerFrame::Limit { .. } => "limit",
        ServerFrame::Pong { .. } => "pong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        why(text, &serde_json::from_str::<ClientFrame>(text).unwrap_err())
    }

    #[test]
    fn a_frame_that_cannot_be_read_is_explained_in_one_short_line() {
        for (frame, part) in [
            (r#"{"type":"join","conversation":"nope"}"#, "UUID"),
            (r#"{"type":"send","text":"x"}"#, "missing field `id`"),
            (r#"{"type":"ping","extra":1}"#, "unknown field `extra`"),
            (r#"{"type":"shout"}"#, "hello, join"),
            ("[]", "`type`"),
            ("{", "its JSON ends too early"),
        ] {
            assert!(of(frame).contains(part), "{frame}: {}", of(frame));
        }
        let long = format!(r#"{{"type":"ping","t":"{}"}}"#, "\\n\u{e9}".repeat(500));
        assert_eq!(of(&long).chars().count(), MAX_WHY_CHARS);
    }

    #[test]
    fn a_token_is_never_repeated() {
        for frame in [
            r#"{"type":"hello","token":"s3cret","x":1}"#,
            r#"{"type":"hello","s3cret":1}"#,
            r#"{"type":"hello","token":["s3cret"]}"#,
            r#"{"type":"refresh","token":{"s3cret":1}}"#,
            r#"{"type":"refresh","token":"s3cret","token":"s3cret"}"#,
            r#"{"type":"s3cret"}"#,
            r#"{"type":["hello"],"token":"s3cret"}"#,
            r#"{"type":"hello","token":"s3cret""#,
            r#"{"type":"hello","token":s3cret}"#,
            r#""s3cret""#,
            "s3cret",
        ] {
            assert!(!of(frame).contains("s3cret"), "{frame}: {}", of(frame));
        }
    }
}
