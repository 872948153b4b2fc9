//! Saying something, reading what was said, and listening.

use super::extract::{Caller, Id, IdempotencyKey, Json, Params};
use crate::{
    accept::{Envelope, accept},
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    events,
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use futures::StreamExt;
use serde::Deserialize;
use std::{convert::Infallible, sync::Arc};
use switchboard_shared::{
    api::{MAX_PAGE, Page, SendMessage},
    ids::ConversationId,
    problem::ProblemKind,
};

pub(crate) async fn send(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    IdempotencyKey(key): IdempotencyKey,
    Id(id): Id<ConversationId>,
    Json(mut message): Json<SendMessage>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    message.client_id = message.client_id.or(key);
    let accepted = accept(&core, &me, id, message, envelope).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<u32>,
}

/// A page, oldest first: after a seq, or the newest ones before it.
pub(crate) async fn page(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<ConversationId>,
    Params(range): Params<Range>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let limit = range.limit.unwrap_or(50).clamp(1, MAX_PAGE);
    let ask = i64::from(limit) + 1;
    let tx = core.store.read_own(&me.tenant).await?;
    tx.conversation(&me.tenant, id, &me.user).await?;
    let (mut rows, forward) = match (range.before, range.after) {
        (Some(_), Some(_)) => {
            return Err(Error::public(ProblemKind::BadRequest, "Give `before` or `after`, not both."));
        }
        (None, Some(after)) => (tx.messages_after(&me.tenant, id, after, ask).await?, true),
        (before, None) => (tx.messages_before(&me.tenant, id, before.unwrap_or(u64::MAX), ask).await?, false),
    };
    tx.commit().await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    if !forward {
        rows.reverse();
    }
    Ok(axum::Json(Page { items: rows.iter().map(|row| row.view()).collect(), next }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    after: Option<u64>,
}

/// The events after a cursor, and then as they happen (server-sent events, HTML Living Standard §9.2).
pub(crate) async fn stream(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<ConversationId>,
    Params(cursor): Params<Cursor>,
    headers: HeaderMap,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let last_event_id = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let stream = events::open(&core, &me, id, last_event_id.or(cursor.after)).await?;
    let frames =
        futures::stream::unfold(stream.frames, async |mut frames| Some((frames.recv().await?, frames)));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(frames.map(Ok::<_, Infallible>))))
}
