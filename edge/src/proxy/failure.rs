//! What a client is told when its request goes no further.

use crate::{
    answer::{Answer, unauthenticated},
    auth::Refusal,
    context::Edge,
    door::body::Broken,
    metrics::METRICS,
    upstream::call::unavailable,
};
use bytes::Bytes;
use pingora::{
    Error, ErrorSource,
    ErrorType::{self, HTTPStatus},
    Result,
    http::ResponseHeader,
    protocols::http::ServerSession,
    proxy::Session,
};
use std::io;
use switchboard_shared::{
    events::ServerFrame,
    identity::Identity,
    problem::{Problem, ProblemKind},
};

/// What the client is told of an error; `None` when the client is gone.
#[must_use]
pub fn problem_of(error: &Error) -> Option<Problem> {
    use ErrorType::{ConnectError, ConnectNoRoute, ConnectRefused, ConnectTimedout, ReadTimedout};
    if *error.esource() == ErrorSource::Downstream
        && let Some(problem) = body_problem(error)
    {
        return Some(problem);
    }
    Some(match (error.etype(), error.esource()) {
        (HTTPStatus(401), _) => unauthenticated(Refusal::Revoked),
        (HTTPStatus(413), _) => Problem::new(ProblemKind::TooLarge, "the body is too large"),
        (HTTPStatus(408), _) | (ReadTimedout, ErrorSource::Downstream) => late(),
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

/// The last event of a stream that goes on at another edge.
#[must_use]
pub fn moved(to: String) -> Option<(&'static str, String)> {
    serde_json::to_string(&ServerFrame::Move { to }).ok().map(|word| ("move", word))
}

/// Ends an event stream whole, so that its client attaches again, elsewhere, with its cursor, or knows that it need not;
/// and says so in a last event, if there is something to say and nothing is cut in two by it.
pub async fn end_stream(session: &mut Session, last: Option<(&'static str, String)>) {
    let last = last.map(|(event, data)| format!("event: {event}\ndata: {data}\n\n")).unwrap_or_default();
    let ended = session.downstream_session.write_response_body(Bytes::from(last), true).await;
    if let Err(error) = ended {
        tracing::debug!(%error, "an event stream's client was gone before its end");
    }
    session.downstream_session.shutdown().await;
}

/// Whether an answer may go on to somebody: not after what they asked with was taken back, however long it took.
///
/// # Errors
/// When it may not.
pub fn may_hear(edge: &Edge, identity: Option<&Identity>) -> Result<()> {
    match identity {
        Some(identity) if edge.revoked.covers(identity) => {
            Err(Error::explain(HTTPStatus(401), "it was taken back before the answer came"))
        }
        _ => Ok(()),
    }
}

/// What the door found within a body while Pingora read it.
fn body_problem(error: &Error) -> Option<Problem> {
    let cause = error.root_cause().downcast_ref::<io::Error>()?;
    if cause.kind() == io::ErrorKind::TimedOut {
        return Some(late());
    }
    let broken: &Broken = cause.get_ref()?.downcast_ref()?;
    Some(Problem::new(ProblemKind::BadRequest, broken.0))
}

fn late() -> Problem {
    Problem::new(ProblemKind::RequestTimeout, "the body did not arrive in time")
}

/// Whether the answer itself has begun; a `100 Continue` is none.
#[must_use]
pub fn is_answered(session: &Session) -> bool {
    session.response_written().is_some_and(|answer| !answer.status.is_informational())
}

/// Answers with a problem.
pub async fn answer(session: &mut Session, answer: Answer) -> Result<()> {
    METRICS.answered(answer.counts_as());
    let mut head = ResponseHeader::build(answer.status, Some(answer.fields.len()))?;
    for (name, value) in &answer.fields {
        head.insert_header(*name, value)?;
    }
    if !session.as_mut().is_body_empty() {
        session.set_keepalive(None);
    }
    // A refusal of gRPC is a head alone, and only then it is read as one; what Pingora writes leaves HTTP/2 open for a
    // body, so that is done at the exchange beneath.
    if answer.body.is_empty()
        && let ServerSession::Custom(exchange) = &mut *session.downstream_session
    {
        return exchange.write_response_header(Box::new(head), true).await;
    }
    session.write_response_header(Box::new(head), false).await?;
    session.write_response_body(Some(answer.body), true).await
}
