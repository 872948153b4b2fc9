//! The A2A 1.0 server every agent shares: JSON-RPC and server-sent events on axum.

mod jsonrpc;
mod methods;
mod run;
mod sse;
mod task;
mod tasks;

use std::collections::HashMap;
use std::sync::Arc;

use a2a::AgentCard;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::agent::Agent;
use crate::card::card;
use crate::settings::Limits;

pub(crate) use run::Reporter;
use tasks::Tasks;

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
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(desk) = desks.get(agent.as_str()).cloned() else { return nobody() };
    let traceparent = headers.get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let trace = trace_id(traceparent.as_deref()).unwrap_or("-").to_owned();
    let span = tracing::info_span!("a2a", agent = desk.agent.profile().id, trace_id = %trace);
    async move {
        let body = match body {
            Ok(body) => body,
            Err(rejection) => return jsonrpc::unreadable(rejection.status(), &rejection.body_text()),
        };
        let started = tokio::time::Instant::now();
        let call = match jsonrpc::read(&headers, query.as_deref(), &body) {
            Ok(call) => call,
            Err(refusal) => {
                tracing::info!(code = refusal.error.code, "refused: {}", refusal.error.message);
                return refusal.into_response();
            }
        };
        let method = call.method.clone();
        let response = methods::answer(desk, call, traceparent).await;
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(a2a.method.name = %method, ms, "answered");
        response
    }
    .instrument(span)
    .await
}

fn nobody() -> Response {
    (StatusCode::NOT_FOUND, "no such agent\n").into_response()
}

/// Reads the trace id out of a W3C `traceparent` value: `00-{trace id}-{span id}-{flags}`.
fn trace_id(traceparent: Option<&str>) -> Option<&str> {
    let id = traceparent?.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}
