//! One call's line to an agent: JSON-RPC requests and streams, each bounded by what is left of the call's bytes.

use super::{
    Agent,
    credentials::{CredentialFault, Pass, Unsent},
    guard::Guard,
    wire::{self, RpcError},
};
use crate::{
    outside,
    sse::{self, SentEvent},
};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderValue, header};
use reqwest::Response;
use serde_json::{Value, json};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use switchboard_shared::{cause::Cause, headers, telemetry};
use tracing::Span;

/// Of where a redirect leads: enough to go there.
const MAX_PLACE_CHARS: usize = 300;

/// Why a request brought no result.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Fault {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("the connection to it broke: {0}")]
    Broken(String),
    #[error("it answered with HTTP status {0}")]
    Status(u16),
    #[error("it answered with HTTP status {status}, which leads to {to}; redirects are not followed")]
    Moved { status: u16, to: String },
    #[error("it answered with an error: {0}")]
    Rpc(#[from] RpcError),
    #[error("it answered nonsense: {0}")]
    Garbage(String),
    #[error("it sent more than it may")]
    TooMuch,
    #[error(transparent)]
    Credential(#[from] CredentialFault),
}

/// The results of a stream, one by one.
pub(super) type Events = Pin<Box<dyn Stream<Item = Result<Value, Fault>> + Send>>;

pub(super) struct Line<'a> {
    client: &'a reqwest::Client,
    agent: &'a Agent,
    pass: &'a Pass<'a>,
    headers: HeaderMap,
    left: Arc<AtomicUsize>,
}

impl<'a> Line<'a> {
    /// Makes the line; every request on it is part of `span` and says how many switchboards it came through.
    pub(super) fn new(
        client: &'a reqwest::Client,
        guard: Guard,
        (agent, pass): (&'a Agent, &'a Pass<'a>),
        hops: u32,
        max_bytes: usize,
        span: &Span,
    ) -> Result<Self, Fault> {
        guard.check(&agent.endpoint.url).map_err(Fault::Unreachable)?;
        pass.check(&agent.endpoint.url)?;
        let mut headers = HeaderMap::new();
        headers.insert(a2a::SVC_PARAM_VERSION, HeaderValue::from_static(a2a::VERSION));
        headers.insert(headers::HOPS, HeaderValue::from(hops.saturating_add(1)));
        telemetry::inject(span, &mut headers);
        Ok(Self { client, agent, pass, headers, left: Arc::new(AtomicUsize::new(max_bytes)) })
    }

    /// Sends a request and waits for its result.
    pub(super) async fn one(&self, method: &str, params: Value) -> Result<Value, Fault> {
        let (id, response) = self.send(method, params, "application/json").await?;
        self.body(response, &id).await
    }

    /// Sends a request that is answered by a stream. An agent that answers with a body gives a stream of one.
    pub(super) async fn open(&self, method: &str, params: Value) -> Result<Events, Fault> {
        let (id, response) = self.send(method, params, "text/event-stream").await?;
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.unwrap_or_default().to_ascii_lowercase().starts_with("text/event-stream") {
            let result = self.body(response, &id).await?;
            return Ok(stream::iter([Ok(result)]).boxed());
        }
        // Before a word of it is read: it may be a page that never ends.
        if let Some(refusal) = refusal(&response) {
            return Err(refusal);
        }
        let events = sse::events(bounded(response, Arc::clone(&self.left)));
        Ok(events.filter_map(move |event| std::future::ready(event_result(event, &id))).boxed())
    }

    /// Tells the agent that nobody goes on with its work. One that does not know it, or cannot stop, is not told again.
    pub(super) async fn cancel(&self, task: &str) -> Result<(), Fault> {
        match self.one(wire::methods::CANCEL_TASK, json!({"id": task})).await {
            Ok(_) | Err(Fault::Rpc(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// A text of the agent's without what it was shown.
    pub(super) fn hide(&self, text: &str) -> String {
        self.pass.hide(text)
    }

    async fn send(
        &self,
        method: &str,
        mut params: Value,
        accept: &'static str,
    ) -> Result<(String, Response), Fault> {
        if let Some(tenant) = &self.agent.endpoint.tenant {
            params["tenant"] = json!(tenant);
        }
        let id = uuid::Uuid::now_v7().to_string();
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let request = self.client.post(self.agent.endpoint.url.clone()).headers(self.headers.clone());
        let request = request.header(header::ACCEPT, accept).json(&body).build().map_err(unreachable)?;
        Ok((id, self.pass.send(self.client, request).await.map_err(unsent)?))
    }

    async fn body(&self, response: Response, id: &str) -> Result<Value, Fault> {
        let refusal = refusal(&response);
        let body = bounded(response, Arc::clone(&self.left));
        let body = body.fold(Ok(BytesMut::new()), |body, chunk| async move {
            let mut body: BytesMut = body?;
            body.extend_from_slice(&chunk?);
            Ok::<_, Fault>(body)
        });
        match (envelope(&body.await?, id), refusal) {
            // An error of the protocol says more than a status; whatever else is called an error says less.
            (Err(Fault::Rpc(error)), Some(refusal)) if !error.is_of_protocol() => Err(refusal),
            (Err(Fault::Rpc(error)), _) => Err(Fault::Rpc(error)),
            (result, refusal) => refusal.map_or(result, Err),
        }
    }
}

/// What is wrong with an answer by its status.
pub(super) fn refusal(response: &Response) -> Option<Fault> {
    let (status, to) = (response.status(), response.headers().get(header::LOCATION));
    match to.filter(|_| status.is_redirection()) {
        _ if status.is_success() => None,
        None => Some(Fault::Status(status.as_u16())),
        Some(to) => {
            let to = outside::without_secrets(&String::from_utf8_lossy(to.as_bytes()));
            let to = outside::line(&to, MAX_PLACE_CHARS);
            Some(Fault::Moved { status: status.as_u16(), to })
        }
    }
}

/// Reads at most `max_bytes` of a body.
pub(super) async fn read(response: Response, max_bytes: usize) -> Result<Vec<u8>, Fault> {
    let chunks = bounded(response, Arc::new(AtomicUsize::new(max_bytes)));
    let mut body = Vec::new();
    let mut chunks = std::pin::pin!(chunks);
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk?);
    }
    Ok(body)
}

fn envelope(text: &[u8], id: &str) -> Result<Value, Fault> {
    let value = outside::json(text).map_err(|_| Fault::Garbage("its answer is not JSON".into()))?;
    Ok(wire::result(&value, id).map_err(Fault::Garbage)??)
}

/// What an event of a stream says. One of a kind that we do not know is left out, unless it answers us all the same; so
/// is what is no answer to anybody, such as a sign of life.
fn event_result(event: Result<SentEvent, Fault>, id: &str) -> Option<Result<Value, Fault>> {
    let event = match event {
        Ok(event) => event,
        Err(fault) => return Some(Err(fault)),
    };
    match envelope(event.data.as_bytes(), id) {
        Err(Fault::Garbage(_)) if !(event.is_message() && wire::answers(&event.data)) => None,
        result => Some(result),
    }
}

fn bounded(response: Response, left: Arc<AtomicUsize>) -> impl Stream<Item = Result<Bytes, Fault>> + Send {
    response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|error| broken(Cause::of(&error)))?;
        let take = |left: usize| left.checked_sub(chunk.len());
        match left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(chunk),
            Err(_) => Err(Fault::TooMuch),
        }
    })
}

/// Why a request was not answered.
pub(super) fn unsent(unsent: Unsent) -> Fault {
    match unsent {
        Unsent::Credential(fault) => fault.into(),
        Unsent::Http(error) => unreachable(error),
    }
}

pub(super) fn unreachable(error: reqwest::Error) -> Fault {
    match Cause::of(&error) {
        Cause::Broken if error.is_connect() => Fault::Unreachable("it closed the connection".into()),
        cause @ (Cause::NoHttp | Cause::PlainHttp) => Fault::Unreachable(cause.to_string()),
        cause if error.is_connect() || error.is_builder() => Fault::Unreachable(cause.to_string()),
        cause => broken(cause),
    }
}

fn broken(cause: Cause) -> Fault {
    Fault::Broken(match cause {
        Cause::Broken => "it ended before its answer did".into(),
        cause => cause.to_string(),
    })
}
