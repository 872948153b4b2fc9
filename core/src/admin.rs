//! The private port: alive, ready, metrics.

use crate::{core::Core, metrics};
use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use prometheus::TextEncoder;
use std::sync::Arc;

/// The admin routes.
pub(crate) fn routes(core: Arc<Core>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(exposition))
        .with_state(core)
}

/// Alive: the process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready: a database answers, be it to readers alone, and this core is not on its way out.
pub(crate) async fn readyz(State(core): State<Arc<Core>>) -> impl IntoResponse {
    if core.shutdown.token.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    match core.store.ping().await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

async fn exposition(State(core): State<Arc<Core>>) -> impl IntoResponse {
    metrics::ACTIVE_CONVERSATIONS.set(i64::try_from(core.bell.rooms()).unwrap_or(i64::MAX));
    match TextEncoder::new().encode_to_string(&prometheus::gather()) {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}
