//! Saying something, reading what was said, and listening.

use super::extract::{Caller, Id, IdempotencyKey, Json, Limit, Params};
use crate::{
    accept::{self, Envelope, accept},
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    events,
    faces::outgoing,
    store::{MessageRow, View, reading},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use serde::Deserialize;
use std::sync::Arc;
use switchboard_shared::{
    api::{Page, SendMessage},
    headers,
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
    let accepted = accept(&core, &me, id, message, envelope).await;
    let mut response = match accepted {
        Ok(accepted) => (StatusCode::ACCEPTED, axum::Json(accepted)).into_response(),
        Err(error) => error.into_response(),
    };
    if let Some(next) = accept::appoint(&core, &me) {
        let ms = u64::try_from(next.as_millis()).unwrap_or(u64::MAX);
        response.headers_mut().insert(headers::NEXT_MS, ms.into());
    }
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    before: Option<u64>,
    after: Option<u64>,
    #[serde(default)]
    limit: Limit,
}

/// A page, oldest first: after a seq, or the newest ones before one.
pub(crate) async fn page(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<ConversationId>,
    Params(Range { before, after, limit }): Params<Range>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let size = core.config.events.size(limit.rows());
    let range = after.map_or(0, |after| after.saturating_add(1))..before.unwrap_or(u64::MAX);
    let mut page = reading!(&core.store, &me.tenant, View::Own, tx, async {
        tx.conversation(&me.tenant, id, &me.user).await?;
        match after {
            Some(_) => tx.messages_after(&me.tenant, id, range.clone(), size).await,
            None => tx.messages_before(&me.tenant, id, range.clone(), size).await,
        }
    })?;
    let next = page.rows.last().filter(|_| page.more).map(|row| row.seq.to_string());
    if after.is_none() {
        page.rows.reverse();
    }
    Ok(axum::Json(Page { items: page.rows.iter().map(MessageRow::view).collect(), next }))
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
    let after = last_event_id(&headers)?.or(cursor.after);
    let stream = events::open(&core, &me, id, after).await?;
    Ok(outgoing::respond(stream.frames))
}

/// The cursor that a browser's EventSource sends by itself.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let cursor = value.to_str().ok().and_then(|text| text.parse().ok());
    let bad = || Error::public(ProblemKind::BadRequest, "Last-Event-ID must be a seq.");
    cursor.map(Some).ok_or_else(bad)
}
