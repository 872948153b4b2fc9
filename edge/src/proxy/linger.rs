//! After an answer that came before the end of the request: reads on for a moment. Many clients send first and read
//! later; a connection closed over unread bytes (RFC 9112 §9.6), or a stream reset while its client still sends, even
//! with NO_ERROR (RFC 9113 §8.1), takes the answer away from them.

use super::failure::is_answered;
use pingora::proxy::Session;
use std::time::Duration;

/// How long the rest of a body is awaited. After it the connection is closed, or the stream reset with NO_ERROR.
const PATIENCE: Duration = Duration::from_secs(1);

/// How much of the rest is read. More stays with the client, which has the remaining time for reading its answer.
const MAX_BYTES: usize = 4 << 20;

/// Reads what the client still sends of an answered request, within bounds.
pub async fn linger(session: &mut Session) {
    if !is_answered(session) || session.as_mut().is_body_done() {
        return;
    }
    let rest = async {
        let mut left = MAX_BYTES;
        while let Ok(Some(part)) = session.read_request_body().await {
            left = left.saturating_sub(part.len());
            if left == 0 {
                return std::future::pending().await;
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, rest).await.is_ok();
    if !ended || !session.as_mut().is_body_done() {
        // Pingora would read on without a bound, to use the connection again.
        session.set_keepalive(None);
    }
}
