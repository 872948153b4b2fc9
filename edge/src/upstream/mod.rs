//! The cores behind this edge: which are healthy, and which one is asked next.
//!
//! - [`health`]: asks each core whether it is well
//! - [`streams`]: HTTP/2 connections to a core, shared by event streams and sends
//! - [`call`]: one idempotent call, tried on one core after another
//! - [`report`]: how this edge is, said to the cores
//! - [`revocations`]: what was taken back, as the cores know it
//! - [`wire`]: the connection under a client's event stream, which ends with the edge

pub mod call;
pub mod health;
pub mod report;
pub mod revocations;
pub mod streams;
pub mod wire;

use crate::{config::CoresConfig, metrics::METRICS};
use arc_swap::ArcSwapOption;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use streams::Streams;
use url::Url;

/// One core.
#[derive(Debug)]
pub struct Core {
    /// Its place in the configuration, from 0: short enough for a metric label.
    pub index: usize,
    /// Its address, as configured.
    pub url: Url,
    /// `host:port`, as its requests name it.
    pub authority: String,
    /// Its HTTP/2 connections.
    pub streams: Streams,
    address: ArcSwapOption<SocketAddr>,
    healthy: AtomicBool,
    load: AtomicUsize,
}

impl Core {
    /// Where it is, as last resolved.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address.load().as_deref().copied()
    }

    /// Takes the core out of the choice until it answers a health check again.
    pub fn mark_down(&self, why: &str) {
        if self.healthy.swap(false, Ordering::Relaxed) {
            tracing::warn!(core = %self.url, why, "a core is taken out of the choice");
        }
        self.gauge(0);
    }

    fn mark_up(&self, address: SocketAddr) {
        self.address.store(Some(Arc::new(address)));
        if !self.healthy.swap(true, Ordering::Relaxed) {
            tracing::info!(core = %self.url, "a core is in the choice");
        }
        self.gauge(1);
    }

    fn gauge(&self, value: i64) {
        METRICS.core_healthy.with_label_values(&[&self.authority]).set(value);
    }
}

/// All cores.
#[derive(Debug)]
pub struct Cores {
    cores: Vec<Arc<Core>>,
    next: AtomicUsize,
}

impl Cores {
    /// Knows the configured cores; none is healthy before its first health check.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(config: &CoresConfig) -> Result<Self, reqwest::Error> {
        let cores = config.urls.iter().enumerate().map(|(index, url)| {
            let host = url.host_str().unwrap_or_default();
            Ok(Arc::new(Core {
                index,
                url: url.clone(),
                authority: format!("{host}:{}", url.port_or_known_default().unwrap_or(80)),
                streams: Streams::new(config)?,
                address: ArcSwapOption::empty(),
                healthy: AtomicBool::new(false),
                load: AtomicUsize::new(0),
            }))
        });
        Ok(Self { cores: cores.collect::<Result<_, reqwest::Error>>()?, next: AtomicUsize::new(0) })
    }

    /// Every core.
    #[must_use]
    pub fn all(&self) -> &[Arc<Core>] {
        &self.cores
    }

    /// Whether any core is healthy.
    #[must_use]
    pub fn any_healthy(&self) -> bool {
        self.cores.iter().any(|core| core.healthy.load(Ordering::Relaxed))
    }

    /// Chooses the healthy core with the least to do that has not been tried; among equals, the next in turn.
    #[must_use]
    pub fn choose(&self, tried: &[usize]) -> Option<Lease> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.cores.len();
        (0..count)
            .map(|step| &self.cores[(turn + step) % count])
            .filter(|core| core.healthy.load(Ordering::Relaxed) && !tried.contains(&core.index))
            .min_by_key(|core| core.load.load(Ordering::Relaxed))
            .map(|core| Lease::new(core.clone()))
    }
}

/// A core that was chosen for a request or a stream; counts towards its load until dropped.
#[derive(Debug)]
pub struct Lease(Arc<Core>);

impl Lease {
    fn new(core: Arc<Core>) -> Self {
        core.load.fetch_add(1, Ordering::Relaxed);
        Self(core)
    }
}

impl std::ops::Deref for Lease {
    type Target = Arc<Core>;
    fn deref(&self) -> &Arc<Core> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.load.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(count: usize) -> Cores {
        let mut config = crate::config::sample().cores;
        config.urls = (0..count).map(|i| format!("http://127.0.0.1:{}", 8000 + i).parse().unwrap()).collect();
        Cores::new(&config).unwrap()
    }

    #[test]
    fn the_choice_is_healthy_least_loaded_and_untried() {
        let cores = cores(3);
        assert!(cores.choose(&[]).is_none() && !cores.any_healthy());
        for core in cores.all() {
            core.mark_up("127.0.0.1:1".parse().unwrap());
        }
        let leases: Vec<_> = (0..3).map(|_| cores.choose(&[]).unwrap()).collect();
        let mut chosen: Vec<_> = leases.iter().map(|lease| lease.index).collect();
        chosen.sort_unstable();
        assert_eq!(chosen, [0, 1, 2]);
        cores.all()[1].mark_down("test");
        assert_eq!(cores.choose(&[0]).unwrap().index, 2);
        assert!(cores.choose(&[0, 2]).is_none());
    }
}
