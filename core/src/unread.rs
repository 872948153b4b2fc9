//! What an answer leaves unread of its request. On a connection of HTTP/1.1 that is kept it stands before the next request,
//! so hyper closes a connection whose body has not come to its end by the answer's, and what is on its way there is lost
//! for whoever sent it. A refusal is quick, and overtakes a body that is still coming; so a small rest is read before it.

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderValue, Version, header},
    response::Response,
};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// The most that is read, in bytes; to close the connection is cheaper than more.
const MOST: usize = 65_536;
/// How long the rest of a body may be on its way: from an edge to its core.
const PATIENCE: Duration = Duration::from_millis(250);

/// A request's body, also while somebody else has it.
pub(crate) struct Unread(Option<Shared>);

#[derive(Clone)]
struct Shared(Arc<Mutex<Body>>);

impl Unread {
    /// Keeps hold of a request's body, if there is one and it is in the way of others.
    pub(crate) fn of(request: Request) -> (Request, Self) {
        if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
            return (request, Self(None));
        }
        let (head, body) = request.into_parts();
        let shared = Shared(Arc::new(Mutex::new(body)));
        (Request::from_parts(head, Body::new(shared.clone())), Self(Some(shared)))
    }

    /// Reads what is left of it; if that is too much, the connection ends with the answer.
    pub(crate) async fn before(self, response: &mut Response) {
        let Some(body) = self.0 else { return };
        if !timeout(PATIENCE, body.rest()).await.unwrap_or(false) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

impl Shared {
    /// Whether it came to its end.
    async fn rest(&self) -> bool {
        let mut bytes = 0;
        while !self.body().is_end_stream() {
            match poll_fn(|context| Pin::new(&mut *self.body()).poll_frame(context)).await {
                Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) => return false,
                None => return true,
            }
            if bytes > MOST {
                return false;
            }
        }
        true
    }

    fn body(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.body()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, http::StatusCode, middleware, middleware::Next};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time::sleep,
    };
    use tokio_util::task::TaskTracker;

    async fn server() -> TcpStream {
        let around = middleware::from_fn(|request: Request, next: Next| async {
            let (request, unread) = Unread::of(request);
            let mut response = next.run(request).await;
            unread.before(&mut response).await;
            response
        });
        let routes = Router::new()
            .route("/", axum::routing::post(|body: String| async move { body }))
            .fallback(|| async { StatusCode::NOT_FOUND })
            .layer(around);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        TaskTracker::new().spawn(async move { axum::serve(listener, routes).await });
        TcpStream::connect(address).await.unwrap()
    }

    fn head(path: &str, length: usize) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n"
        )
    }

    async fn answer(connection: &mut TcpStream) -> String {
        let mut bytes = vec![0; 4_096];
        let count = connection.read(&mut bytes).await.unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_body_that_comes_after_its_refusal_was_known_is_read_and_the_connection_kept() {
        let mut connection = server().await;
        for body in ["a little late", "once more"] {
            connection.write_all(head("/nowhere", body.len()).as_bytes()).await.unwrap();
            sleep(PATIENCE / 5).await;
            connection.write_all(body.as_bytes()).await.unwrap();
            assert!(answer(&mut connection).await.starts_with("HTTP/1.1 404"));
        }
        connection.write_all(format!("{}hello", head("/", 5)).as_bytes()).await.unwrap();
        let said = answer(&mut connection).await;
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("hello"), "{said}");
    }

    #[tokio::test]
    async fn the_connection_ends_with_an_answer_whose_body_is_too_large_or_does_not_come() {
        for sent in [0, 2 * MOST] {
            let mut connection = server().await;
            connection.write_all(head("/nowhere", 4 * MOST).as_bytes()).await.unwrap();
            connection.write_all(&vec![b'a'; sent]).await.unwrap();
            let said = answer(&mut connection).await.to_lowercase();
            assert!(said.starts_with("http/1.1 404") && said.contains("connection: close"), "{said}");
        }
    }
}
