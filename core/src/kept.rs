//! Connections to agents and endpoints that are kept for the next request, and what becomes of one that its server has
//! closed meanwhile.

use reqwest::{Client, Request, Response};
use std::{error::Error, io, time::Duration};
use tokio::time::Instant;

/// Shorter than the shortest time after which common servers close a connection that nobody uses (5 s: Node, uvicorn).
pub(crate) const IDLE: Duration = Duration::from_secs(4);
/// A server that closes later than this, counted from the request, may have worked on it.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Sends a request, and once more where the connection was closed at once and before a byte of an answer: it was about
/// to be closed anyway. Only for what may come twice: a message to an agent has an id, by which that knows it again.
pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, reqwest::Error> {
    let again = request.try_clone();
    let began = Instant::now();
    match (client.execute(request).await, again) {
        (Err(error), Some(again)) if is_closed(&error) && began.elapsed() < AT_ONCE => {
            tracing::debug!("a connection was closed before an answer came; asked once more");
            client.execute(again).await
        }
        (result, _) => result,
    }
}

fn is_closed(error: &reqwest::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    if error.is_connect() || error.is_timeout() {
        return false;
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let incomplete =
            error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message);
        let closed = error.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        });
        if incomplete || closed {
            return true;
        }
        cause = error.source();
    }
    false
}
