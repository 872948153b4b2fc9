//! A conversation's event stream from a core, with bounds on its silence and on each event.

use bytes::Bytes;
use eventsource_stream::{EventStreamError, Eventsource};
use futures::{Stream, StreamExt, stream};
use std::time::Duration;
use tokio::time::timeout;

/// Why a stream broke.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The connection broke.
    #[error("the stream broke off: {0}")]
    Broken(#[from] reqwest::Error),
    /// Not even a ping came.
    #[error("the stream fell silent")]
    Silent,
    /// An event above its bound.
    #[error("an event is too large")]
    TooLarge,
}

/// An event of the stream.
pub type SourceEvent = Result<eventsource_stream::Event, EventStreamError<Fault>>;

/// Reads the events of an answer.
pub fn events(
    response: reqwest::Response,
    silence: Duration,
    max_event: usize,
) -> impl Stream<Item = SourceEvent> + Send + Unpin {
    // Its head is not kept, which a quiet stream would hold for hours.
    let body = response.bytes_stream().boxed();
    let start = (body, Size { max: max_event, ..Size::default() });
    let bytes = stream::try_unfold(start, move |(mut body, mut size)| async move {
        let chunk = timeout(silence, body.next()).await.map_err(|_| Fault::Silent)?.transpose()?;
        let Some(chunk) = chunk else { return Ok(None) };
        if !size.feed(&chunk) {
            return Err(Fault::TooLarge);
        }
        Ok::<_, Fault>(Some((chunk, (body, size))))
    });
    let bytes: stream::BoxStream<'static, Result<Bytes, Fault>> = Box::pin(bytes);
    bytes.eventsource()
}

/// The bytes since the last empty line, which ends an event.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    since: usize,
    line_is_empty: bool,
    max: usize,
}

impl Size {
    fn feed(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            match byte {
                b'\n' if self.line_is_empty => self.since = 0,
                b'\n' => self.line_is_empty = true,
                b'\r' => {}
                _ => self.line_is_empty = false,
            }
            self.since += 1;
            if self.since > self.max {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_bounded_and_not_the_stream() {
        let mut size = Size { max: 20, ..Size::default() };
        assert!((0..100).all(|_| size.feed(b"data: 1234567\n\n")));
        assert!((0..100).all(|_| size.feed(b"data: 1234567\r\n\r\n")));
        assert!(!size.feed(b"data: 12345678901234567890"));
    }
}
