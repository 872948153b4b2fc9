//! HTTP/2 connections to one core. A peer allows only so many streams on a connection (often 100 to 250) and holds back
//! the rest without a word, so each connection gets a bounded number of ours, and one more stream opens another one.

use crate::config::CoresConfig;
use reqwest::Client;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// The connections of one core.
#[derive(Debug)]
pub struct Streams {
    /// A client keeps one HTTP/2 connection to one host.
    connections: Mutex<Vec<(Client, Arc<AtomicUsize>)>>,
    per_connection: usize,
    connect_timeout: Duration,
}

impl Streams {
    /// Makes the first client; it connects when it is used.
    ///
    /// # Errors
    /// When the client cannot be built.
    pub fn new(config: &CoresConfig) -> Result<Self, reqwest::Error> {
        let connect_timeout = Duration::from_millis(config.connect_timeout_ms);
        let first = (client(connect_timeout)?, Arc::default());
        Ok(Self {
            connections: Mutex::new(vec![first]),
            per_connection: config.streams_per_connection,
            connect_timeout,
        })
    }

    /// Takes a slot on the fullest connection that has one.
    #[must_use]
    pub fn take(&self) -> Slot {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let free = connections.iter().find(|(_, used)| used.load(Ordering::Relaxed) < self.per_connection);
        if let Some((client, used)) = free {
            return Slot::new(client.clone(), used.clone());
        }
        match client(self.connect_timeout) {
            Ok(client) => {
                let used = Arc::new(AtomicUsize::new(0));
                connections.push((client.clone(), used.clone()));
                Slot::new(client, used)
            }
            Err(error) => {
                tracing::warn!(%error, "no further connection could be made; an old one is overfilled");
                let (client, used) = &connections[0];
                Slot::new(client.clone(), used.clone())
            }
        }
    }
}

fn client(connect_timeout: Duration) -> Result<Client, reqwest::Error> {
    Client::builder()
        .http2_prior_knowledge()
        // Cores are asked without TLS here; each client would keep all certificates that the system trusts.
        .tls_certs_only([])
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect_timeout)
        .tcp_nodelay(true)
        // A host that vanished without a word is noticed within seconds.
        .http2_keep_alive_interval(Duration::from_secs(5))
        .http2_keep_alive_timeout(Duration::from_secs(5))
        .build()
}

/// One stream's share of a connection, free again when dropped.
#[derive(Debug)]
pub struct Slot {
    /// The client whose one connection it is.
    pub client: Client,
    used: Arc<AtomicUsize>,
}

impl Slot {
    fn new(client: Client, used: Arc<AtomicUsize>) -> Self {
        used.fetch_add(1, Ordering::Relaxed);
        Self { client, used }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.used.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_connection_makes_room_for_another_one() {
        let mut config = crate::config::sample().cores;
        config.streams_per_connection = 2;
        let streams = Streams::new(&config).unwrap();
        let slots: Vec<_> = (0..5).map(|_| streams.take()).collect();
        assert_eq!(streams.connections.lock().unwrap().len(), 3);
        drop(slots);
        drop(streams.take());
        assert_eq!(streams.connections.lock().unwrap().len(), 3);
    }
}
