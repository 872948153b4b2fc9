//! From HTTP to values, and from errors to problems. Nothing that a client sends reaches a handler unchecked.

use crate::{
    accept::{Envelope, TaskOf},
    access::{Permission, permit_any},
    core::Core,
    error::{Error, Result},
    outside,
    visit::Visit,
};
use axum::{
    extract::{FromRequestParts, OriginalUri, Path, Query},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{str::FromStr, sync::Arc, time::Duration};
use switchboard_shared::{
    api::{MAX_PAGE, Page},
    headers,
    identity::{Identity, SignedFor},
    ids::{ClientId, ConversationId},
    problem::{Problem, ProblemKind},
};
use tokio::time::Instant;

pub(crate) use super::body::Json;

/// Of what a problem says; the longest that we write ourselves is far shorter.
const MAX_DETAIL_CHARS: usize = 4_000;

/// Who is asking: the edge's signed word, checked.
pub(crate) struct Caller(pub(crate) Identity);

impl FromRequestParts<Arc<Core>> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, core: &Arc<Core>) -> Result<Self> {
        let identity = identity_of(parts, core)?;
        permit_any(&identity, &[Permission::Converse, Permission::ManageAgents])?;
        if let Some(visit) = parts.extensions.get::<Visit>() {
            visit.is_of(&identity);
        }
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
            visit: parts.extensions.get::<Visit>().cloned().unwrap_or_default(),
            task: TaskOf::Unsaid,
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

/// A problem as a response (RFC 9457). What a client is told of its own words is only their beginning.
pub(crate) fn respond(problem: Problem) -> Response {
    let problem = Problem { detail: outside::shorten(&problem.detail, MAX_DETAIL_CHARS), ..problem };
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

/// Puts the request's id into the problem of a response, and takes the problem out, if it is one.
pub(crate) fn name_request(response: &mut Response, id: Option<&HeaderValue>) -> Option<Problem> {
    let mut problem = response.extensions_mut().remove::<Problem>()?;
    problem.request_id = id.and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty()).map(Into::into);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = body.into();
    Some(problem)
}
