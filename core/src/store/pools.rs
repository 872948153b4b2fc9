//! Pools of connections: one per host, and the host for a piece of work is chosen by its role.
//!
//! - [`Store::write`]: the primary, found by asking each host whether it is in recovery
//! - [`Store::read`]: any host; rows may be a moment old
//! - [`Store::read_own`]: a replica that has replayed what this core has written, else the primary
//! - [`Store::read_latest`]: the primary, else any host: for readers who were told of other cores' writes

use crate::{
    config::PostgresConfig,
    error::{Error, Result},
    metrics::CONNECTIONS,
    store::tls::full,
};
use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use std::future::Future;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use switchboard_shared::{ids::TenantId, shutdown::Shutdown};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{Row, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How often every host is asked for its role.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// How long a host has to say it.
const PROBE_TIME: Duration = Duration::from_millis(1_000);

/// Postgres, as the rest of the core sees it.
#[derive(Clone)]
pub(crate) struct Store {
    hosts: Arc<Vec<Host>>,
    writer: Arc<AtomicUsize>,
    written: Arc<AtomicU64>,
    role: Arc<str>,
}

struct Host {
    name: String,
    pool: Pool,
    healthy: AtomicBool,
    replica: AtomicBool,
    replayed: AtomicU64,
}

impl Store {
    /// Makes the pools; connects to nothing yet.
    pub(crate) fn new(config: &PostgresConfig) -> Result<Self> {
        let no = |reason| Error::NoConnection { doing: "reading the files of [postgres]", reason };
        let tls = super::tls::connector(config).map_err(|error| no(error.to_string()))?;
        let hosts = config.urls.iter().enumerate().map(|(i, url)| Host::new(i, url.expose(), config, &tls));
        Ok(Self {
            hosts: Arc::new(hosts.collect::<Result<_>>()?),
            writer: Arc::default(),
            written: Arc::default(),
            role: config.role.as_str().into(),
        })
    }

    /// Asks the hosts for their roles until told to stop.
    pub(crate) async fn probe_hosts(self, shutdown: Shutdown) {
        loop {
            for (i, host) in self.hosts.iter().enumerate() {
                self.probe(i, host).await;
            }
            tokio::select! {
                () = sleep(PROBE_EVERY) => {}
                () = shutdown.token.cancelled() => return,
            }
        }
    }

    /// A transaction on the primary, bound to `tenant`.
    pub(crate) async fn write(&self, tenant: &TenantId) -> Result<Tx> {
        let host = &self.hosts[self.writer.load(Ordering::Relaxed)];
        Tx::begin(host.connection("writing").await?, tenant, "BEGIN", Arc::clone(&self.written)).await
    }

    /// A read-only transaction on any host, replicas first: what it sees may be a moment old.
    pub(crate) async fn read(&self, tenant: &TenantId) -> Result<Tx> {
        self.read_since(tenant, 0).await
    }

    /// A read-only transaction that sees everything this core has committed.
    pub(crate) async fn read_own(&self, tenant: &TenantId) -> Result<Tx> {
        self.read_since(tenant, self.written.load(Ordering::Acquire)).await
    }

    /// Reads in one transaction that sees everything this core has committed.
    pub(crate) async fn reading<T>(
        &self,
        tenant: &TenantId,
        read: impl AsyncFnOnce(&Tx) -> Result<T>,
    ) -> Result<T> {
        let tx = self.read_own(tenant).await?;
        let found = read(&tx).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// A read-only transaction on the primary: it sees what every core has committed. While there is no primary, on
    /// any host, since an old view is better than none.
    pub(crate) async fn read_latest(&self, tenant: &TenantId) -> Result<Tx> {
        let host = &self.hosts[self.writer.load(Ordering::Relaxed)];
        let begun = async {
            let connection = host.connection("reading").await?;
            Tx::begin(connection, tenant, "BEGIN READ ONLY", Arc::clone(&self.written)).await
        };
        match begun.await {
            Err(error) if error.is_transient() && self.hosts.len() > 1 => self.read(tenant).await,
            begun => begun,
        }
    }

    async fn read_since(&self, tenant: &TenantId, written: u64) -> Result<Tx> {
        let caught_up = self.hosts.iter().find(|host| {
            host.replica.load(Ordering::Relaxed)
                && host.healthy.load(Ordering::Relaxed)
                && host.replayed.load(Ordering::Acquire) >= written
        });
        let host = caught_up.unwrap_or(&self.hosts[self.writer.load(Ordering::Relaxed)]);
        let begin = "BEGIN READ ONLY";
        Tx::begin(host.connection("reading").await?, tenant, begin, Arc::clone(&self.written)).await
    }

    /// A connection to the primary that is bound to no tenant yet.
    pub(super) async fn writer(&self, doing: &'static str) -> Result<Object> {
        self.hosts[self.writer.load(Ordering::Relaxed)].connection(doing).await
    }

    /// The role that every connection works as.
    pub(super) fn role(&self) -> &str {
        &self.role
    }

    async fn probe(&self, i: usize, host: &Host) {
        let status = host.pool.status();
        for (state, count) in [("open", status.size), ("idle", status.available), ("waiting", status.waiting)]
        {
            CONNECTIONS
                .with_label_values(&[host.name.as_str(), state])
                .set(count.try_into().unwrap_or(i64::MAX));
        }
        match timeout(PROBE_TIME, host.role()).await {
            Ok(Ok((in_recovery, replayed))) => {
                host.healthy.store(true, Ordering::Relaxed);
                host.replica.store(in_recovery, Ordering::Relaxed);
                host.replayed.store(replayed, Ordering::Release);
                if !in_recovery && self.writer.swap(i, Ordering::Relaxed) != i {
                    tracing::warn!(host = host.name, "this host is the writer now");
                    for other in self.hosts.iter().filter(|other| other.name != host.name) {
                        other.pool.retain(|_, _| false);
                    }
                }
            }
            Ok(Err(error)) => host.lost(&error.to_string()),
            Err(_) => host.lost("no answer in time"),
        }
    }
}

impl Host {
    fn new(i: usize, url: &str, config: &PostgresConfig, tls: &MakeRustlsConnect) -> Result<Self> {
        let no = |reason: String| Error::NoConnection { doing: "configuring postgres.urls", reason };
        let mut connect: tokio_postgres::Config =
            url.parse().map_err(|e: tokio_postgres::Error| no(e.to_string()))?;
        connect
            .application_name("switchboard-core")
            .connect_timeout(config.connect)
            .tcp_user_timeout(Duration::from_secs(3))
            .keepalives_idle(Duration::from_secs(2))
            .options(format!(
                "-c role={} -c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} -c timezone=UTC",
                config.role,
                config.statement.as_millis(),
                config.lock.as_millis(),
                config.idle.as_millis()
            ));
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(connect, tls.clone(), recycling);
        let pool = Pool::builder(manager)
            .max_size(config.pool_max)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(config.wait),
                // Of the whole creation: tokio-postgres bounds the TCP connection alone, not TLS and what follows.
                create: Some(config.connect),
                recycle: Some(Duration::from_secs(1)),
            })
            .build()
            .map_err(|error| no(error.to_string()))?;
        Ok(Self {
            name: format!("host{i}"),
            pool,
            healthy: AtomicBool::new(true),
            replica: AtomicBool::new(false),
            replayed: AtomicU64::new(0),
        })
    }

    async fn connection(&self, doing: &'static str) -> Result<Object> {
        let got = self.pool.get().await;
        got.map_err(|error| {
            let reason = match &error {
                PoolError::Backend(error) => full(error),
                error => error.to_string(),
            };
            Error::NoConnection { doing, reason: format!("{}: {reason}", self.name) }
        })
    }

    async fn role(&self) -> Result<(bool, u64)> {
        let connection = self.connection("asking for the role").await?;
        let sql = "SELECT pg_is_in_recovery(), coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint";
        let row = connection.query_one(sql, &[]).await;
        let row = row.map_err(|source| Error::Database { doing: "asking for the role", source })?;
        Ok((row.get(0), u64::try_from(row.get::<_, i64>(1)).unwrap_or(0)))
    }

    fn lost(&self, reason: &str) {
        if self.healthy.swap(false, Ordering::Relaxed) {
            tracing::error!(host = self.name, reason, "a database host does not answer");
        }
    }
}

/// A transaction that is bound to one tenant: row-level security hides everybody else's rows.
pub(crate) struct Tx {
    connection: Object,
    written: Arc<AtomicU64>,
    open: bool,
}

impl Tx {
    async fn begin(
        connection: Object,
        tenant: &TenantId,
        begin: &str,
        written: Arc<AtomicU64>,
    ) -> Result<Self> {
        // A tenant id is letters, digits, - _ . only, so it can stand in a literal; one round trip instead of two.
        let sql = format!("{begin}; SELECT set_config('app.tenant', '{tenant}', true)");
        let tx = Self { connection, written, open: true };
        let begun = tx.connection.batch_execute(&sql).await;
        begun.map_err(|source| Error::Database { doing: "beginning a transaction", source })?;
        Ok(tx)
    }

    /// Runs a statement and reads its rows.
    pub(crate) async fn query(&self, (doing, sql): Sql, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let fail = |source| Error::Database { doing, source };
        let statement = self.connection.prepare_cached(sql).await.map_err(fail)?;
        self.connection.query(&statement, values).await.map_err(fail)
    }

    /// Runs a statement that gives one row or none.
    pub(crate) async fn query_opt(&self, sql: Sql, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// Runs a statement that gives no rows; returns how many it touched.
    pub(crate) async fn execute(&self, (doing, sql): Sql, values: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let fail = |source| Error::Database { doing, source };
        let statement = self.connection.prepare_cached(sql).await.map_err(fail)?;
        self.connection.execute(&statement, values).await.map_err(fail)
    }

    /// Commits; what was written is acknowledged by this and by nothing else.
    pub(crate) async fn commit(mut self) -> Result<()> {
        let sql = "COMMIT; SELECT CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_current_wal_insert_lsn() - '0/0' END";
        let rows = self.connection.simple_query(sql).await;
        let rows = rows.map_err(|source| Error::Database { doing: "committing", source })?;
        self.open = false;
        let lsn = rows.iter().rev().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).and_then(|lsn| lsn.parse().ok()),
            _ => None,
        });
        self.written.fetch_max(lsn.unwrap_or(0), Ordering::AcqRel);
        Ok(())
    }

    /// Gives up: nothing of it happened.
    pub(crate) async fn rollback(mut self) -> Result<()> {
        let done = self.connection.batch_execute("ROLLBACK").await;
        done.map_err(|source| Error::Database { doing: "rolling back", source })?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if self.open {
            // The transaction's end is unknown: the connection must not go back to the pool with it open. Polling
            // the query once queues ROLLBACK on the connection, before whatever its next user sends.
            let rollback = self.connection.batch_execute("ROLLBACK");
            let mut rollback = std::pin::pin!(rollback);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            drop(rollback.as_mut().poll(&mut context));
        }
    }
}

/// How long work is tried again that fails for reasons that pass.
pub(crate) struct Patience {
    deadline: Instant,
    pause: Duration,
}

impl Patience {
    pub(crate) fn until(deadline: Instant) -> Self {
        Self { deadline, pause: Duration::from_millis(20) }
    }

    /// Whether to try again; waits a moment first.
    pub(crate) async fn again(&mut self, error: &Error) -> bool {
        if !error.is_transient() || Instant::now() + self.pause >= self.deadline {
            return false;
        }
        tracing::warn!(%error, "the database failed for a reason that may pass; trying again");
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_millis(500));
        true
    }
}

/// What a statement does, for errors, and its text.
pub(crate) type Sql = (&'static str, &'static str);
