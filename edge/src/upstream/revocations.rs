//! Asks the cores, again and again, what was taken back since. A row is visible when its transaction has ended, which may
//! be a moment after its time; so each time a little is asked for again.

use super::call::Call;
use crate::{
    context::{Edge, request_id},
    metrics::METRICS,
};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::Method;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{api::RevocationList, problem::Problem};
use tokio::time::Instant;
use tracing::Span;

/// How much is asked for again: longer than a statement of a core may take.
const OVERLAP: TimeDelta = TimeDelta::seconds(15);
/// How long a core may take to say it.
const PATIENCE: Duration = Duration::from_secs(4);
/// Pages that are read in one go; what is behind them is read in the next.
const PAGES: usize = 100;

/// Asks until the process ends.
pub async fn follow(edge: Arc<Edge>) {
    let every = Duration::from_millis(edge.config.auth.revoked_every_ms);
    let mut known: Option<DateTime<Utc>> = None;
    let mut is_told = true;
    loop {
        match ask(&edge, known).await {
            Ok(last) => {
                known = last;
                edge.revoked.is_heard();
                METRICS.revocation_polls.with_label_values(&["learned"]).inc();
                if !std::mem::replace(&mut is_told, true) {
                    tracing::info!("the cores say again what was taken back");
                }
            }
            Err(problem) => {
                METRICS.revocation_polls.with_label_values(&["failed"]).inc();
                if std::mem::replace(&mut is_told, false) {
                    tracing::warn!(
                        why = problem.detail,
                        "no core says what was taken back; what is known holds"
                    );
                }
            }
        }
        tokio::time::sleep(every.mul_f64(0.9 + 0.2 * fastrand::f64())).await;
    }
}

/// Asks for what is new since then; the time of the last there is.
async fn ask(edge: &Edge, known: Option<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>, Problem> {
    let mut after = known.map(|known| known - OVERLAP);
    let mut last = known;
    for _ in 0..PAGES {
        let list = page(edge, after).await?;
        edge.revoked.learn(&list.revocations, Utc::now().timestamp());
        let newest = list.revocations.iter().map(|revocation| revocation.at).max();
        last = last.max(newest);
        if !list.more {
            break;
        }
        after = newest;
    }
    Ok(last)
}

async fn page(edge: &Edge, after: Option<DateTime<Utc>>) -> Result<RevocationList, Problem> {
    let after = after.map(|after| format!("?after={}", after.to_rfc3339_opts(SecondsFormat::Micros, true)));
    let path = format!("/internal/revocations{}", after.unwrap_or_default());
    let (id, span) = (request_id(), Span::none());
    let stamp = edge.stamp(None, &id, &span);
    let deadline = Instant::now() + PATIENCE;
    let call = Call { method: Method::GET, path, body: Bytes::new(), deadline, attempt: PATIENCE / 2 };
    let answer = edge.cores.call(&call, &stamp).await?;
    serde_json::from_slice(&answer).map_err(|_| super::call::unavailable())
}
