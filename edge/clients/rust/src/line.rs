//! One open WebSocket: what is to be written on it, and when it counts as dead.

use crate::{
    closed::Closed,
    rules::{HEARTBEAT, PONG_WITHIN},
    socket::{Socket, read},
};
use futures::{
    FutureExt, SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use std::{collections::VecDeque, time::Duration};
use switchboard_shared::events::ClientFrame;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Line {
    /// Whose it is.
    pub(crate) edge: Url,
    /// The token that it was opened with, or renewed with.
    pub(crate) token: String,
    /// Since when.
    pub(crate) since: Instant,
    sink: SplitSink<Socket, Message>,
    stream: SplitStream<Socket>,
    queue: VecDeque<Message>,
    life: Life,
}

/// When a line was last heard of. Pure.
#[derive(Clone, Copy, Debug)]
struct Life {
    heard: Instant,
    heartbeat: Duration,
    pinged: bool,
}

/// What a silence asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Nothing yet.
    Fine,
    /// A `ping`.
    Ping,
    /// To give the line up.
    Dead,
}

impl Line {
    /// A line that was just opened.
    pub(crate) fn new(edge: Url, token: String, socket: Socket, now: Instant) -> Self {
        let (sink, stream) = socket.split();
        let life = Life { heard: now, heartbeat: HEARTBEAT, pinged: false };
        Self { edge, token, since: now, sink, stream, queue: VecDeque::new(), life }
    }

    /// Has a frame written, after those before it.
    pub(crate) fn push(&mut self, frame: &ClientFrame) {
        if let Ok(text) = serde_json::to_string(frame) {
            self.queue.push_back(Message::text(text));
        }
    }

    /// Takes what the edge says about its heartbeat.
    pub(crate) fn beats(&mut self, heartbeat: Duration) {
        self.life.heartbeat = heartbeat.max(Duration::from_secs(1));
    }

    /// Says goodbye, as far as that needs no waiting.
    pub(crate) fn close(mut self) {
        drop(self.sink.close().now_or_never());
    }

    /// The next text; meanwhile what waits is written. Safe to drop.
    ///
    /// # Errors
    /// When the line is gone.
    pub(crate) async fn next(&mut self) -> Result<String, Closed> {
        loop {
            let message = tokio::select! {
                message = self.stream.next() => message,
                error = write(&mut self.sink, &mut self.queue) => {
                    return Err(Closed { code: None, reason: error });
                }
            };
            // A ping of the edge is a sign of life as well.
            self.life.heard(Instant::now());
            if let Some(text) = read(message)? {
                return Ok(text);
            }
        }
    }

    /// When to look at the silence again.
    pub(crate) fn wake(&self) -> Instant {
        self.life.wake()
    }

    /// What the silence asks for; a ping is asked for once.
    pub(crate) fn silence(&mut self, now: Instant) -> Silence {
        self.life.silence(now)
    }
}

impl Life {
    fn heard(&mut self, now: Instant) {
        (self.heard, self.pinged) = (now, false);
    }

    fn wake(&self) -> Instant {
        self.heard + self.heartbeat + if self.pinged { PONG_WITHIN } else { Duration::ZERO }
    }

    fn silence(&mut self, now: Instant) -> Silence {
        match (now < self.wake(), self.pinged) {
            (true, _) => Silence::Fine,
            (false, true) => Silence::Dead,
            (false, false) => {
                self.pinged = true;
                Silence::Ping
            }
        }
    }
}

/// Writes what waits; returns only when that is not possible any more. Safe to drop: a frame leaves the queue in the
/// poll that hands it to the socket.
async fn write(sink: &mut SplitSink<Socket, Message>, queue: &mut VecDeque<Message>) -> String {
    let writing = async {
        loop {
            futures::future::poll_fn(|cx| sink.poll_ready_unpin(cx)).await?;
            let Some(message) = queue.pop_front() else {
                sink.flush().await?;
                return std::future::pending().await;
            };
            sink.start_send_unpin(message)?;
        }
    };
    let error: Result<(), tokio_tungstenite::tungstenite::Error> = writing.await;
    error.err().map(|error| error.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_silent_line_is_pinged_once_and_then_given_up() {
        let mut life = Life { heard: Instant::now(), heartbeat: HEARTBEAT, pinged: false };
        assert_eq!(life.silence(Instant::now()), Silence::Fine);
        advance(HEARTBEAT).await;
        assert_eq!(life.silence(Instant::now()), Silence::Ping);
        assert_eq!(life.silence(Instant::now()), Silence::Fine);
        advance(PONG_WITHIN - Duration::from_millis(1)).await;
        life.heard(Instant::now());
        advance(HEARTBEAT).await;
        assert_eq!(life.silence(Instant::now()), Silence::Ping, "a sign of life begins it anew");
        advance(PONG_WITHIN).await;
        assert_eq!(life.silence(Instant::now()), Silence::Dead);
    }
}
