//! What a client is told when its request goes no further.

use super::Request;
use crate::{answer::Answer, upstream::call::unavailable};
use pingora::{
    Error, ErrorSource,
    ErrorType::{self, HTTPStatus},
    Result,
    http::ResponseHeader,
    proxy::Session,
};
use std::time::Duration;
use switchboard_shared::problem::{Problem, ProblemKind};

/// What the client is told of an error; `None` when the client is gone.
#[must_use]
pub fn problem_of(error: &Error) -> Option<Problem> {
    use ErrorType::{ConnectError, ConnectNoRoute, ConnectRefused, ConnectTimedout, ReadTimedout};
    Some(match (error.etype(), error.esource()) {
        (HTTPStatus(413), _) => Problem::new(ProblemKind::TooLarge, "the body is too large"),
        (HTTPStatus(408), _) | (ReadTimedout, ErrorSource::Downstream) => {
            Problem::new(ProblemKind::RequestTimeout, "the body did not arrive in time")
        }
        (HTTPStatus(503), _) => unavailable(),
        (HTTPStatus(504), _) | (ReadTimedout, ErrorSource::Upstream) => {
            Problem::new(ProblemKind::DeadlineExceeded, "the answer did not come in time")
        }
        (ConnectTimedout | ConnectRefused | ConnectNoRoute | ConnectError, ErrorSource::Upstream) => {
            unavailable()
        }
        (_, ErrorSource::Upstream) => Problem::new(ProblemKind::BadGateway, "the core gave no usable answer"),
        (
            ErrorType::ConnectionClosed | ErrorType::ReadError | ErrorType::WriteError,
            ErrorSource::Downstream,
        ) => {
            return None;
        }
        (_, ErrorSource::Downstream) => Problem::new(ProblemKind::BadRequest, "the request broke off"),
        _ => Problem::new(ProblemKind::Internal, ""),
    })
}

/// Answers with a problem. What the client still sends of its body is read for a moment, so that closing over it does
/// not take the answer away.
pub async fn answer(session: &mut Session, request: &Request, problem: Problem) -> Result<()> {
    let answer = Answer::new(problem, &request.id, request.decision.as_ref());
    let mut head = ResponseHeader::build(answer.status, Some(answer.fields.len()))?;
    for (name, value) in &answer.fields {
        head.insert_header(*name, value)?;
    }
    let has_body = !session.as_mut().is_body_empty();
    if has_body {
        session.set_keepalive(None);
    }
    session.write_response_header(Box::new(head), false).await?;
    session.write_response_body(Some(answer.body), true).await?;
    if has_body && !session.is_http2() {
        let rest = async {
            for _ in 0..256 {
                if !matches!(session.read_request_body().await, Ok(Some(_))) {
                    break;
                }
            }
        };
        drop(tokio::time::timeout(Duration::from_millis(500), rest).await);
    }
    Ok(())
}
