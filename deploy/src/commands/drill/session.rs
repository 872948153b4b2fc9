//! A moment at one host of Postgres as its superuser, by its socket, which is there also when the host is cut off.

use super::postgres::Host;
use crate::error::{Error, Result};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{Config, NoTls};

/// A transaction of its own that writes nothing but log: it is done when its commit is.
const COMMIT: &str = "SELECT pg_logical_emit_message(true, 'drill', 'a commit')";
/// How long one commit is waited for before the next one is tried.
const COMMIT_WITHIN: Duration = Duration::from_secs(3);
/// Between two commits that were refused.
const PAUSE: Duration = Duration::from_millis(200);

/// What became of commits that were tried one after another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tried {
    pub(super) done: u32,
    /// Nothing was heard of them.
    pub(super) open: u32,
    pub(super) refused: u32,
}

/// Runs a statement.
pub(super) async fn run(host: &Host, sql: &str, within: Duration) -> Result<()> {
    let said = |error: tokio_postgres::Error| {
        let words = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
        Error::Failed(format!("Postgres of {}: {words}", host.name))
    };
    let work = async {
        let mut config = Config::new();
        config.host_path(&host.socket).port(host.port).user("postgres").dbname("postgres");
        let (client, connection) = config.connect(NoTls).await.map_err(said)?;
        tokio::select! {
            done = client.batch_execute(sql) => done.map_err(said),
            ended = connection => ended.map_err(said),
        }
    };
    let late = |_| Error::Unreachable(format!("Postgres of {} did not answer in time", host.name));
    timeout(within, work).await.map_err(late)?
}

/// One commit; not so when it did not come back in time.
pub(super) async fn commit(host: &Host) -> Result<()> {
    run(host, COMMIT, COMMIT_WITHIN).await
}

/// Tries to commit for so long. What is left waiting is not called off: that would be a commit without its replica.
pub(super) async fn commits(host: &Host, hold: Duration) -> Tried {
    let (deadline, mut tried) = (Instant::now() + hold, Tried::default());
    while Instant::now() < deadline {
        match commit(host).await {
            Ok(()) => tried.done += 1,
            Err(Error::Unreachable(_)) => tried.open += 1,
            Err(_) => {
                tried.refused += 1;
                sleep(PAUSE).await;
            }
        }
    }
    tried
}
