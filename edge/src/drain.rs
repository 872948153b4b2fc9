//! The end of an edge: it says so, takes nothing new, gives running requests their time, sends sockets elsewhere, and
//! leaves as soon as nothing is running.

use crate::{context::Edge, proxy::Proxy};
use pingora::{apps::HttpServerApp, proxy::HttpProxy};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// Drains; returns whether everything had ended in time.
pub async fn drain(edge: &Edge, proxy: &Arc<HttpProxy<Proxy>>, ending: &watch::Sender<bool>) -> bool {
    let started = Instant::now();
    tracing::info!("the edge drains");
    // Readiness ends and the door closes with this token; HTTP/2 connections get their GOAWAY from the watch, and
    // connections that wait for a next request are closed by the cleanup.
    edge.edges.drain();
    edge.shutdown.token.cancel();
    ending.send_replace(true);
    proxy.http_cleanup().await;
    let empty = edge.shutdown.drain(Duration::from_secs(edge.config.drain_s)).await;
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(ms, empty, "the edge has drained");
    empty
}
