//! Looks after the hosts: each is asked by a task of its own what it is, so that one that is frozen delays none of the
//! others; what they say together is published as one topology.

use super::{
    host::Host,
    tls::full,
    topology::{Known, Said, Topology},
};
use crate::metrics::{LAG, ROLES};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::shutdown::Shutdown;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_postgres::Client;

/// How often a host is asked.
const EVERY: Duration = Duration::from_millis(250);
/// How long it has to answer, before it is asked again on a new connection.
const ANSWER: Duration = Duration::from_millis(750);
/// It is not asked more often than this, however much fails on it.
const AT_MOST_EVERY: Duration = Duration::from_millis(25);

/// All hosts, and what they are.
pub(super) struct Lookout {
    pub(super) hosts: Vec<Arc<Host>>,
    known: Mutex<Known>,
    topology: watch::Sender<Arc<Topology>>,
    pub(super) writable: watch::Sender<bool>,
    /// After how long without an answer a host is left.
    lost: Duration,
}

impl Lookout {
    pub(super) fn new(hosts: Vec<Arc<Host>>, lost: Duration) -> Self {
        let known = Mutex::new(Known::new(hosts.len()));
        Self { hosts, known, topology: watch::Sender::default(), writable: watch::Sender::new(false), lost }
    }

    /// What holds now.
    pub(super) fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.topology.borrow())
    }

    /// Begins to look after each host, until told to stop.
    pub(super) fn begin(self: &Arc<Self>, shutdown: &Shutdown) {
        for i in 0..self.hosts.len() {
            let (lookout, token) = (Arc::clone(self), shutdown.token.clone());
            shutdown.tasks.spawn(async move { token.run_until_cancelled(lookout.look_after(i)).await });
        }
    }

    async fn look_after(&self, i: usize) {
        let host = &self.hosts[i];
        let (mut kept, mut answered, mut lost): (Option<Client>, _, _) = (None, Instant::now(), false);
        loop {
            host.count();
            let gone = match timeout(ANSWER, host.ask(&mut kept)).await {
                Ok(Ok(said)) => {
                    (answered, lost) = (Instant::now(), false);
                    self.hear(i, Some(said));
                    None
                }
                Ok(Err(error)) if is_gone(&error) => Some(full(&error)),
                Ok(Err(error)) => (answered.elapsed() >= self.lost).then(|| full(&error)),
                Err(_) => (answered.elapsed() >= self.lost).then(|| "no answer in time".to_owned()),
            };
            if let Some(reason) = gone
                && !std::mem::replace(&mut lost, true)
            {
                tracing::error!(host = host.name, reason, "a database host does not answer");
                self.hear(i, None);
                host.leave();
            }
            sleep(AT_MOST_EVERY).await;
            // Either way it is asked next.
            drop(timeout(EVERY, host.look.notified()).await);
        }
    }

    fn hear(&self, i: usize, said: Option<Said>) {
        // One after another, so that what is published last is what was heard last.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.topology();
        let now = known.hear(i, said, Instant::now());
        self.show(&now);
        let (writer, timeline) = (now.writer, now.timeline);
        let changed = writer.is_some() && (writer, timeline) != (before.writer, before.timeline);
        self.topology.send_replace(Arc::new(now));
        self.writable
            .send_if_modified(|writable| std::mem::replace(writable, writer.is_some()) != writer.is_some());
        if changed && let Some(host) = writer.and_then(|writer| self.hosts.get(writer)) {
            tracing::warn!(host = host.name, timeline, "this host is the writer now");
        }
        // Whoever wrote on the old one must not go on there, whatever it takes itself for.
        let old = before.writer.filter(|old| writer.is_some() && writer != Some(*old));
        if let Some(old) = old.and_then(|old| self.hosts.get(old)) {
            old.leave();
        }
    }

    fn show(&self, topology: &Topology) {
        for (i, host) in self.hosts.iter().enumerate() {
            let replica = topology.replicas.iter().find(|replica| replica.host == i);
            for (role, is) in [("writer", topology.writer == Some(i)), ("replica", replica.is_some())] {
                ROLES.with_label_values(&[host.name.as_str(), role]).set(is.into());
            }
            let lag = replica.map_or(0, |replica| replica.lag.as_millis());
            LAG.with_label_values(&[host.name.as_str()]).set(i64::try_from(lag).unwrap_or(i64::MAX));
        }
    }
}

/// Nobody is there, or it goes or has not come yet. A host that is there and refuses for other reasons, such as too many
/// connections, may still work for those that there are.
fn is_gone(error: &tokio_postgres::Error) -> bool {
    error.code().is_none_or(|state| state.code().starts_with("57P"))
}
