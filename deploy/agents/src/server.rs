//! The A2A 1.0 server every agent shares: `switchboard-a2a` on axum, over tasks in memory.

mod counter;
mod run;
mod task;
mod tasks;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use a2a::AgentCard;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::Value;
use switchboard_a2a::fault::Binding;
use switchboard_a2a::{Asked, Fault, Kind, Performed, jsonrpc, rest};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::agent::Agent;
use crate::card::card;
use crate::settings::Limits;

use counter::Counter;
pub(crate) use run::Reporter;
use tasks::Tasks;

/// How long a stream may be silent.
const PING: Duration = Duration::from_secs(15);
/// What HTTP+JSON is asked below.
const REST: &str = "/v1/";

/// One agent at work: itself, its card, its tasks.
pub(crate) struct Desk {
    agent: Arc<dyn Agent>,
    card: AgentCard,
    tasks: Tasks,
    seats: Semaphore,
    limits: Limits,
    tracker: TaskTracker,
    stop: CancellationToken,
}

type Desks = Arc<HashMap<&'static str, Arc<Desk>>>;

/// Puts every agent under its own path.
pub(crate) fn router(
    agents: Vec<Arc<dyn Agent>>,
    public: &str,
    limits: Limits,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Router {
    let desk = |agent: Arc<dyn Agent>| {
        let profile = agent.profile();
        let desk = Desk {
            card: card(profile, &format!("{public}/{}", profile.id)),
            agent,
            tasks: Tasks::new(limits),
            seats: Semaphore::new(limits.tasks_running),
            limits,
            tracker: tracker.clone(),
            stop: stop.clone(),
        };
        (profile.id, Arc::new(desk))
    };
    let desks: Desks = Arc::new(agents.into_iter().map(desk).collect());
    Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/{agent}", post(answer))
        .route("/{agent}/", post(answer))
        .route("/{agent}/v1/{*path}", any(answer_rest))
        .route("/{agent}/.well-known/agent-card.json", get(show_card))
        .layer(DefaultBodyLimit::max(limits.body))
        .with_state(desks)
}

async fn show_card(State(desks): State<Desks>, Path(agent): Path<String>) -> Response {
    match desks.get(agent.as_str()) {
        Some(desk) => {
            ([(header::CACHE_CONTROL, "public, max-age=60")], axum::Json(&desk.card)).into_response()
        }
        None => nobody(),
    }
}

async fn answer(
    State(desks): State<Desks>,
    Path(agent): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(desk) = desks.get(agent.as_str()).cloned() else { return nobody() };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unreadable(&rejection, &Binding::JsonRpc { id: Value::Null }),
    };
    let (counter, trace) = (Counter(Arc::clone(&desk)), traceparent(&headers));
    let asked = asked(&counter, &trace);
    traced(&desk, &trace, jsonrpc::answer(&asked, &headers, uri.query(), &body)).await
}

async fn answer_rest(
    State(desks): State<Desks>,
    Path((agent, _)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(desk) = desks.get(agent.as_str()).cloned() else { return nobody() };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unreadable(&rejection, &Binding::Rest),
    };
    let (counter, trace) = (Counter(Arc::clone(&desk)), traceparent(&headers));
    let asked = asked(&counter, &trace);
    let path = uri.path().split_once(REST).map_or("", |(_, path)| path);
    let request = rest::Request { method: &method, path, query: uri.query(), headers: &headers, body: &body };
    traced(&desk, &trace, rest::answer(&asked, request)).await
}

fn asked<'a>(counter: &'a Counter, trace: &'a counter::Trace) -> Asked<'a, Counter> {
    // A run ends by itself in its time; what waits for it waits a moment longer.
    let until = Instant::now() + counter.0.limits.run_time + PING;
    Asked { agent: counter, caller: trace, until, ping: PING }
}

async fn traced(desk: &Desk, trace: &counter::Trace, answer: impl Future<Output = Response>) -> Response {
    let id = trace_id(trace.as_deref()).unwrap_or("-").to_owned();
    let span = tracing::info_span!("a2a", agent = desk.agent.profile().id, trace_id = %id);
    async {
        let started = Instant::now();
        let response = answer.await;
        let method = response.extensions().get::<Performed>().map_or("none", |of| of.operation);
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(a2a.method.name = method, status = response.status().as_u16(), ms, "answered");
        response
    }
    .instrument(span)
    .await
}

/// A body that could not be read at all, such as one past the limit.
fn unreadable(rejection: &BytesRejection, binding: &Binding) -> Response {
    let is_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
    let kind = if is_large { Kind::TooLarge } else { Kind::InvalidRequest };
    Fault::new(kind, rejection.body_text()).response(binding)
}

fn traceparent(headers: &HeaderMap) -> Option<String> {
    headers.get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn nobody() -> Response {
    (StatusCode::NOT_FOUND, "no such agent\n").into_response()
}

/// Reads the trace id out of a W3C `traceparent` value: `00-{trace id}-{span id}-{flags}`.
fn trace_id(traceparent: Option<&str>) -> Option<&str> {
    let id = traceparent?.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}
