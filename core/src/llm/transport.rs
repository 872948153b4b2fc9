//! How a request travels, and how what comes back is taken apart: with trace context, in bounded memory, and by what it
//! is and not by what was asked for. A stream may come where a whole answer was wanted, and the other way round.
//!
//! async-openai makes the requests. What comes back is read here: endpoints answer in more ways than it knows.

use super::{
    LlmError, address,
    fault::{Fault, Kind},
};
use crate::{
    config::LlmConfig,
    kept, outside,
    sse::{self, SentEvent},
};
use async_openai::{
    Client as OpenAi, config::OpenAIConfig, error::OpenAIError, middleware::HttpRequestFactory,
};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderValue, header};
use reqwest::{Client, Request, Response};
use serde::{Serialize, de::IgnoredAny};
use serde_json::{Deserializer, Value};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::{cause::Cause, config::Secret, telemetry};
use tracing::Span;
use url::Url;

const MAX_BODY_BYTES: usize = 16_777_216;
const CONNECT: Duration = Duration::from_secs(5);
const MAX_KIND_CHARS: usize = 60;
/// Enough to tell a stream from a body.
const FIRST_BYTES: usize = 6;

/// Where it goes, and with what.
#[derive(Debug)]
pub(super) struct Line {
    http: Client,
    openai: OpenAIConfig,
    url: Url,
    key: Secret,
    headers: HeaderMap,
}

/// Where an answer is left by the one who fetches it.
type Slot = Arc<Mutex<Option<Result<Chunks, Fault>>>>;

/// A piece of an answer.
#[derive(Debug)]
pub(super) enum Chunk {
    Said(Value),
    Done,
}

pub(super) type Chunks = Pin<Box<dyn Stream<Item = Result<Chunk, Fault>> + Send>>;
type Body = Pin<Box<dyn Stream<Item = Result<Bytes, Fault>> + Send>>;

impl Line {
    pub(super) fn new(config: &LlmConfig) -> Result<Self, LlmError> {
        let host = config.base_url.host_str().unwrap_or_default();
        let refused = |why: String| LlmError::Endpoint(host.to_owned(), why);
        let http = (config.proxy.client())
            .map_err(|error| refused(error.to_string()))?
            .connect_timeout(CONNECT)
            .pool_idle_timeout(kept::IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| refused(error.to_string()))?;
        let url = address::under(&config.base_url, "chat/completions");
        let headers = headers(config.api_key.expose(), &url)
            .ok_or_else(|| refused("api_key must be visible ASCII".into()))?;
        // Nothing of it is read from the environment.
        let openai = OpenAIConfig::new()
            .with_api_base(config.base_url.as_str())
            .with_api_key(config.api_key.expose())
            .with_org_id("")
            .with_project_id("");
        Ok(Self { http, openai, url, key: config.api_key.clone(), headers })
    }

    /// Sends one request; what is no answer, by its status or by what it says, is a fault.
    pub(super) async fn send(&self, body: &(impl Serialize + Sync)) -> Result<Chunks, Fault> {
        let slot = Slot::default();
        let (http, url, headers, answer) =
            (self.http.clone(), self.url.clone(), self.headers.clone(), slot.clone());
        let fetch = tower::service_fn(move |factory: HttpRequestFactory| {
            let (http, url, headers, answer) = (http.clone(), url.clone(), headers.clone(), answer.clone());
            async move {
                let fetched = fetch(&http, url, headers, factory.build().await?).await;
                *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(fetched);
                Ok::<_, OpenAIError>(http::Response::new("{}").into())
            }
        });
        let client = OpenAi::build(self.http.clone(), self.openai.clone()).with_http_service(fetch);
        // What it makes of the answer's place is nothing: the answer lies in the slot.
        drop(client.chat().create_byot::<_, IgnoredAny>(body).await);
        let fetched = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let unsent = || Err(Fault::new(Kind::Nonsense, "no request could be made for it"));
        let key = self.key.expose().to_owned();
        let hiding = move |fault: Fault| fault.hiding(&key);
        let chunks = fetched.unwrap_or_else(unsent).map_err(&hiding)?;
        Ok(chunks.map(move |chunk| chunk.map_err(&hiding)).boxed())
    }
}

/// Sends what async-openai has made, to the URL as it is put together here, which may have a query.
async fn fetch(http: &Client, url: Url, headers: HeaderMap, mut request: Request) -> Result<Chunks, Fault> {
    *request.url_mut() = url;
    request.headers_mut().remove(header::AUTHORIZATION);
    request.headers_mut().extend(headers);
    telemetry::inject(&Span::current(), request.headers_mut());
    chunks(kept::send(http, request).await.map_err(unreachable)?).await
}

/// The key as OpenAI takes it, and as Azure does where the URL is one of Azure's.
fn headers(key: &str, url: &Url) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    if key.is_empty() {
        return Some(headers);
    }
    let secret = |value: String| {
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        key.chars().all(|c| c.is_ascii_graphic()).then_some(value)
    };
    headers.insert(header::AUTHORIZATION, secret(format!("Bearer {key}"))?);
    if url.query_pairs().any(|(name, _)| name == "api-version") {
        headers.insert("api-key", secret(key.to_owned())?);
    }
    Some(headers)
}

async fn chunks(response: Response) -> Result<Chunks, Fault> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = bounded(response);
    if !status.is_success() {
        let body = rest(BytesMut::new(), body).await?;
        return Err(Fault::of_status(status, &headers, &body));
    }
    let mut first = BytesMut::new();
    while first.trim_ascii_start().len() < FIRST_BYTES {
        match body.next().await {
            Some(more) => first.extend_from_slice(&more?),
            None => break,
        }
    }
    if is_stream(&first, &headers) {
        let body = stream::once(std::future::ready(Ok(first.freeze()))).chain(body);
        return Ok(events(body, headers));
    }
    let body = rest(first, body).await?;
    if body.trim_ascii().is_empty() {
        let text = format!("it answered with nothing (HTTP status {})", status.as_u16());
        return Err(Fault::new(Kind::Nonsense, text));
    }
    let said = values(&body, &headers)?;
    // A body that is whole needs no word that it is.
    let said = said.into_iter().map(|value| said_or_error(value, &headers)).collect::<Vec<_>>();
    Ok(stream::iter(said.into_iter().chain([Ok(Chunk::Done)])).boxed())
}

/// Whether it is a stream of events; what it calls itself counts only where what it is leaves that open.
fn is_stream(first: &[u8], headers: &HeaderMap) -> bool {
    let first = first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first).trim_ascii_start();
    let by_name = content_type(headers).to_ascii_lowercase().starts_with("text/event-stream");
    match first.first() {
        None => by_name,
        Some(b'{' | b'[' | b'<') => false,
        Some(_) => {
            by_name
                || [&b"data:"[..], b"event:", b"id:", b"retry:", b":"].iter().any(|f| first.starts_with(f))
        }
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default()
}

/// The values of a body: one, a list, or one by line.
fn values(body: &[u8], headers: &HeaderMap) -> Result<Vec<Value>, Fault> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let read: Result<Vec<Value>, _> = Deserializer::from_slice(body).into_iter().collect();
    let read = read.or_else(|_| outside::json(body).map(|value| vec![value])).map_err(|_| {
        let encoding = headers.get(header::CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
        let kind = [content_type(headers), encoding.unwrap_or_default()].join(" ");
        let kind = outside::line(&kind, MAX_KIND_CHARS);
        Fault::new(Kind::Nonsense, format!("it answered something that is not JSON ({kind})"))
    })?;
    let flat = read.into_iter().flat_map(|value| match value {
        Value::Array(items) => items,
        value => vec![value],
    });
    Ok(flat.collect())
}

fn events(body: impl Stream<Item = Result<Bytes, Fault>> + Send + 'static, headers: HeaderMap) -> Chunks {
    // The last event counts even if no empty line ends it.
    let end = stream::once(std::future::ready(Ok(Bytes::from_static(b"\n\n"))));
    let read = sse::events(body.chain(end)).flat_map(move |event| {
        let said = match event {
            Ok(event) => said_in(&event, &headers),
            Err(fault) => vec![Err(fault)],
        };
        stream::iter(said)
    });
    read.boxed()
}

/// What an event says: nothing where it only keeps the connection alive. Some endpoints leave out the empty lines between
/// events, so that one has several lines.
fn said_in(event: &SentEvent, headers: &HeaderMap) -> Vec<Result<Chunk, Fault>> {
    if event.name == "error" {
        let said = outside::json(event.data.as_bytes()).unwrap_or_else(|_| event.data.clone().into());
        let error = if said.get("error").is_some() { said } else { serde_json::json!({"error": said}) };
        return vec![said_or_error(error, headers)];
    }
    if let Ok(value) = outside::json(event.data.as_bytes()) {
        let is_chunk = event.is_message() || value.get("choices").or(value.get("error")).is_some();
        return if is_chunk && value.is_object() { vec![said_or_error(value, headers)] } else { Vec::new() };
    }
    let lines = event.data.lines().map(str::trim).filter(|line| line.starts_with('{') || *line == "[DONE]");
    let said = lines.map(|line| match outside::json(line.as_bytes()) {
        _ if line == "[DONE]" => Ok(Chunk::Done),
        Ok(value) => said_or_error(value, headers),
        Err(_) => Err(Fault::new(Kind::Cut, "a piece of its answer cannot be read")),
    });
    said.collect()
}

fn said_or_error(value: Value, headers: &HeaderMap) -> Result<Chunk, Fault> {
    match Fault::of_error(&value, headers) {
        Some(fault) => Err(fault),
        None => Ok(Chunk::Said(value)),
    }
}

fn bounded(response: Response) -> Body {
    let mut left = MAX_BODY_BYTES;
    let chunks = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|_| Fault::new(Kind::Cut, "its stream broke"))?;
        left = left.checked_sub(chunk.len()).ok_or_else(|| Fault::new(Kind::Nonsense, "it sent too much"))?;
        Ok(chunk)
    });
    chunks.boxed()
}

async fn rest(mut read: BytesMut, mut body: Body) -> Result<Bytes, Fault> {
    while let Some(chunk) = body.next().await {
        read.extend_from_slice(&chunk?);
    }
    Ok(read.freeze())
}

fn unreachable(error: reqwest::Error) -> Fault {
    Fault::new(Kind::Unreachable, format!("it cannot be reached: {}", Cause::of(&error)))
}
