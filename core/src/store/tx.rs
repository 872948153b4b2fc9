//! A transaction that is bound to one tenant.

use super::{
    host::Host,
    topology::{Position, Written},
};
use crate::error::{Error, Result};
use deadpool_postgres::Object;
use std::{future::Future, sync::Arc, time::Duration};
use switchboard_shared::ids::TenantId;
use tokio::time::timeout;
use tokio_postgres::{Row, SimpleQueryMessage, types::ToSql};

/// What a statement does, for errors, and its text.
pub(crate) type Sql = (&'static str, &'static str);

/// Why there is always a connection.
const HELD: &str = "it is taken away only when the transaction is dropped";

/// Where a transaction is, and what is noted of it.
pub(super) struct Place {
    pub(super) host: Arc<Host>,
    /// The primary's timeline; `None` on a replica.
    pub(super) timeline: Option<u32>,
    pub(super) written: Written,
    /// How long a commit may take: it may wait for replicas that are not there, and no timeout of the server's ends that.
    pub(super) bound: Duration,
}

/// A transaction that is bound to one tenant: row-level security hides everybody else's rows.
pub(crate) struct Tx {
    connection: Option<Object>,
    place: Place,
    open: bool,
    /// Its end was asked for, and is not known.
    ending: bool,
}

impl Tx {
    pub(super) async fn begin(
        place: Place,
        doing: &'static str,
        tenant: &TenantId,
        begin: &str,
    ) -> Result<Self> {
        let connection = Some(place.host.connection(doing).await?);
        // A tenant id is letters, digits, - _ . only, so it can stand in a literal; one round trip instead of two.
        let sql = format!("{begin}; SELECT set_config('app.tenant', '{tenant}', true)");
        let tx = Self { connection, place, open: true, ending: false };
        let begun = tx.connection().batch_execute(&sql).await;
        begun.map_err(|source| tx.place.host.failed("beginning a transaction", source))?;
        Ok(tx)
    }

    /// Whether it is on the primary, and sees what every core has committed.
    pub(crate) fn is_latest(&self) -> bool {
        self.place.timeline.is_some()
    }

    /// How far this replica has replayed.
    pub(super) async fn replayed(&self) -> Result<u64> {
        let sql = ("asking how far a replica is", "SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint");
        let row = self.query_opt(sql, &[]).await?;
        let lsn = row.and_then(|row| row.get::<_, Option<i64>>(0));
        Ok(lsn.and_then(|lsn| u64::try_from(lsn).ok()).unwrap_or(0))
    }

    /// Runs a statement and reads its rows.
    pub(crate) async fn query(&self, (doing, sql): Sql, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let fail = |source| self.place.host.failed(doing, source);
        let statement = self.connection().prepare_cached(sql).await.map_err(fail)?;
        self.connection().query(&statement, values).await.map_err(fail)
    }

    /// Runs a statement that gives one row or none.
    pub(crate) async fn query_opt(&self, sql: Sql, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// Runs a statement that gives no rows; returns how many it touched.
    pub(crate) async fn execute(&self, (doing, sql): Sql, values: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let fail = |source| self.place.host.failed(doing, source);
        let statement = self.connection().prepare_cached(sql).await.map_err(fail)?;
        self.connection().execute(&statement, values).await.map_err(fail)
    }

    /// Commits; what was written is acknowledged by this and by nothing else.
    pub(crate) async fn commit(mut self) -> Result<()> {
        const DOING: &str = "committing";
        let sql = "COMMIT; SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_current_wal_insert_lsn() - '0/0' END";
        self.ending = true;
        let ended = timeout(self.place.bound, self.connection().simple_query(sql)).await;
        let late = |_| Error::NoConnection { doing: DOING, reason: "no answer in time".to_owned() };
        let rows = ended.map_err(late)?.map_err(|source| self.place.host.failed(DOING, source))?;
        self.open = false;
        let lsn = rows.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).and_then(|lsn| lsn.parse().ok()),
            _ => None,
        });
        if let Some(timeline) = self.place.timeline {
            self.place.written.note(Position { timeline, lsn: lsn.unwrap_or(0) });
        }
        Ok(())
    }

    /// Gives up: nothing of it happened.
    pub(crate) async fn rollback(mut self) -> Result<()> {
        let done = self.connection().batch_execute("ROLLBACK").await;
        done.map_err(|source| self.place.host.failed("rolling back", source))?;
        self.open = false;
        Ok(())
    }

    fn connection(&self) -> &Object {
        self.connection.as_ref().expect(HELD)
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(|_| self.open) else { return };
        if self.ending {
            // A commit that waits would keep the connection's next user waiting: it is closed instead.
            drop(Object::take(connection));
            return;
        }
        // The transaction's end is unknown: the connection must not go back to the pool with it open. Polling
        // the query once queues ROLLBACK on the connection, before whatever its next user sends.
        let rollback = connection.batch_execute("ROLLBACK");
        let mut rollback = std::pin::pin!(rollback);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        drop(rollback.as_mut().poll(&mut context));
    }
}
