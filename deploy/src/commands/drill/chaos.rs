//! Faults of every kind, one after another, under one load for long: what one leaves behind is where the next begins.

use super::{catalogue::Name, faults::Scene, postgres};
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
    /// Goes on for as long as it is told.
    pub(super) async fn chaos(&mut self) -> Result<()> {
        let (began, long) = (Instant::now(), Duration::from_secs(60) * self.settings.minutes);
        let full = !postgres::hosts(&self.target.described("postgres")).is_empty();
        let possible = |name: &Name| full || !name.needs_full();
        for name in KINDS.into_iter().filter(possible).cycle() {
            if began.elapsed() >= long {
                break;
            }
            // One of these kinds is never this one again.
            Box::pin(self.play(name)).await?;
            self.also.insert("faults".to_owned(), self.faults.len() as f64);
            sleep(PAUSE).await;
        }
        Ok(())
    }
}
