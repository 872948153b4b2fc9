//! `GET /.well-known/switchboard/edges`: which edges there are. It needs no token, holds nothing that clients may not know,
//! and is bounded by the number of entries that are read.

use super::failure;
use crate::{answer::Answer, edges::Edges};
use bytes::Bytes;
use http::{Method, StatusCode};
use pingora::{Result, proxy::Session};
use switchboard_shared::problem::{Problem, ProblemKind};

/// Answers it; always true, since it goes to no core.
pub(super) async fn answer(session: &mut Session, edges: &Edges, request_id: &str) -> Result<bool> {
    let method = &session.req_header().method;
    let answer = if method == Method::GET || method == Method::HEAD {
        listed(edges, method == Method::HEAD, request_id)
    } else {
        Answer::new(Problem::new(ProblemKind::MethodNotAllowed, "the list is only read"), request_id, None)
    };
    failure::answer(session, answer).await?;
    Ok(true)
}

fn listed(edges: &Edges, is_head: bool, request_id: &str) -> Answer {
    let body = Bytes::from(serde_json::to_vec(&edges.list()).unwrap_or_default());
    let fields = vec![
        ("content-type", "application/json".to_owned()),
        ("content-length", body.len().to_string()),
        ("cache-control", format!("public, max-age={}", edges.max_age_s())),
        // Pages measure how far each edge is by asking it for this.
        ("access-control-allow-origin", "*".to_owned()),
        ("x-request-id", request_id.to_owned()),
    ];
    Answer { status: StatusCode::OK, fields, body: if is_head { Bytes::new() } else { body } }
}
