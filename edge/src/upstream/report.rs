//! Says to the cores, again and again, how this edge is: so that whoever looks at any of them sees all edges.

use super::call::{Call, unavailable};
use crate::{
    context::{Edge, request_id},
    metrics::METRICS,
};
use http::Method;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{api::EdgeReport, problem::Problem};
use tokio::time::{Instant, sleep};
use tracing::Span;

/// How often it is said.
const EVERY: Duration = Duration::from_secs(5);
/// How long a core may take to hear it; then it is said anew.
const PATIENCE: Duration = Duration::from_secs(4);

/// Says it until the process ends, and at once when the edge drains.
pub async fn keep(edge: Arc<Edge>) {
    let id = uuid::Uuid::now_v7().to_string();
    let mut is_heard = true;
    loop {
        match say(&edge, &id).await {
            Ok(()) => is_heard = true,
            Err(problem) => {
                if std::mem::replace(&mut is_heard, false) {
                    tracing::warn!(why = problem.detail, "no core hears how this edge is; trying again");
                }
            }
        }
        let drains = edge.is_draining();
        tokio::select! {
            () = sleep(EVERY.mul_f64(0.9 + 0.2 * fastrand::f64())) => {}
            () = edge.shutdown.token.cancelled(), if !drains => {}
        }
    }
}

async fn say(edge: &Edge, id: &str) -> Result<(), Problem> {
    let count = |gauge: &prometheus::IntGauge| u64::try_from(gauge.get()).unwrap_or(0);
    let refusals = |class: &str| METRICS.refusals.with_label_values(&[class]).get();
    let report = EdgeReport {
        id: id.to_owned(),
        url: edge.config.edge.public_url.clone(),
        region: edge.config.edge.region.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sockets: count(&METRICS.open_sockets),
        streams: count(&METRICS.open_streams),
        connections: count(&METRICS.connections),
        max_connections: edge.config.max_connections as u64,
        draining: edge.is_draining(),
        edge_refused: refusals("4"),
        edge_errors: refusals("5"),
    };
    let body = serde_json::to_vec(&report).map_err(|_| unavailable())?.into();
    let (request, span) = (request_id(), Span::none());
    let stamp = edge.stamp(None, &request, &span);
    let (deadline, path) = (Instant::now() + PATIENCE, "/internal/edges".to_owned());
    let call = Call { method: Method::POST, path, body, deadline, attempt: PATIENCE / 2 };
    edge.cores.call(&call, &stamp).await.map(drop)
}
