//! What edges ask for themselves; no client comes here, since no edge passes it on.

use super::{
    extract::{Json, Params},
    visitor::FromEdge,
};
use crate::{
    core::Core,
    error::{Error, Result},
    login::programs,
};
use axum::{extract::State, response::IntoResponse};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::sync::Arc;
use switchboard_shared::api::{Exchange, RevocationList};

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

/// Whose key or ticket this is.
pub(crate) async fn secrets(
    State(core): State<Arc<Core>>,
    _: FromEdge,
    Json(asked): Json<Exchange>,
) -> Result<impl IntoResponse> {
    let found = programs::exchange(&core, &asked.secret).await?;
    found.map(axum::Json).ok_or_else(Error::not_found)
}
