//! The hosts as the rest of the core sees them: the one for a piece of work is chosen by its role.
//!
//! - [`Store::write`]: the primary, found by asking each host what it is; without one, a place in a bounded queue
//! - [`Reads`]: a replica or the primary, as fresh as its [`View`] says, and another host when one fails

pub(crate) use super::tx::Sql;

use super::{
    choice::{Choice, View, order},
    host::Host,
    lookout::Lookout,
    patience::Patience,
    topology::{Topology, Written},
    tx::{Place, Tx},
};
use crate::{
    config::PostgresConfig,
    error::{Error, Result},
    metrics::READS,
    no_writer::NoWriter,
};
use deadpool_postgres::Object;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use switchboard_shared::{
    api::{HostRole, PostgresHost},
    ids::TenantId,
    shutdown::Shutdown,
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep, timeout},
};

/// How long a replica is waited for that has not replayed yet what is wanted of it, ...
const OWN_WAIT: Duration = Duration::from_millis(50);
/// ... and how often it is asked.
const OWN_LOOK: Duration = Duration::from_millis(10);

/// Postgres, as the rest of the core sees it.
#[derive(Clone)]
pub(crate) struct Store {
    lookout: Arc<Lookout>,
    written: Written,
    /// Who waits for a writer.
    queue: Arc<Semaphore>,
    turn: Arc<AtomicUsize>,
    config: Arc<PostgresConfig>,
}

impl Store {
    /// Makes the pools; connects to nothing yet.
    pub(crate) fn new(config: &PostgresConfig) -> Result<Self> {
        let no = |reason| Error::NoConnection { doing: "reading the files of [postgres]", reason };
        let tls = super::tls::connector(config).map_err(|error| no(error.to_string()))?;
        let hosts = config.urls.iter().enumerate();
        let hosts = hosts.map(|(i, url)| Host::new(i, url.expose(), config, &tls).map(Arc::new));
        Ok(Self {
            lookout: Arc::new(Lookout::new(hosts.collect::<Result<_>>()?, config.lost)),
            written: Written::default(),
            queue: Arc::new(Semaphore::new(config.writer_queue)),
            turn: Arc::default(),
            config: Arc::new(config.clone()),
        })
    }

    /// Begins to look after the hosts; waits a moment until there is one to write to.
    pub(crate) async fn begin(&self, shutdown: &Shutdown) {
        self.lookout.begin(shutdown);
        let mut writable = self.lookout.writable.subscribe();
        // Without one it goes on, and reads.
        drop(timeout(self.config.wait, writable.wait_for(|writable| *writable)).await);
    }

    /// What each host is, as this core sees it.
    pub(crate) fn hosts(&self) -> Vec<PostgresHost> {
        let topology = self.lookout.topology();
        let of_host = |(i, host): (usize, &Arc<Host>)| {
            let replica = topology.replicas.iter().find(|replica| replica.host == i);
            let role = match topology.writer {
                Some(writer) if writer == i => HostRole::Writer,
                _ if replica.is_some() => HostRole::Replica,
                _ => HostRole::Away,
            };
            let lag_ms = replica.map(|replica| u64::try_from(replica.lag.as_millis()).unwrap_or(u64::MAX));
            PostgresHost { host: host.name.clone(), role, lag_ms }
        };
        self.lookout.hosts.iter().enumerate().map(of_host).collect()
    }

    /// Whether there is a host to write to.
    pub(crate) fn writable(&self) -> watch::Receiver<bool> {
        self.lookout.writable.subscribe()
    }

    /// A transaction on the primary, bound to `tenant`.
    pub(crate) async fn write(&self, tenant: &TenantId) -> Result<Tx> {
        let (host, timeline) = self.primary()?;
        Tx::begin(self.place(host, Some(timeline)), "writing", tenant, "BEGIN").await
    }

    /// The first host of those that will do; one that failed comes last.
    async fn begin_reading(
        &self,
        tenant: &TenantId,
        view: View,
        failed: &mut Vec<usize>,
    ) -> Result<(Tx, usize)> {
        let topology = self.lookout.topology();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut choices = order(&topology, view, turn, self.config.max_lag);
        choices.sort_by_key(|choice| failed.contains(&choice.host));
        let mut last = None;
        for choice in choices {
            match self.begin_on(tenant, &topology, choice).await {
                Ok(Some(tx)) => {
                    READS.with_label_values(&[choice.to, choice.why]).inc();
                    return Ok((tx, choice.host));
                }
                Ok(None) => {}
                Err(error) if error.is_transient() => {
                    failed.push(choice.host);
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| nobody("reading")))
    }

    /// Begins on one host; `None` when it has not replayed in time what is wanted of it.
    async fn begin_on(&self, tenant: &TenantId, topology: &Topology, choice: Choice) -> Result<Option<Tx>> {
        let wanted = match choice.if_own {
            true => self.written.wanted(topology.timeline),
            false => Some(0),
        };
        let (Some(wanted), Some(host)) = (wanted, self.lookout.hosts.get(choice.host)) else {
            return Ok(None);
        };
        let timeline = (topology.writer == Some(choice.host)).then_some(topology.timeline);
        let place = self.place(Arc::clone(host), timeline);
        let tx = Tx::begin(place, "reading", tenant, "BEGIN READ ONLY").await?;
        if wanted == 0 || has(topology, choice.host, wanted) {
            return Ok(Some(tx));
        }
        let deadline = Instant::now() + OWN_WAIT;
        while tx.replayed().await? < wanted {
            if Instant::now() >= deadline {
                tx.rollback().await?;
                return Ok(None);
            }
            sleep(OWN_LOOK).await;
        }
        Ok(Some(tx))
    }

    /// A connection to the primary that is bound to no tenant yet.
    pub(super) async fn writer(&self, doing: &'static str) -> Result<Object> {
        self.primary()?.0.connection(doing).await
    }

    /// A connection to whoever answers, the primary first.
    pub(super) async fn anyone(&self, doing: &'static str) -> Result<Object> {
        let mut last = None;
        for choice in order(&self.lookout.topology(), View::Latest, 0, self.config.max_lag) {
            match self.lookout.hosts[choice.host].connection(doing).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| nobody(doing)))
    }

    /// The role that every connection works as.
    pub(super) fn role(&self) -> &str {
        &self.config.role
    }

    fn primary(&self) -> Result<(Arc<Host>, u32)> {
        let topology = self.lookout.topology();
        let host = topology.writer.and_then(|writer| self.lookout.hosts.get(writer));
        host.map(|host| (Arc::clone(host), topology.timeline)).ok_or_else(|| self.no_writer())
    }

    fn no_writer(&self) -> Error {
        Error::NoWriter(NoWriter::new(&self.queue, &self.lookout.writable))
    }

    fn place(&self, host: Arc<Host>, timeline: Option<u32>) -> Place {
        let (written, is_one_of_many) = (self.written.clone(), self.lookout.hosts.len() > 1);
        Place { host, timeline, is_one_of_many, written, bound: self.config.statement }
    }
}

/// One reading, in one transaction on one host; when that fails on another one, for as long as a request is tried. It may
/// be repeated. The macro `reading!` does it.
pub(crate) struct Reads<'a> {
    store: &'a Store,
    tenant: &'a TenantId,
    view: View,
    patience: Patience,
    host: Option<usize>,
    failed: Vec<usize>,
}

impl<'a> Reads<'a> {
    pub(crate) fn of(store: &'a Store, tenant: &'a TenantId, view: View) -> Self {
        let patience = Patience::until(Instant::now() + store.config.patience);
        Self { store, tenant, view, patience, host: None, failed: Vec::new() }
    }

    /// A transaction on the best host that has not failed.
    pub(crate) async fn begin(&mut self) -> Result<Tx> {
        self.host = None;
        let (tx, host) = self.store.begin_reading(self.tenant, self.view, &mut self.failed).await?;
        self.host = Some(host);
        Ok(tx)
    }

    /// Whether to read again, elsewhere.
    pub(crate) async fn again(&mut self, error: &Error) -> bool {
        self.failed.extend(self.host.filter(|_| error.is_transient()));
        self.patience.again(error).await
    }
}

/// Readers take no place from those who wait to write.
fn nobody(doing: &'static str) -> Error {
    Error::NoConnection { doing, reason: "no host answers".to_owned() }
}

/// Whether a replica was seen to have it, without asking it again.
fn has(topology: &Topology, host: usize, wanted: u64) -> bool {
    topology.replicas.iter().any(|replica| replica.host == host && replica.replayed >= wanted)
}
