//! How a problem is answered, before and within Pingora.

use crate::{
    auth::Refusal,
    limit::Decision,
    metrics::{METRICS, counts_as},
};
use bytes::Bytes;
use http::StatusCode;
use std::time::Duration;
use switchboard_shared::{
    a2a,
    openai::{self, OpenAiError},
    problem::{Problem, ProblemKind},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// The header fields and body of a problem.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields, without those of the connection.
    pub fields: Vec<(&'static str, String)>,
    /// The problem in JSON (RFC 9457).
    pub body: Bytes,
}

impl Answer {
    /// Writes a problem down.
    #[must_use]
    pub fn new(problem: Problem, request_id: &str, decision: Option<&Decision>) -> Self {
        Self::at("", problem, request_id, decision)
    }

    /// The same as who calls this path reads it.
    #[must_use]
    pub fn at(path: &str, mut problem: Problem, request_id: &str, decision: Option<&Decision>) -> Self {
        problem.request_id = Some(request_id.into());
        if a2a::is_grpc(path) {
            return Self::over_grpc(&problem, request_id);
        }
        let (media_type, body) = if openai::is_theirs(path) {
            ("application/json", serde_json::to_vec(&OpenAiError::from(&problem)))
        } else if a2a::is_theirs(path) {
            ("application/json", serde_json::to_vec(&a2a::body(path, &problem)))
        } else {
            (Problem::MEDIA_TYPE, serde_json::to_vec(&problem))
        };
        let body = Bytes::from(body.unwrap_or_default());
        let mut fields = vec![
            ("content-type", media_type.to_owned()),
            ("content-length", body.len().to_string()),
            ("cache-control", "no-store".to_owned()),
            ("x-request-id", request_id.to_owned()),
        ];
        if let Some(seconds) = problem.retry_after_s {
            fields.push(("retry-after", seconds.to_string()));
        }
        if problem.code == ProblemKind::Unauthenticated {
            fields.push(("www-authenticate", "Bearer realm=\"switchboard\"".to_owned()));
        }
        fields.extend(decision.map(limit_fields).into_iter().flatten());
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, fields, body }
    }

    /// The same for clients of gRPC.
    fn over_grpc(problem: &Problem, request_id: &str) -> Self {
        let mut fields = a2a::grpc_fields(problem).to_vec();
        fields.push(("x-request-id", request_id.to_owned()));
        if let Some(seconds) = problem.retry_after_s {
            fields.push(("retry-after", seconds.to_string()));
        }
        Self { status: StatusCode::OK, fields, body: Bytes::new() }
    }

    /// The status that it counts under.
    #[must_use]
    pub fn counts_as(&self) -> StatusCode {
        let of_grpc = self.fields.iter().find(|(name, _)| *name == "grpc-status");
        counts_as(self.status, of_grpc.map(|(_, value)| value.as_str()))
    }

    /// The answer as HTTP/1.1 bytes, after which the connection is closed.
    #[must_use]
    pub fn closing(&self) -> Vec<u8> {
        let reason = self.status.canonical_reason().unwrap_or_default();
        let mut text = format!("HTTP/1.1 {} {reason}\r\nconnection: close\r\n", self.status.as_u16());
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Writes the last answer of a connection. What the client is still sending is read for a moment, since closing over
/// unread bytes would take the answer away from it.
pub async fn close_with(mut conn: impl AsyncRead + AsyncWrite + Unpin, answer: &Answer) {
    METRICS.answered(answer.counts_as());
    let farewell = async {
        conn.write_all(&answer.closing()).await?;
        conn.flush().await?;
        conn.shutdown().await?;
        let mut rest = [0; 4096];
        for _ in 0..64 {
            if conn.read(&mut rest).await? == 0 {
                break;
            }
        }
        Ok::<_, std::io::Error>(())
    };
    // The client may be gone already; it is closed either way.
    drop(timeout(Duration::from_secs(1), farewell).await);
}

/// The fields that tell a client its limit.
#[must_use]
pub fn limit_fields(decision: &Decision) -> [(&'static str, String); 2] {
    [("ratelimit-policy", decision.policy_field()), ("ratelimit", decision.limit_field())]
}

/// The problem of a refused token: the same for every reason but the missing token, to give nothing away.
#[must_use]
pub fn unauthenticated(refusal: Refusal) -> Problem {
    if refusal == Refusal::Unavailable {
        return Problem::new(ProblemKind::Unavailable, "no core could say who this is").retry_after(1);
    }
    let detail = match refusal {
        Refusal::Missing => "no bearer token was sent",
        Refusal::Expired => "the token has expired",
        _ => "the token is not accepted here",
    };
    Problem::new(ProblemKind::Unauthenticated, detail)
}

/// The problem of a reached limit.
#[must_use]
pub fn rate_limited(decision: &Decision) -> Problem {
    let policy = decision.policy;
    let what = match policy.name {
        "ip" => "requests from one address",
        "user" => "requests and messages of one user",
        other => other,
    };
    let detail = format!("{} {what} in {} s are allowed", policy.quota, policy.window.as_secs());
    Problem::new(ProblemKind::RateLimited, detail).retry_after(decision.retry_after_s())
}
