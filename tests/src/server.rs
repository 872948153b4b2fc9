//! An axum server on a free port that ends with its owner.

use axum::{Router, serve::ListenerExt};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, sync::DropGuard, task::TaskTracker};

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    _stop: DropGuard,
}

impl Server {
    pub(crate) async fn start(routes: Router) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
        let stop = CancellationToken::new();
        let ended = stop.clone();
        TaskTracker::new().spawn(async move {
            tokio::select! {
                served = axum::serve(listener, routes) => drop(served),
                () = ended.cancelled() => {}
            }
        });
        Ok(Self { url, _stop: stop.drop_guard() })
    }
}
