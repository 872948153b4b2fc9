//! What edges ask for themselves; no client comes here, since no edge passes it on.

use super::{
    extract::{Json, Params},
    visitor::FromEdge,
};
use crate::{
    analytics::What,
    core::Core,
    error::{Error, Result},
    login::programs,
    outside,
    store::PartKind,
};
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::sync::Arc;
use switchboard_shared::api::{EdgeReport, Exchange, RevocationList};

/// What is told at once.
const PAGE: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Since {
    after: Option<DateTime<Utc>>,
}

/// What was taken back since an edge asked last.
pub(crate) async fn revocations(
    State(core): State<Arc<Core>>,
    _: FromEdge,
    Params(since): Params<Since>,
) -> Result<impl IntoResponse> {
    let after = since.after.unwrap_or(DateTime::<Utc>::UNIX_EPOCH);
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut revocations = core.store.revocations_after(after, limit).await?;
    let more = revocations.len() > PAGE;
    revocations.truncate(PAGE);
    Ok(axum::Json(RevocationList { revocations, more }))
}

/// The most characters of what an edge says of itself in words.
const MOST_CHARS: usize = 300;

/// How an edge is.
pub(crate) async fn report(
    State(core): State<Arc<Core>>,
    _: FromEdge,
    Json(said): Json<EdgeReport>,
) -> Result<impl IntoResponse> {
    let short = |text: &str| outside::line(text, MOST_CHARS);
    let report = EdgeReport {
        id: short(&said.id),
        url: short(&said.url),
        region: short(&said.region),
        version: short(&said.version),
        ..said
    };
    let before = core.store.note_part(PartKind::Edge, &report.id, &report).await?.unwrap_or_default();
    for (class, now, before) in
        [("4", report.edge_refused, before.edge_refused), ("5", report.edge_errors, before.edge_errors)]
    {
        core.counts.note(None, What::EdgeRefusals, class, now.saturating_sub(before));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Whose key or ticket this is.
pub(crate) async fn secrets(
    State(core): State<Arc<Core>>,
    _: FromEdge,
    Json(asked): Json<Exchange>,
) -> Result<impl IntoResponse> {
    let found = programs::exchange(&core, &asked.secret).await?;
    found.map(axum::Json).ok_or_else(Error::not_found)
}
