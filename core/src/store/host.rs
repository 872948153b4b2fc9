//! One host of Postgres: its pool, a connection of its own for asking what it is, and the line that all of them hang on.

use super::{tls::full, topology::Said};
use crate::{
    config::PostgresConfig,
    error::{Error, Result, is_transient},
    metrics::CONNECTIONS,
};
use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use futures::future::BoxFuture;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_postgres::{Client, Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What a host is asked: whether it is a replica, how far it is, and on which timeline. The control file of a primary has
/// its timeline only from its first checkpoint on, so there the name of the segment that is written says it.
const ASK: &str = "SELECT r, \
     CASE WHEN r THEN coalesce(pg_last_wal_replay_lsn() - '0/0', 0) ELSE pg_current_wal_insert_lsn() - '0/0' END, \
     CASE WHEN r THEN (SELECT greatest(c.timeline_id, v.min_recovery_end_timeline)::bigint \
                       FROM pg_control_checkpoint() c, pg_control_recovery() v) \
          ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END \
     FROM (SELECT pg_is_in_recovery() AS r) AS host";

/// One host.
pub(super) struct Host {
    pub(super) name: String,
    pool: Pool,
    connect: Config,
    line: Arc<Line>,
    /// Somebody has met a failure that the next look at the host should explain; it is not waited for.
    pub(super) look: Notify,
}

impl Host {
    pub(super) fn new(i: usize, url: &str, config: &PostgresConfig, tls: &MakeRustlsConnect) -> Result<Self> {
        let no = |reason: String| Error::NoConnection { doing: "configuring postgres.urls", reason };
        let mut connect: Config = url.parse().map_err(|e: tokio_postgres::Error| no(e.to_string()))?;
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
        let line = Arc::new(Line { tls: tls.clone(), tasks: TaskTracker::new(), cut: Mutex::default() });
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(connect.clone(), Connector(Arc::clone(&line)), recycling);
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
        Ok(Self { name: format!("host{i}"), pool, connect, line, look: Notify::new() })
    }

    /// A connection of the pool; who waits for one hears when the host is left.
    pub(super) async fn connection(&self, doing: &'static str) -> Result<Object> {
        let cut = self.line.now();
        let got = cut.run_until_cancelled(self.pool.get()).await;
        let reason = match got {
            Some(Ok(connection)) => return Ok(connection),
            Some(Err(PoolError::Backend(error))) => full(&error),
            Some(Err(error)) => error.to_string(),
            None => "it was left".to_owned(),
        };
        self.look.notify_one();
        Err(Error::NoConnection { doing, reason: format!("{}: {reason}", self.name) })
    }

    /// Makes the error of something that failed here. A failure that says that the host is not what it was has it
    /// looked at now.
    pub(super) fn failed(&self, doing: &'static str, source: tokio_postgres::Error) -> Error {
        if is_transient(&source) {
            self.look.notify_one();
        }
        Error::Database { doing, source }
    }

    /// Breaks off whatever runs on this host, so that it is tried elsewhere: nothing else ends what waits for a process
    /// that is frozen, whose kernel goes on acknowledging.
    pub(super) fn leave(&self) {
        self.line.cut();
        self.pool.retain(|_, _| false);
    }

    /// Asks the host what it is, on the connection that was used before or on a new one.
    pub(super) async fn ask(&self, kept: &mut Option<Client>) -> Result<Said, tokio_postgres::Error> {
        if let Some(client) = kept.take()
            && let Ok(said) = said(&client).await
        {
            *kept = Some(client);
            return Ok(said);
        }
        let (client, _) = self.line.connect(&self.connect).await?;
        let said = said(&client).await?;
        *kept = Some(client);
        Ok(said)
    }

    /// Shows how many connections there are.
    pub(super) fn count(&self) {
        let status = self.pool.status();
        for (state, count) in [("open", status.size), ("idle", status.available), ("waiting", status.waiting)]
        {
            let gauge = CONNECTIONS.with_label_values(&[self.name.as_str(), state]);
            gauge.set(count.try_into().unwrap_or(i64::MAX));
        }
    }
}

async fn said(client: &Client) -> Result<Said, tokio_postgres::Error> {
    let answer = client.simple_query(ASK).await?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let field = |at| row.and_then(|row| row.get(at)).unwrap_or_default();
    Ok(Said {
        in_recovery: field(0) == "t",
        lsn: field(1).parse().unwrap_or(0),
        timeline: field(2).parse().unwrap_or(0),
    })
}

/// What every connection to a host hangs on.
struct Line {
    tls: MakeRustlsConnect,
    tasks: TaskTracker,
    cut: Mutex<CancellationToken>,
}

impl Line {
    fn now(&self) -> CancellationToken {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends all connections that were begun until now; their users are told that they are closed.
    fn cut(&self) {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *cut).cancel();
    }

    async fn connect(&self, config: &Config) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        let cut = self.now();
        let (client, connection) = config.connect(self.tls.clone()).await?;
        let driven = self.tasks.spawn(async move {
            if let Some(Err(error)) = cut.run_until_cancelled(connection).await {
                tracing::debug!(%error, "a connection to the database broke");
            }
        });
        Ok((client, driven))
    }
}

/// Makes the connections of a pool.
struct Connector(Arc<Line>);

impl Connect for Connector {
    fn connect(
        &self,
        config: &Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        let config = config.clone();
        Box::pin(async move { self.0.connect(&config).await })
    }
}
