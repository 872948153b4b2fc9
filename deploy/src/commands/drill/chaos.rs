//! Faults of every kind, one after another, under one load for long: what one leaves behind is where the next begins.

use super::{catalogue::Name, faults::Scene, interrupted::interrupted, postgres};
use crate::error::Result;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// In this order, again and again.
const KINDS: [Name; 11] = [
    Name::CoreKill,
    Name::PgPrimaryKill,
    Name::EdgeKill,
    Name::CoreFreeze,
    Name::PgSwitchover,
    Name::RedisRestart,
    Name::EdgeDrain,
    Name::PgReplicaKill,
    Name::RedisPrimaryKill,
    Name::RedisAllDown,
    Name::AgentFaults,
];
/// Between two kinds.
const PAUSE: Duration = Duration::from_secs(5);

impl Scene<'_> {
    /// Goes on for as long as it is told, or until it is interrupted; that is an error, and what it has is counted.
    pub(super) async fn chaos(&mut self) -> Result<()> {
        let (began, long) = (Instant::now(), Duration::from_secs(60) * self.settings.minutes);
        let full = !postgres::hosts(&self.target.described("postgres")).is_empty();
        let mut stop = std::pin::pin!(interrupted(1));
        let possible = |name: &Name| full || !name.needs_full();
        for name in KINDS.into_iter().filter(possible).cycle() {
            if began.elapsed() >= long {
                break;
            }
            let next = async {
                // One of these kinds is never this one again.
                Box::pin(self.play(name)).await?;
                sleep(PAUSE).await;
                Ok(())
            };
            tokio::select! {
                played = next => played?,
                interrupted = &mut stop => return interrupted,
            }
            self.also.insert("faults".to_owned(), self.faults.len() as f64);
        }
        Ok(())
    }
}
