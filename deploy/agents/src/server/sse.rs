//! A task as a stream of server-sent events, each a whole JSON-RPC response.

use std::convert::Infallible;
use std::time::Duration;

use a2a::{JsonRpcId, JsonRpcResponse, StreamResponse, Task};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream, StreamExt};
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

use super::task::at_rest;

/// Streams the task as it is, then what happens to it; ends when it rests, when the listener is too slow to
/// keep up, or when the server stops.
pub(super) fn respond(
    id: JsonRpcId,
    first: Task,
    updates: Receiver<StreamResponse>,
    stop: CancellationToken,
) -> Response {
    let events = events(first, updates).take_until(stop.cancelled_owned());
    let frames = events.map(move |event| Ok::<_, Infallible>(frame(&id, &event)));
    Sse::new(frames).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

fn events(first: Task, updates: Receiver<StreamResponse>) -> impl Stream<Item = StreamResponse> {
    let rest = (!at_rest(&first.status.state)).then_some(updates);
    let later = stream::unfold(rest, |updates| async move {
        let mut updates = updates?;
        let event = updates.recv().await.ok()?;
        let resting = matches!(&event, StreamResponse::StatusUpdate(update) if at_rest(&update.status.state));
        Some((event, (!resting).then_some(updates)))
    });
    stream::once(async move { StreamResponse::Task(first) }).chain(later)
}

fn frame(id: &JsonRpcId, event: &StreamResponse) -> Event {
    let result = serde_json::to_value(event).unwrap_or_default();
    let response = JsonRpcResponse::success(id.clone(), result);
    Event::default().data(serde_json::to_string(&response).unwrap_or_default())
}
