//! A transaction that is bound to one tenant.

use super::{
    host::Host,
    topology::{Position, Written},
};
use crate::{
    error::{Error, Result},
    metrics,
};
use deadpool_postgres::Object;
use futures::{StreamExt, future::join, poll};
use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};
use switchboard_shared::ids::TenantId;
use tokio::time::timeout;
use tokio_postgres::{Row, SimpleQueryMessage, SimpleQueryStream, Statement, types::ToSql};

/// What a statement does, for errors, and its text.
pub(crate) type Sql = (&'static str, &'static str);

/// Why there is always a connection.
const HELD: &str = "it is taken away only when the transaction is dropped";

/// Where a transaction is, and what is noted of it.
pub(super) struct Place {
    pub(super) host: Arc<Host>,
    /// The primary's timeline; `None` on a replica.
    pub(super) timeline: Option<u32>,
    /// Whether there are others to read from, which have to be as far as what was written last.
    pub(super) is_one_of_many: bool,
    pub(super) written: Written,
    /// How long a commit may take: it may wait for replicas that are not there, and no timeout of the server's ends that.
    pub(super) bound: Duration,
}

/// A transaction that is bound to one tenant: row-level security hides everybody else's rows.
///
/// Statements that are polled together go out together and are run in that order, so what does not depend on each other
/// takes one round trip; its beginning goes out with the first of them.
pub(crate) struct Tx {
    connection: Option<Object>,
    place: Place,
    beginning: Mutex<Option<Pin<Box<SimpleQueryStream>>>>,
    /// Statements that were begun and are not sent, since the connection learns them first.
    unsent: AtomicUsize,
    /// Statements whose rows are waited for.
    awaited: AtomicUsize,
    open: AtomicBool,
    /// Its end was asked for, and is not known.
    ending: AtomicBool,
}

impl Tx {
    pub(super) async fn begin(
        place: Place,
        doing: &'static str,
        tenant: &TenantId,
        begin: &str,
    ) -> Result<Self> {
        let connection = place.host.connection(doing).await?;
        // A tenant id is letters, digits, - _ . only, so it can stand in a literal. This is set without being planned.
        let sql = format!("{begin}; SET LOCAL app.tenant = '{tenant}'");
        // This does not wait: what comes of it is heard before the rows of the first statement.
        let beginning = connection.simple_query_raw(&sql).await;
        let beginning = beginning.map_err(|source| place.host.failed("beginning a transaction", source))?;
        metrics::TRANSACTIONS.with_label_values(&[doing]).inc();
        Ok(Self {
            connection: Some(connection),
            place,
            beginning: Mutex::new(Some(Box::pin(beginning))),
            unsent: AtomicUsize::new(0),
            awaited: AtomicUsize::new(0),
            open: AtomicBool::new(true),
            ending: AtomicBool::new(false),
        })
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
    pub(crate) async fn query(&self, sql: Sql, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let statement = self.prepared(sql).await?;
        let rows = self.connection().query(&statement, values).await;
        self.heard(sql.0, rows).await
    }

    /// Runs a statement that gives one row or none.
    pub(crate) async fn query_opt(&self, sql: Sql, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// Runs a statement that gives no rows; returns how many it touched.
    pub(crate) async fn execute(&self, sql: Sql, values: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let statement = self.prepared(sql).await?;
        let touched = self.connection().execute(&statement, values).await;
        self.heard(sql.0, touched).await
    }

    /// A statement as this connection knows it; whoever polls goes on to send it at once.
    async fn prepared(&self, (doing, sql): Sql) -> Result<Statement> {
        if self.ending.load(Relaxed) {
            return Err(Error::task(doing)("its transaction has ended"));
        }
        self.unsent.fetch_add(1, Relaxed);
        let statement = self.connection().prepare_cached(sql).await;
        self.unsent.fetch_sub(1, Relaxed);
        metrics::STATEMENTS.with_label_values(&[doing.strip_prefix("running ").unwrap_or(doing)]).inc();
        if self.awaited.fetch_add(1, Relaxed) == 0 {
            metrics::ROUND_TRIPS.inc();
        }
        statement.map_err(|source| self.place.host.failed(doing, source))
    }

    /// What came of a statement, and of the beginning that went before it.
    async fn heard<T>(&self, doing: &'static str, done: Result<T, tokio_postgres::Error>) -> Result<T> {
        self.awaited.fetch_sub(1, Relaxed);
        let done = done.map_err(|source| self.place.host.failed(doing, source))?;
        self.has_begun().await?;
        Ok(done)
    }

    async fn has_begun(&self) -> Result<()> {
        let beginning = self.beginning.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut beginning) = beginning else { return Ok(()) };
        while let Some(said) = beginning.next().await {
            said.map_err(|source| self.place.host.failed("beginning a transaction", source))?;
        }
        Ok(())
    }

    /// Commits; what was written is acknowledged by this and by nothing else.
    pub(crate) async fn commit(self) -> Result<()> {
        self.end().await
    }

    /// Runs its last statements and commits behind them in the same round trip. They must not depend on each other: none
    /// may be run after this. One that fails is the end of all of them: what the database refuses to run it does not
    /// commit, and what fails before it is sent is found before that.
    pub(crate) async fn commit_behind<T>(&self, last: impl Future<Output = Result<T>>) -> Result<T> {
        let mut last = pin!(last);
        let done = match poll!(last.as_mut()) {
            Poll::Pending if self.unsent.load(Relaxed) == 0 => {
                let (done, ended) = join(last, self.end()).await;
                return done.and_then(|done| ended.map(|()| done));
            }
            // A statement that this connection has still to learn.
            Poll::Pending => last.await,
            Poll::Ready(done) => done,
        }?;
        self.end().await?;
        Ok(done)
    }

    async fn end(&self) -> Result<()> {
        const DOING: &str = "committing";
        let sql = match self.place.timeline.is_some() && self.place.is_one_of_many {
            true => {
                "COMMIT; SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_current_wal_insert_lsn() - '0/0' END"
            }
            false => "COMMIT",
        };
        self.ending.store(true, Relaxed);
        if self.awaited.load(Relaxed) == 0 {
            metrics::ROUND_TRIPS.inc();
        }
        let ended = timeout(self.place.bound, self.connection().simple_query(sql)).await;
        let late = |_| Error::NoConnection { doing: DOING, reason: "no answer in time".to_owned() };
        let rows = ended.map_err(late)?.map_err(|source| self.place.host.failed(DOING, source))?;
        self.open.store(false, Relaxed);
        self.has_begun().await?;
        let lsn = rows.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).and_then(|lsn| lsn.parse().ok()),
            _ => None,
        });
        if let Some((timeline, lsn)) = self.place.timeline.zip(lsn) {
            self.place.written.note(Position { timeline, lsn });
        }
        Ok(())
    }

    /// Ends one that has only read. It is not waited for: what was read was there.
    pub(crate) fn leave(self) {
        self.say("COMMIT");
        self.open.store(false, Relaxed);
    }

    /// Gives up: nothing of it happened.
    pub(crate) async fn rollback(self) -> Result<()> {
        let done = self.connection().batch_execute("ROLLBACK").await;
        done.map_err(|source| self.place.host.failed("rolling back", source))?;
        self.open.store(false, Relaxed);
        Ok(())
    }

    fn connection(&self) -> &Object {
        self.connection.as_ref().expect(HELD)
    }

    /// Queues something on the connection, before whatever its next user sends: polling once does that.
    fn say(&self, sql: &str) {
        let said = pin!(self.connection().batch_execute(sql));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        drop(said.poll(&mut context));
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if !self.open.load(Relaxed) {
            return;
        }
        if self.ending.load(Relaxed) {
            // A commit that waits would keep the connection's next user waiting: it is closed instead.
            drop(self.connection.take().map(Object::take));
            return;
        }
        // The transaction's end is unknown: the connection must not go back to the pool with it open.
        self.say("ROLLBACK");
    }
}
