//! How a socket ends: why, and what the client is told.

use super::opening::Socket;
use crate::metrics::METRICS;
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use std::time::Duration;
use switchboard_shared::events::{CloseCode, ServerFrame};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    Error as WsError, Message,
    error::ProtocolError,
    protocol::{CloseFrame, frame::coding::CloseCode as WireCode},
};

const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
const FAREWELL: Duration = Duration::from_secs(1);
/// RFC 6455 §7.4.1: what is not as the protocol says.
const PROTOCOL: u16 = 1002;
/// RFC 6455 §7.4.1: text that is no UTF-8.
const INCONSISTENT: u16 = 1007;
/// RFC 6455 §7.4.1: a message too big to process.
const TOO_BIG: u16 = 1009;

/// Why a socket ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// With one of our codes.
    Code(CloseCode),
    /// With what is not as the protocol says.
    Protocol,
    /// With text that is no UTF-8.
    Inconsistent,
    /// With a message that is too big.
    TooBig,
    /// The client closed it, or is gone.
    Gone,
}

impl From<&WsError> for Leaving {
    fn from(error: &WsError) -> Self {
        match error {
            WsError::Capacity(_) => Self::TooBig,
            WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            WsError::Protocol(_) => Self::Protocol,
            WsError::Utf8(_) => Self::Inconsistent,
            // More fragments than are taken.
            WsError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => Self::TooBig,
            _ => Self::Gone,
        }
    }
}

/// Says where to go on, if there is an edge to name, and the close code; waits a moment for the client's, so that both are
/// read before the connection is gone.
pub async fn close(
    mut sink: SplitSink<Socket, Message>,
    mut stream: SplitStream<Socket>,
    leaving: Leaving,
    to: Option<String>,
) {
    let code = match leaving {
        Leaving::Code(code) => code as u16,
        Leaving::Protocol => PROTOCOL,
        Leaving::Inconsistent => INCONSISTENT,
        Leaving::TooBig => TOO_BIG,
        Leaving::Gone => {
            METRICS.socket_closes.with_label_values(&["client"]).inc();
            // Answers the client's close frame, if there is anybody left.
            drop(timeout(FAREWELL, sink.close()).await);
            return;
        }
    };
    METRICS.socket_closes.with_label_values(&[&code.to_string()]).inc();
    if let Some(text) = to.and_then(|to| serde_json::to_string(&ServerFrame::Move { to }).ok()) {
        METRICS.frame("out", "move");
        // The close frame finds out whether there is anybody left.
        drop(timeout(CLOSE_PATIENCE, sink.feed(Message::text(text))).await);
    }
    let frame = CloseFrame { code: WireCode::from(code), reason: reason(leaving).into() };
    if let Ok(Ok(())) = timeout(CLOSE_PATIENCE, sink.send(Message::Close(Some(frame)))).await {
        let answered = async { while let Some(Ok(_)) = stream.next().await {} };
        drop(timeout(FAREWELL, answered).await);
    }
}

fn reason(leaving: Leaving) -> &'static str {
    match leaving {
        Leaving::Gone => "",
        Leaving::Protocol => "not as RFC 6455 says",
        Leaving::Inconsistent => "text that is no UTF-8",
        Leaving::TooBig => "a message is too big",
        Leaving::Code(code) => match code {
            CloseCode::Restart => "join again elsewhere",
            CloseCode::TryLater => "try again later",
            CloseCode::BadFrame => "frames that cannot be read",
            CloseCode::Unauthenticated => "a valid token is needed",
            CloseCode::Forbidden => "not allowed",
            CloseCode::Idle => "no sign of life",
            CloseCode::TooSlow => "too slow to read; join again from the cursor",
            CloseCode::TooMany => "too many frames",
        },
    }
}
