//! Names of frames for metrics, and what can be known of a frame that cannot be read.

use super::outbox::Entry;
use switchboard_shared::events::{ClientFrame, ServerFrame};

/// The id of a frame that cannot be read otherwise, so that its sender knows which one it was.
#[must_use]
pub fn id_of(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct WithId {
        id: String,
    }
    serde_json::from_str::<WithId>(text).ok().map(|frame| frame.id).filter(|id| id.len() <= 128)
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

/// The name of what the edge writes.
#[must_use]
pub fn name_out(entry: &Entry) -> &'static str {
    match entry {
        Entry::Event(..) => "event",
        Entry::Piece(_) => "delta",
        Entry::Frame(frame) => match **frame {
            ServerFrame::Welcome { .. } => "welcome",
            ServerFrame::Joined { .. } => "joined",
            ServerFrame::Left { .. } => "left",
            ServerFrame::Snapshot { .. } => "snapshot",
            ServerFrame::Ack { .. } => "ack",
            ServerFrame::Error { .. } => "error",
            ServerFrame::Limit { .. } => "limit",
            ServerFrame::Pong { .. } => "pong",
        },
    }
}
