//! What this core says of itself, every few seconds, and what all parts together say: so any core can show each of them.

use super::counts::What;
use crate::{clock, core::Core, error::Result, store::PartKind};
use chrono::{DateTime, TimeDelta, Utc};
use std::{sync::Arc, time::Duration};
use switchboard_shared::api::{CoreReport, EdgeReport};
use tokio::time::{sleep, timeout};

/// How often a part says how it is.
const EVERY: Duration = Duration::from_secs(5);
/// How long a core that ends takes to say so.
const END: Duration = Duration::from_millis(500);
/// What was not heard of for so long counts no more.
const HEARD: TimeDelta = TimeDelta::seconds(20);

/// Runs until this core halts; then it is no part any more.
pub(crate) async fn keep_report(core: Arc<Core>) {
    let (id, started_at) = (core.id.to_string(), clock::now());
    let mut said = false;
    loop {
        match say(&core, &id, started_at).await {
            Ok(()) => said = false,
            Err(error) if !std::mem::replace(&mut said, true) => {
                tracing::warn!(%error, "this core could not say how it is; trying again");
            }
            Err(_) => {}
        }
        let drains = core.shutdown.token.is_cancelled();
        tokio::select! {
            () = sleep(EVERY) => {}
            // It is said at once.
            () = core.shutdown.token.cancelled(), if !drains => {}
            () = core.halt.cancelled() => break,
        }
    }
    drop(timeout(END, core.store.forget_part(PartKind::Core, &id)).await);
}

async fn say(core: &Core, id: &str, started_at: DateTime<Utc>) -> Result<()> {
    let (running, waiting) = core.turns.load();
    let report = CoreReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at,
        running,
        waiting,
        max_running: core.config.turn.max_running as u64,
        streams: core.streams.open(),
        draining: core.shutdown.token.is_cancelled(),
        postgres: core.store.hosts(),
        redis: core.bell.nodes().await,
        llm: core.llm.states(),
    };
    core.store.note_part(PartKind::Core, id, &report).await?;
    count_all(core).await?;
    for (tenant, agent, is_half_open) in core.agents.open_breakers() {
        core.counts.note(Some(&tenant), What::Breaker, agent.to_string(), if is_half_open { 1 } else { 2 });
    }
    Ok(())
}

/// What edges and cores said of themselves that are there now.
pub(super) async fn heard(core: &Core, now: DateTime<Utc>) -> Result<(Vec<EdgeReport>, Vec<CoreReport>)> {
    let edges = core.store.parts(PartKind::Edge, now - HEARD).await?;
    let cores = core.store.parts(PartKind::Core, now - HEARD).await?;
    Ok((
        edges.into_iter().map(|part| part.report).collect(),
        cores.into_iter().map(|part| part.report).collect(),
    ))
}

/// The most there was at once, of all parts together: each core counts it, and the rows keep the most.
async fn count_all(core: &Core) -> Result<()> {
    let (edges, cores) = heard(core, clock::now()).await?;
    core.counts.note(None, What::MostSockets, "", edges.iter().map(|edge| edge.sockets).sum());
    core.counts.note(None, What::MostRunning, "", cores.iter().map(|core| core.running).sum());
    Ok(())
}
