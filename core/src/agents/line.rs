//! One call's line to an agent: requests and streams over one of its interfaces, each bounded by what is left of the
//! call's bytes. Where one is not there, or does not speak as its card says, the next one is asked.

use super::{
    Agent,
    credentials::{CredentialFault, Pass, Unsent},
    guard::Guard,
    interfaces::Endpoint,
    wire::{self, RpcError, error_code, methods},
};
use crate::{
    outside,
    sse::{self, SentEvent},
};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderValue, header};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use switchboard_a2a::client::{
    self, Speech,
    grpc::{self, Ended},
};
use switchboard_shared::{cause::Cause, headers, telemetry};
use tracing::Span;

const JSON: &str = "application/json";
const STREAM: &str = "text/event-stream";
const GRPC: &str = "application/grpc";
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

impl Fault {
    /// Whether an interface has not taken up what it was asked, since it is not there or does not speak like this.
    fn is_of_the_way(&self, method: &str) -> bool {
        match self {
            Self::Unreachable(_) | Self::Moved { .. } => true,
            Self::Status(status) => matches!(status, 404 | 405 | 406 | 415 | 426 | 501 | 505),
            Self::Rpc(error) if error.code == i64::from(error_code::METHOD_NOT_FOUND) => {
                // Who only does not stream is asked without a stream first.
                method == methods::SEND_MESSAGE
            }
            Self::Rpc(error) => error.code == i64::from(error_code::VERSION_NOT_SUPPORTED),
            Self::Broken(_) | Self::Garbage(_) | Self::TooMuch | Self::Credential(_) => false,
        }
    }
}

/// The results of a stream, one by one.
pub(super) type Events = Pin<Box<dyn Stream<Item = Result<Value, Fault>> + Send>>;

/// What requests are sent with.
pub(super) struct Clients {
    pub(super) any: reqwest::Client,
    /// The same by HTTP/2 alone, which gRPC is spoken over.
    pub(super) http2: reqwest::Client,
}

pub(super) struct Line<'a> {
    clients: &'a Clients,
    /// The agent's interfaces that may be asked, ...
    endpoints: Vec<&'a Endpoint>,
    /// ... and which one is; those before it have not done.
    at: AtomicUsize,
    pass: &'a Pass<'a>,
    headers: HeaderMap,
    left: Arc<AtomicUsize>,
}

impl<'a> Line<'a> {
    /// Makes the line; every request on it is part of `span` and says how many switchboards it came through.
    pub(super) fn new(
        clients: &'a Clients,
        guard: Guard,
        (agent, pass): (&'a Agent, &'a Pass<'a>),
        hops: u32,
        max_bytes: usize,
        span: &Span,
    ) -> Result<Self, Fault> {
        let may = |endpoint: &Endpoint| {
            guard.check(&endpoint.url).map_err(Fault::Unreachable)?;
            Ok::<_, Fault>(pass.check(&endpoint.url)?)
        };
        let endpoints: Vec<_> = agent.endpoints().filter(|endpoint| may(endpoint).is_ok()).collect();
        if endpoints.is_empty() {
            may(&agent.endpoint)?;
        }
        let mut headers = HeaderMap::new();
        headers.insert(headers::HOPS, HeaderValue::from(hops.saturating_add(1)));
        telemetry::inject(span, &mut headers);
        let left = Arc::new(AtomicUsize::new(max_bytes));
        Ok(Self { clients, endpoints, at: AtomicUsize::new(0), pass, headers, left })
    }

    /// Sends a request and waits for its result.
    pub(super) async fn one(&self, method: &str, params: Value) -> Result<Value, Fault> {
        loop {
            let to = self.endpoint();
            let asked = async {
                let (id, response) = self.send(to, method, params.clone(), JSON).await?;
                match to.speech {
                    Speech::Grpc => only(self.messages(method, response)?.next().await),
                    _ => self.body(to, response, &id).await,
                }
            };
            match asked.await {
                Ok(result) => return Ok(to.speech.result(method, result)),
                Err(fault) => self.elsewhere(method, fault)?,
            }
        }
    }

    /// Sends a request that is answered by a stream. An agent that answers with a body gives a stream of one.
    pub(super) async fn open(&self, method: &'static str, params: Value) -> Result<Events, Fault> {
        loop {
            let to = self.endpoint();
            match self.begin(to, method, params.clone()).await {
                Ok(events) => {
                    let speech = to.speech;
                    let read = move |event: Result<Value, Fault>| Ok(speech.result(method, event?));
                    return Ok(events.map(read).boxed());
                }
                Err(fault) => self.elsewhere(method, fault)?,
            }
        }
    }

    async fn begin(&self, to: &Endpoint, method: &str, params: Value) -> Result<Events, Fault> {
        let (id, response) = self.send(to, method, params, STREAM).await?;
        if to.speech == Speech::Grpc {
            return self.messages(method, response);
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.unwrap_or_default().to_ascii_lowercase().starts_with(STREAM) {
            let result = self.body(to, response, &id).await?;
            return Ok(stream::iter([Ok(result)]).boxed());
        }
        // Before a word of it is read: it may be a page that never ends.
        if let Some(refusal) = refusal(&response) {
            return Err(refusal);
        }
        let (events, speech) = (sse::events(bounded(response, Arc::clone(&self.left))), to.speech);
        Ok(events.filter_map(move |event| std::future::ready(event_result(speech, event, &id))).boxed())
    }

    fn endpoint(&self) -> &'a Endpoint {
        self.endpoints[self.at.load(Ordering::Relaxed)]
    }

    /// Turns to the next interface, where what went wrong is this one's.
    fn elsewhere(&self, method: &str, fault: Fault) -> Result<(), Fault> {
        let next = self.at.load(Ordering::Relaxed) + 1;
        if !fault.is_of_the_way(method) || next >= self.endpoints.len() {
            return Err(fault);
        }
        let error = self.hide(&fault.to_string());
        tracing::info!(error, next = %self.endpoints[next].url, "an interface of an agent does not do");
        self.at.store(next, Ordering::Relaxed);
        Ok(())
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
        to: &Endpoint,
        method: &str,
        mut params: Value,
        accept: &'static str,
    ) -> Result<(String, Response), Fault> {
        if let Some(tenant) = &to.tenant {
            params["tenant"] = json!(tenant);
        }
        let id = uuid::Uuid::now_v7().to_string();
        let request = match to.speech {
            Speech::Grpc => self.by_grpc(to, method, &params)?,
            Speech::Rest => self.by_rest(to, method, params)?,
            Speech::JsonRpc | Speech::JsonRpcBefore1_0 => {
                let (method, params) = to.speech.call(method, params);
                let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
                self.clients.any.post(to.url.clone()).json(&body)
            }
        };
        let request = request.headers(self.headers.clone()).header(header::ACCEPT, accept);
        let request = request.header(a2a::SVC_PARAM_VERSION, to.speech.version());
        let request = request.build().map_err(unreachable)?;
        Ok((id, self.pass.send(self.client(to), request).await.map_err(unsent)?))
    }

    fn client(&self, to: &Endpoint) -> &'a reqwest::Client {
        if to.speech == Speech::Grpc { &self.clients.http2 } else { &self.clients.any }
    }

    fn by_rest(&self, to: &Endpoint, method: &str, params: Value) -> Result<RequestBuilder, Fault> {
        let no_way = || Fault::Unreachable(format!("{method} has no place in HTTP+JSON there"));
        let asked = client::rest(method, params).ok_or_else(no_way)?;
        let mut url = to.url.clone();
        url.path_segments_mut().map_err(|()| no_way())?.pop_if_empty().extend(&asked.path);
        let request = self.clients.any.request(asked.method, url);
        Ok(match &asked.body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    fn by_grpc(&self, to: &Endpoint, method: &str, params: &Value) -> Result<RequestBuilder, Fault> {
        let no_way = || Fault::Unreachable(format!("{method} has no place in gRPC there"));
        let (path, body) = grpc::request(method, params).ok_or_else(no_way)?;
        let mut url = to.url.clone();
        url.set_path(&path);
        url.set_query(None);
        let request = self.clients.http2.post(url).body(body);
        Ok(request.header(header::TE, "trailers").header(header::CONTENT_TYPE, GRPC))
    }

    /// The messages of an answer over gRPC.
    fn messages(&self, method: &str, response: Response) -> Result<Events, Fault> {
        if let Some(refusal) = refusal(&response) {
            return Err(refusal);
        }
        let left = Arc::clone(&self.left);
        let most = left.load(Ordering::Relaxed);
        let response = http::Response::<reqwest::Body>::from(response);
        let answers = grpc::answers(method, response, most).map_err(ended)?;
        let answers = answers.map(move |answer| {
            let (value, bytes) = answer.map_err(ended)?;
            spend(&left, bytes).map(|()| value)
        });
        Ok(answers.boxed())
    }

    async fn body(&self, to: &Endpoint, response: Response, id: &str) -> Result<Value, Fault> {
        let refusal = refusal(&response);
        let body = bounded(response, Arc::clone(&self.left));
        let body = body.fold(Ok(BytesMut::new()), |body, chunk| async move {
            let mut body: BytesMut = body?;
            body.extend_from_slice(&chunk?);
            Ok::<_, Fault>(body)
        });
        match (result(to.speech, &body.await?, id), refusal) {
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

/// The result in an answer, or in an event of a stream: over JSON-RPC in an envelope, over HTTP+JSON as it is.
fn result(speech: Speech, text: &[u8], id: &str) -> Result<Value, Fault> {
    let value = outside::json(text).map_err(|_| Fault::Garbage("its answer is not JSON".into()))?;
    if speech != Speech::Rest {
        return Ok(wire::result(&value, id).map_err(Fault::Garbage)??);
    }
    match client::rest_error(&value) {
        Some((code, message)) => Err(RpcError::new(code.into(), &message).into()),
        None => Ok(value),
    }
}

/// What an event of a stream says. One of a kind that we do not know is left out, unless it answers us all the same; so
/// is what is no answer to anybody, such as a sign of life.
fn event_result(speech: Speech, event: Result<SentEvent, Fault>, id: &str) -> Option<Result<Value, Fault>> {
    let event = match event {
        Ok(event) => event,
        Err(fault) => return Some(Err(fault)),
    };
    match result(speech, event.data.as_bytes(), id) {
        Err(Fault::Garbage(_)) if !(event.is_message() && wire::answers(&event.data)) => None,
        result => Some(result),
    }
}

fn bounded(response: Response, left: Arc<AtomicUsize>) -> impl Stream<Item = Result<Bytes, Fault>> + Send {
    response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|error| broken(Cause::of(&error)))?;
        spend(&left, chunk.len()).map(|()| chunk)
    })
}

fn only(message: Option<Result<Value, Fault>>) -> Result<Value, Fault> {
    message.unwrap_or_else(|| Err(Fault::Broken("it ended before saying anything".into())))
}

fn spend(left: &AtomicUsize, bytes: usize) -> Result<(), Fault> {
    let take = |left: usize| left.checked_sub(bytes);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).map(drop).map_err(|_| Fault::TooMuch)
}

fn ended(ended: Ended) -> Fault {
    match ended {
        Ended::Error(code, message) => RpcError::new(code.into(), &message).into(),
        Ended::TooMuch => Fault::TooMuch,
        Ended::Unreadable(why) => Fault::Garbage(outside::line(&why, MAX_PLACE_CHARS)),
        Ended::Broken(why) => Fault::Broken(outside::line(&outside::without_secrets(&why), MAX_PLACE_CHARS)),
    }
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
        cause @ (Cause::NoHttp | Cause::NoHttp2 | Cause::PlainHttp) => Fault::Unreachable(cause.to_string()),
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
