//! The private port: health, readiness, metrics.

use crate::context::Edge;
use async_trait::async_trait;
use http::{Response, StatusCode, header};
use pingora::{
    apps::{ServerApp, http_app::ServeHttp},
    protocols::{http::ServerSession, l4::stream::Stream},
    server::ShutdownWatch,
};
use prometheus::{Encoder, TextEncoder};
use std::sync::Arc;
use tokio::{net::TcpListener, sync::Semaphore};

const MAX_CONNECTIONS: usize = 64;

struct Admin(Arc<Edge>);

#[async_trait]
impl ServeHttp for Admin {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        match session.req_header().uri.path() {
            "/healthz" => text(StatusCode::OK, "ok"),
            "/readyz" if self.0.is_draining() => text(StatusCode::SERVICE_UNAVAILABLE, "draining"),
            "/readyz" => text(StatusCode::OK, "ready"),
            "/metrics" => metrics(),
            _ => text(StatusCode::NOT_FOUND, "not found"),
        }
    }
}

/// Serves the private port; it outlives the drain, so that readiness can be seen to end.
pub async fn run(edge: Arc<Edge>, listener: TcpListener, ending: ShutdownWatch) {
    let admin = Arc::new(Admin(edge));
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let tasks = tokio_util::task::TaskTracker::new();
    while let Ok((tcp, _)) = listener.accept().await {
        let Ok(permit) = permits.clone().try_acquire_owned() else { continue };
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone at once");
        }
        let (admin, ending) = (admin.clone(), ending.clone());
        tasks.spawn(async move {
            drop(admin.process_new(Box::new(Stream::from(tcp)), &ending).await);
            drop(permit);
        });
    }
}

fn metrics() -> Response<Vec<u8>> {
    let mut body = Vec::new();
    match TextEncoder::new().encode(&prometheus::gather(), &mut body) {
        Ok(()) => answer(StatusCode::OK, prometheus::TEXT_FORMAT, body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn text(status: StatusCode, body: &str) -> Response<Vec<u8>> {
    answer(status, "text/plain; charset=utf-8", body.as_bytes().to_vec())
}

fn answer(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let length = response.body().len().into();
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
