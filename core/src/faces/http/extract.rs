//! From HTTP to values, and from errors to problems. Nothing that a client sends reaches a handler unchecked.

use crate::{
    accept::Envelope,
    access::{Permission, permit_any},
    core::Core,
    error::{Error, Result},
};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, OriginalUri, Path, Query, Request, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{str::FromStr, sync::Arc, time::Duration};
use switchboard_shared::{
    api::{MAX_PAGE, Page},
    cause::Cause,
    headers,
    identity::{Identity, SignedFor},
    ids::{ClientId, ConversationId},
    problem::{Problem, ProblemKind},
};
use tokio::time::Instant;

/// Who is asking: the edge's signed word, checked.
pub(crate) struct Caller(pub(crate) Identity);

impl FromRequestParts<Arc<Core>> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, core: &Arc<Core>) -> Result<Self> {
        let identity = identity_of(parts, core)?;
        permit_any(&identity, &[Permission::Converse, Permission::ManageAgents])?;
        core.seen.see(&core.store, &identity.tenant, &identity.user).await;
        Ok(Self(identity))
    }
}

/// The edge's signed word about who asks.
pub(super) fn identity_of(parts: &Parts, core: &Core) -> Result<Identity> {
    let unsigned = || Error::public(ProblemKind::Unauthenticated, "This port answers to edges only.");
    let header = parts.headers.get(headers::IDENTITY).and_then(|value| value.to_str().ok());
    let now = chrono::Utc::now().timestamp();
    Identity::verify(header.ok_or_else(unsigned)?, &core.keys, now, request_of(parts)).map_err(|error| {
        tracing::warn!(%error, "a signed identity was refused");
        unsigned()
    })
}

/// The request that an edge has signed something for.
pub(super) fn request_of(parts: &Parts) -> SignedFor<'_> {
    // Without what a nested router takes off the path.
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
    let id = parts.headers.get(headers::REQUEST_ID).and_then(|id| id.to_str().ok());
    SignedFor {
        method: parts.method.as_str(),
        target: uri.path_and_query().map_or("/", PathAndQuery::as_str),
        request_id: id.unwrap_or_default(),
    }
}

/// A JSON body that is all of `T` and nothing else.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Core>> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = media_type.is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            essence == "application/json" || essence.ends_with("+json")
        });
        if !is_json {
            let detail = "The body must be JSON, with Content-Type: application/json.";
            return Err(Error::public(ProblemKind::UnsupportedMediaType, detail));
        }
        let body =
            Bytes::from_request(request, core).await.map_err(|rejection| body_problem(core, &rejection))?;
        read(&body).map(Self)
    }
}

fn body_problem(core: &Core, rejection: &BytesRejection) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("A body has at most {} bytes.", core.config.max_body_bytes);
        return Error::public(ProblemKind::TooLarge, detail);
    }
    Error::public(ProblemKind::BadRequest, "The body could not be read to its end.")
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    if holds_nul(body) {
        return Err(Error::public(ProblemKind::BadRequest, "The text must not hold the character U+0000."));
    }
    // A list would be read as the fields in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Error::public(ProblemKind::BadRequest, "The body must be a JSON object."));
    }
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!("The body is not what is needed: {}.", Cause::of(&error));
        Error::public(ProblemKind::BadRequest, detail)
    })
}

/// Whether a string of the JSON holds the character U+0000, which no row can. Its escape after a backslash that is
/// itself escaped is six characters of text.
fn holds_nul(body: &[u8]) -> bool {
    let escapes = body.windows(6).enumerate().filter(|(_, window)| *window == br"\u0000");
    escapes
        .into_iter()
        .any(|(at, _)| body[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0)
}

/// An id in the path. One that is not an id is nothing that could be seen.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr> FromRequestParts<Arc<Core>> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, core: &Arc<Core>) -> Result<Self> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, core).await.map_err(|_| Error::not_found())?;
        text.parse().map(Self).map_err(|_| Error::not_found())
    }
}

/// A conversation and something below it.
pub(crate) struct Below<T>(pub(crate) ConversationId, pub(crate) T);

impl<T: FromStr> FromRequestParts<Arc<Core>> for Below<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, core: &Arc<Core>) -> Result<Self> {
        let path = Path::<(String, String)>::from_request_parts(parts, core).await;
        let Path((conversation, below)) = path.map_err(|_| Error::not_found())?;
        match (conversation.parse(), below.parse()) {
            (Ok(conversation), Ok(below)) => Ok(Self(conversation, below)),
            _ => Err(Error::not_found()),
        }
    }
}

/// The query; a parameter that is unknown or cannot be read is refused.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Core>> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, core: &Arc<Core>) -> Result<Self> {
        let Query(query) = Query::<T>::from_request_parts(parts, core).await.map_err(|e| {
            Error::public(
                ProblemKind::BadRequest,
                format!("The query is not what is needed: {}.", e.body_text()),
            )
        })?;
        Ok(Self(query))
    }
}

/// How many items a page has at most.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
pub(crate) struct Limit(u32);

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u32> for Limit {
    type Error = String;

    fn try_from(limit: u32) -> std::result::Result<Self, String> {
        let fits = (1..=MAX_PAGE).contains(&limit);
        fits.then_some(Self(limit)).ok_or_else(|| format!("limit is 1 to {MAX_PAGE}"))
    }
}

impl Limit {
    /// So many.
    pub(crate) fn rows(self) -> u32 {
        self.0
    }

    /// How many to ask for, to know whether there are more.
    pub(crate) fn one_more(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// Makes a page of what was asked for with [`Limit::one_more`]; its last item is the cursor, when there are more.
    pub(crate) fn page<T, C: ToString>(self, mut items: Vec<T>, cursor: impl Fn(&T) -> C) -> Page<T> {
        let more = items.len() > self.0 as usize;
        items.truncate(self.0 as usize);
        let next = items.last().filter(|_| more).map(|last| cursor(last).to_string());
        Page { items, next }
    }
}

/// What came in the headers besides the identity.
impl FromRequestParts<Arc<Core>> for Envelope {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, core: &Arc<Core>) -> Result<Self> {
        let mut trace = HeaderMap::new();
        switchboard_shared::telemetry::inject(&tracing::Span::current(), &mut trace);
        let traceparent = trace.get(headers::TRACEPARENT).and_then(|value| value.to_str().ok());
        let left = deadline(&parts.headers, core.config.request_deadline);
        Ok(Self {
            deadline: Instant::now() + left,
            patience: Instant::now() + left.min(core.config.postgres.patience),
            hops: number(&parts.headers, headers::HOPS).unwrap_or(0),
            traceparent: traceparent.unwrap_or_default().to_owned(),
        })
    }
}

/// The client's idempotency key, if it sent one.
pub(crate) struct IdempotencyKey(pub(crate) Option<ClientId>);

impl FromRequestParts<Arc<Core>> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Core>) -> Result<Self> {
        let Some(value) = parts.headers.get(headers::IDEMPOTENCY_KEY) else { return Ok(Self(None)) };
        let key = value.to_str().ok().map(|text| text.trim_matches('"')).and_then(|text| text.parse().ok());
        let bad = || {
            Error::public(
                ProblemKind::BadRequest,
                "Idempotency-Key must be 1 to 128 visible ASCII characters.",
            )
        };
        key.map(|key| Self(Some(key))).ok_or_else(bad)
    }
}

/// The time that is left for a request: the edge's word, no longer than `bound`.
pub(crate) fn deadline(headers: &HeaderMap, bound: Duration) -> Duration {
    number(headers, headers::DEADLINE_MS).map_or(bound, |ms: u64| Duration::from_millis(ms).min(bound))
}

fn number<T: FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = self.problem();
        if problem.status >= 500 {
            tracing::error!(error = %self, "a request failed");
        }
        respond(problem)
    }
}

/// A problem as a response (RFC 9457).
pub(crate) fn respond(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry_after = problem.retry_after_s;
    let with_id = problem.clone();
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = (status, [(header::CONTENT_TYPE, Problem::MEDIA_TYPE)], body).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response.extensions_mut().insert(with_id);
    response
}

/// Puts the request's id into the problem of a response, if it is one.
pub(crate) fn name_request(response: &mut Response, id: &HeaderValue) {
    let Some(mut problem) = response.extensions_mut().remove::<Problem>() else { return };
    problem.request_id = id.to_str().ok().map(Into::into);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = body.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_character_is_told_from_its_name() {
        for (json, holds) in [
            (r#"{"text": "a\u0000b"}"#, true),
            (r#"{"text": "a\\u0000b"}"#, false),
            (r#"{"text": "a\\\u0000b"}"#, true),
            (r#"{"text": "\u00001"}"#, true),
            (r#"{"text": "u0000"}"#, false),
        ] {
            let parsed: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(parsed["text"].as_str().unwrap().contains('\0'), holds, "{json}");
            assert_eq!(holds_nul(json.as_bytes()), holds, "{json}");
        }
    }
}
