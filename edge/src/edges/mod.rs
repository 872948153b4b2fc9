//! The edges that there are: each one tells the others where it is and how much it has to do, and clients choose.
//!
//! - [`list`]: what is shown, and where a draining edge sends its sockets, pure
//! - [`redis`]: the hash that all edges share
//!
//! One task renews and reads; requests are answered from memory and never wait for Redis.

pub mod list;
pub mod redis;

use crate::{
    config::{Config, EdgeConfig, RedisConfig},
    metrics::METRICS,
};
use arc_swap::ArcSwap;
use redis::{KEY, Registry, RegistryError};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use switchboard_shared::{
    api::{EdgeList, EdgeView},
    keys::SigningKeys,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

/// What is known of the edges.
#[derive(Debug)]
pub struct Edges {
    config: EdgeConfig,
    redis: RedisConfig,
    max_connections: usize,
    keys: SigningKeys,
    /// Tells this process from an earlier one at the same URL.
    id: String,
    others: ArcSwap<Vec<EdgeView>>,
    draining: AtomicBool,
    changed: Notify,
}

impl Edges {
    /// Knows this edge, and no other one yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            config: EdgeConfig {
                public_url: config.edge.public_url.trim_end_matches('/').into(),
                ..config.edge.clone()
            },
            redis: config.redis.clone(),
            max_connections: config.max_connections,
            keys: config.keys(),
            id: uuid::Uuid::now_v7().simple().to_string(),
            others: ArcSwap::default(),
            draining: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// The list, as it is now.
    #[must_use]
    pub fn list(&self) -> EdgeList {
        let own = self.own();
        let edge = own.as_ref().map(|own| own.url.clone());
        // What this edge knows of itself is newer than what it wrote.
        let others = self.others.load();
        let others = others.iter().filter(|other| Some(&other.url) != edge.as_ref()).cloned();
        EdgeList { edges: list::ordered(own.into_iter().chain(others)), edge }
    }

    /// How long a reader may keep the list.
    #[must_use]
    pub fn max_age_s(&self) -> u64 {
        self.config.refresh_ms.div_ceil(1000)
    }

    /// The URL of an edge that goes on when this one does not.
    #[must_use]
    pub fn better(&self) -> Option<String> {
        let draw = |count: usize| fastrand::usize(..count);
        list::better(&self.others.load(), &self.config.public_url, &self.config.region, draw)
    }

    /// Says from now on that this edge drains, and tells the others at once.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Renews this edge's entry and reads those of the others, until it is dropped. Without Redis there is nothing to do.
    pub async fn run(self: Arc<Self>) {
        if self.redis.urls.is_empty() {
            return;
        }
        let (mut registry, mut known_at) = (None, Instant::now());
        loop {
            match self.refresh(&mut registry).await {
                Ok(()) => known_at = Instant::now(),
                Err(error) => {
                    tracing::debug!(%error, "the edges' entries could not be renewed");
                    if known_at.elapsed() >= Duration::from_millis(self.config.keep_ms) {
                        self.others.store(Arc::default());
                    }
                }
            }
            // It is the next round that comes sooner, so nothing is lost when it does.
            drop(timeout(Duration::from_millis(self.config.refresh_ms), self.changed.notified()).await);
        }
    }

    async fn refresh(&self, registry: &mut Option<Registry>) -> Result<(), RegistryError> {
        let registry = match registry {
            Some(registry) => registry,
            None => registry.insert(Registry::connect(&self.redis)?),
        };
        let now = chrono::Utc::now().timestamp();
        let entry = self.own().map(|own| list::write(&self.keys, KEY, own, now)).unwrap_or_default();
        let lease = Duration::from_millis(self.config.lease_ms);
        let sealed = registry.renew(&self.id, &entry, lease).await?;
        let lease_s = i64::try_from(lease.as_secs()).unwrap_or(i64::MAX);
        self.others.store(Arc::new(list::read(&self.keys, KEY, &sealed, now, lease_s)));
        Ok(())
    }

    fn own(&self) -> Option<EdgeView> {
        let EdgeConfig { public_url: url, region, .. } = self.config.clone();
        let draining = self.draining.load(Ordering::Relaxed);
        let taken = u32::try_from(METRICS.connections.get()).unwrap_or(0);
        let load = f64::from(taken) / self.max_connections as f64;
        let load = (load * 1000.0).round() / 1000.0;
        (!url.is_empty()).then_some(EdgeView { url, region, load: load.min(1.0), draining })
    }
}
