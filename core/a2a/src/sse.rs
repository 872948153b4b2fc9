//! A task as server-sent events. What is not read is not asked for, so nothing is heaped up for a slow reader.

use crate::{
    agent::Running,
    before_1_0,
    fault::{Binding, Fault},
    task::{goes_on, state_of},
    wire::StreamResponse,
};
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, header},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};
use tokio::time::timeout;

/// A comment, which says that the stream is alive.
const PING: &str = ": waiting\n\n";

/// The task as it is, and then what happens to it, until it is over or waits for its client.
pub(crate) fn response(running: Running, binding: Binding, ping: Duration) -> Response<Body> {
    let mut response = Response::new(Body::from_stream(frames(running, binding, ping)));
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

fn frames(
    running: Running,
    binding: Binding,
    ping: Duration,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let frames =
        stream::unfold((events(running).boxed(), binding), move |(mut events, binding)| async move {
            let frame = match timeout(ping, events.next()).await {
                Ok(event) => frame(&binding, event?),
                Err(_) => Bytes::from_static(PING.as_bytes()),
            };
            Some((frame, (events, binding)))
        });
    frames.map(Ok)
}

/// The task as it is, and then what happens to it, until it is over, waits for its client, or cannot be told any more.
pub(crate) fn events(running: Running) -> impl Stream<Item = Result<StreamResponse, Fault>> + Send + use<> {
    let Running { task, updates } = running;
    let rest = goes_on(&task.status.state).then_some(updates);
    let first = Ok(StreamResponse::Task(task));
    let later = stream::unfold(rest, |updates| async move {
        let mut updates = updates?;
        let next = updates.next().await?;
        let is_last = match &next {
            Ok(update) => state_of(update).is_some_and(|state| !goes_on(state)),
            Err(_) => true,
        };
        Some((next, (!is_last).then_some(updates)))
    });
    stream::once(async { first }).chain(later)
}

/// An event, in the words of its binding: a whole response of JSON-RPC (section 9.4.2), or the event itself (11.7).
fn frame(binding: &Binding, update: Result<StreamResponse, Fault>) -> Bytes {
    let text = match (binding, update) {
        (Binding::JsonRpc { id }, Ok(update)) => data(&json!({"jsonrpc": "2.0", "id": id, "result": update})),
        (Binding::Before { id }, Ok(update)) => {
            data(&json!({"jsonrpc": "2.0", "id": id, "result": before_1_0::event(&update)}))
        }
        (Binding::JsonRpc { id } | Binding::Before { id }, Err(fault)) => {
            data(&json!({"jsonrpc": "2.0", "id": id, "error": fault.jsonrpc()}))
        }
        (Binding::Rest, Ok(update)) => data(&json!(update)),
        // The event's name tells it from an update, which has none.
        (Binding::Rest, Err(fault)) => format!("event: error\n{}", data(&fault.status())),
    };
    Bytes::from(text)
}

fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}
