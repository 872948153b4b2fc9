//! What a session hands on.

use serde::Deserialize;
use switchboard_shared::events::{Event, ServerFrame};
use url::Url;

/// What came.
#[derive(Debug)]
pub enum Received {
    /// An event of a joined conversation, and the text it came as.
    Event(String, Box<Event>),
    /// Any other frame.
    Frame(String, Box<ServerFrame>),
    /// A frame that this version does not know.
    Unknown(String),
    /// The session is at this edge now, in its conversations again in a moment.
    At(Url),
    /// The session has no edge and looks for one; why, for a person.
    Away(String),
}

/// What an edge sends, told apart.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Incoming {
    Frame(Box<ServerFrame>),
    Event(Box<Event>),
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_frame_and_an_event_are_told_apart() {
        let frame = r#"{"type":"pong"}"#;
        assert!(matches!(serde_json::from_str(frame).unwrap(), Incoming::Frame(_)));
        let conversation = switchboard_shared::ids::ConversationId::new();
        let event = format!(
            r#"{{"type":"notice","data":{{"code":"degraded","text":"x"}},"conversation":"{conversation}","at":"2026-01-01T00:00:00Z"}}"#,
        );
        assert!(matches!(serde_json::from_str(&event).unwrap(), Incoming::Event(_)));
    }
}
