//! A stream of server-sent events on its way to a client: bounded in bytes, alive while nothing comes, ended when nobody
//! reads it.

use crate::{
    core::Core,
    events::{Piece, Writer, queue},
};
use axum::{
    body::{Body, Bytes},
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde::Serialize;
use std::{convert::Infallible, time::Duration};
use tokio::sync::mpsc;

/// Where frames are put.
pub(super) struct Outgoing {
    frames: Writer,
    /// How long it may be silent.
    pub(super) ping: Duration,
}

/// The client is gone, or has taken nothing for too long.
#[derive(Debug)]
pub(super) struct Gone;

/// A stream, and the response that it is.
pub(super) fn stream_to_client(core: &Core) -> (Outgoing, Response) {
    let events = &core.config.events;
    let (frames, receiver) = queue(events.queue_bytes, events.stall);
    (Outgoing { frames, ping: events.ping }, respond(receiver))
}

impl Outgoing {
    /// Sends a value as one event.
    pub(super) async fn send(&self, value: &impl Serialize) -> Result<(), Gone> {
        let json = serde_json::to_string(value).unwrap_or_default();
        self.put(format!("data: {json}\n\n")).await
    }

    /// Sends a frame as it is.
    pub(super) async fn put(&self, frame: impl Into<Bytes>) -> Result<(), Gone> {
        self.frames.send(frame.into()).await.map_err(|_| Gone)
    }

    /// Returns when the client is gone. Safe to drop.
    pub(super) async fn gone(&self) {
        self.frames.closed().await;
    }
}

/// Frames as the response that they are.
pub(super) fn respond(mut frames: mpsc::Receiver<Box<Piece>>) -> Response {
    // No future of its own, which a stream that is quiet would keep.
    let pieces = stream::poll_fn(move |cx| frames.poll_recv(cx));
    let body = Body::from_stream(pieces.map(|piece| Ok::<_, Infallible>(piece.into_bytes())));
    let fields = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (fields, body).into_response()
}
