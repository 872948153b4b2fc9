//! What is looked at while the bytes of a connection pass by, on their way between TLS and Pingora.

use super::{
    body::{Body, Broken, Framing},
    frames::Requests,
};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    sync::Notify,
    time::{Instant, Sleep, sleep_until},
};

/// What is known of the bytes that come next.
#[derive(Debug, Default)]
pub enum Watch {
    /// Nothing, or nothing that matters.
    #[default]
    Nothing,
    /// A head of HTTP/1 that was looked at, and the body after it.
    Body(Incoming),
    /// A body that nobody can follow any more: what still comes is thrown away.
    Lost,
    /// Frames of HTTP/2.
    Frames(Requests, Arc<Notify>),
    /// Frames of a client that has gone too far: nothing is read any more.
    Over,
}

/// A head and its body.
#[derive(Debug)]
pub struct Incoming {
    head: usize,
    body: Body,
    /// When all of it must have come; none once that has been said.
    until: Option<Pin<Box<Sleep>>>,
}

impl Incoming {
    /// The body after a head of so many bytes.
    #[must_use]
    pub fn new(head: usize, framing: Framing, until: Instant) -> Self {
        let body = Body::new(framing);
        let until = (!body.is_over()).then(|| Box::pin(sleep_until(until)));
        Self { head, body, until }
    }

    /// Whether its time is up, which is said once: what comes after the answer may still be read.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let late = self.until.as_mut().is_some_and(|until| until.as_mut().poll(cx).is_ready());
        if late || self.body.is_over() {
            self.until = None;
        }
        late
    }

    fn look(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let head = self.head.min(bytes.len());
        self.head -= head;
        self.body.look(&bytes[head..])
    }
}

impl Watch {
    /// How many of the bytes that were looked at may be read together: a head alone, so that it can be answered when the
    /// body after it is broken.
    #[must_use]
    pub fn at_once(&self) -> usize {
        match self {
            Self::Body(incoming) if incoming.head > 0 => incoming.head,
            _ => usize::MAX,
        }
    }

    /// Before a read.
    ///
    /// # Errors
    /// When the body has taken too long, also if no byte of it comes.
    pub fn before(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Self::Body(incoming) = self else { return Ok(()) };
        if incoming.is_late(cx) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    /// After a read; pending when these bytes are for nobody.
    ///
    /// # Errors
    /// When the body's framing is broken.
    pub fn read(&mut self, bytes: &[u8]) -> Poll<io::Result<()>> {
        let (next, outcome) = match self {
            Self::Body(incoming) => match incoming.look(bytes) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(broken) => (Self::Lost, Poll::Ready(Err(broken.into()))),
            },
            Self::Frames(requests, flood) => {
                if !requests.read(bytes, Instant::now()) {
                    return Poll::Ready(Ok(()));
                }
                flood.notify_one();
                (Self::Over, Poll::Pending)
            }
            Self::Lost | Self::Over if !bytes.is_empty() => return Poll::Pending,
            _ => return Poll::Ready(Ok(())),
        };
        *self = next;
        outcome
    }

    /// After a write.
    pub fn written(&mut self, bytes: &[u8]) {
        if let Self::Frames(requests, flood) = self
            && requests.written(bytes, Instant::now())
        {
            flood.notify_one();
            *self = Self::Over;
        }
    }

    /// Whether nothing shall be read at all.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }

    /// Whether what is read is thrown away.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost)
    }
}
