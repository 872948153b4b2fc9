//! One idempotent call to the cores: tried on one after another until it is answered or its deadline passes. What is
//! called this way carries a client id or changes nothing when done twice.

use super::{Cores, Lease};
use crate::context::Stamp;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use std::time::Duration;
use switchboard_shared::{
    headers,
    problem::{Problem, ProblemKind},
};
use tokio::time::Instant;

const MAX_ANSWER_BYTES: usize = 1 << 20;

/// What is asked.
#[derive(Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path, from `/v1/`.
    pub path: String,
    /// The JSON body, if any.
    pub body: Bytes,
    /// When the answer is no longer wanted.
    pub deadline: Instant,
    /// How long one core may take.
    pub attempt: Duration,
}

/// What came of a call.
#[derive(Debug)]
pub struct Answered {
    /// The body, or the core's problem, or `unavailable` when no core answered in time.
    pub body: Result<Bytes, Problem>,
    /// When a core would take another message of the same user, where it takes none now.
    pub next: Option<Duration>,
}

impl Cores {
    /// Makes a call.
    ///
    /// # Errors
    /// With the core's problem, or `unavailable` when no core answered in time.
    pub async fn call(&self, call: &Call, stamp: &Stamp<'_>) -> Result<Bytes, Problem> {
        self.ask(call, stamp).await.body
    }

    /// Makes a call of which more than the body matters.
    pub async fn ask(&self, call: &Call, stamp: &Stamp<'_>) -> Answered {
        let mut tried = Vec::new();
        let mut pause = Duration::from_millis(50);
        loop {
            let left = call.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Answered { body: Err(unavailable()), next: None };
            }
            if let Some(core) = self.choose(&tried) {
                let headers = stamp.headers(Some(left), &call.method, &call.path);
                match tokio::time::timeout(left.min(call.attempt), ask(&core, call, headers)).await {
                    Ok(Ok((status, next, body))) if !worth_another_try(status) => {
                        return Answered { body: settle(status, body), next };
                    }
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) if error.is_connect() => core.mark_down("it refuses connections"),
                    Ok(Err(error)) => tracing::debug!(%error, "a call to a core broke off"),
                    Err(_) => tracing::debug!(core = %core.url, "a call to a core took too long"),
                }
                tried.push(core.index);
                if self.choose(&tried).is_some() {
                    continue;
                }
            }
            tried.clear();
            tokio::time::sleep(left.min(pause.mul_f64(0.5 + fastrand::f64()))).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }
}

type Said = (StatusCode, Option<Duration>, Bytes);

async fn ask(core: &Lease, call: &Call, headers: HeaderMap) -> Result<Said, reqwest::Error> {
    let slot = core.streams.take();
    let url = format!("http://{}{}", core.authority, call.path);
    let mut request = slot.client.request(call.method.clone(), url).headers(headers);
    if !call.body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json").body(call.body.clone());
    }
    let mut response = request.send().await?;
    let next = next(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Ok((StatusCode::BAD_GATEWAY, None, Bytes::new()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), next, body.into()))
}

/// When a core would take another message of the same user, as it says with its answer to one.
#[must_use]
pub fn next(fields: &HeaderMap) -> Option<Duration> {
    let ms = fields.get(headers::NEXT_MS)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_millis(ms))
}

fn worth_another_try(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

fn settle(status: StatusCode, body: Bytes) -> Result<Bytes, Problem> {
    if status.is_success() {
        return Ok(body);
    }
    Err(serde_json::from_slice(&body).unwrap_or_else(|_| refusal(status)))
}

/// What a refusal without a problem means by its status alone.
fn refusal(status: StatusCode) -> Problem {
    let same = |kind: &&ProblemKind| status.is_client_error() && kind.status() == status.as_u16();
    match ProblemKind::ALL.iter().find(same) {
        Some(kind) => Problem::new(*kind, ""),
        None => Problem::new(ProblemKind::BadGateway, "the core's answer cannot be read"),
    }
}

/// The problem of having no core.
#[must_use]
pub fn unavailable() -> Problem {
    Problem::new(ProblemKind::Unavailable, "no core can take this now").retry_after(1)
}
