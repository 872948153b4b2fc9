//! The doorbell between cores: sharded publish on a fixed number of channels, and a short stream per running answer.
//!
//! A command never waits longer than `redis.command_ms`, and no caller waits for one at all: rings go through bounded
//! queues, and one that finds its queue full is dropped, since the rows are there. Each core rings itself on every
//! channel; a channel on which it does not hear itself is degraded, and its readers poll.

use super::{
    ears::{Ears, keep_subscribed},
    hearing::{Channels, Hearing},
    publisher::{Lanes, Publisher},
    rings::{Ring, ours, partition, stream_key},
    rooms::Rooms,
};
use crate::config::Config;
use fred::types::Value;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::RedisNode,
    events::Delta,
    ids::{ConversationId, TurnId},
    keys::{Purpose, SigningKeys},
    redis::{Access, Bounds, Cluster},
    shutdown::Shutdown,
};
use tokio::sync::watch;
use uuid::Uuid;

/// After so many failures in a row a node is left alone ...
const FAILURES: u32 = 5;
/// ... for so long.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// Rings other cores, and hears them.
pub(super) struct RedisBell {
    cluster: Arc<Cluster>,
    lanes: Lanes,
    channels: Arc<Channels>,
    keys: Arc<SigningKeys>,
}

impl RedisBell {
    pub(super) fn start(
        config: &Config,
        core: Uuid,
        rooms: Arc<Rooms>,
        keys: Arc<SigningKeys>,
        shutdown: &Shutdown,
    ) -> Result<Self, fred::error::Error> {
        let config = &config.redis;
        let channels = Arc::new(Channels::new(config.partitions));
        let ears = Ears { core, rooms, channels: Arc::clone(&channels), keys: Arc::clone(&keys) };
        let bounds = Bounds { command: config.command, failures: FAILURES, pause: LEFT_ALONE };
        let access = Access::new(&config.urls, &config.tls())?;
        let cluster = Cluster::start(access, bounds, Some(Arc::new(move |heard| ears.hear(heard))));
        let cluster = Arc::new(cluster);
        shutdown.tasks.spawn(keep_subscribed(Arc::clone(&cluster), Arc::clone(&channels), shutdown.clone()));
        let publisher = Publisher {
            cluster: Arc::clone(&cluster),
            core,
            config: config.clone(),
            channels: Arc::clone(&channels),
            keys: Arc::clone(&keys),
        };
        Ok(Self { cluster, lanes: Lanes::start(publisher, shutdown), channels, keys })
    }

    /// Queues a ring; false when its queue is full.
    pub(super) fn publish(&self, ring: Ring) -> bool {
        self.lanes.send(ring)
    }

    /// The pieces of a running answer, as the core that writes it has put them down.
    pub(super) async fn deltas(&self, turn: TurnId) -> Vec<Delta> {
        let key = stream_key(turn);
        match self.cluster.ask(&key, "XRANGE", &[key.as_str().into(), "-".into(), "+".into()]).await {
            Ok(entries) => pieces(entries)
                .filter_map(|sealed| {
                    serde_json::from_str(ours(&self.keys, Purpose::Delta, &key, &sealed)?).ok()
                })
                .collect(),
            Err(error) => {
                tracing::debug!(%error, "the pieces of a running answer could not be read");
                Vec::new()
            }
        }
    }

    pub(super) fn hearing(&self, conversation: ConversationId) -> Hearing {
        self.channels.of(partition(conversation, self.channels.count()))
    }

    pub(super) async fn nodes(&self) -> Vec<RedisNode> {
        self.cluster.replication().await
    }

    pub(super) fn changes(&self) -> watch::Receiver<Vec<Hearing>> {
        self.channels.changes()
    }
}

/// What the entries of a stream hold, each of them a list of its id and of its fields: one name and its value.
fn pieces(entries: Value) -> impl Iterator<Item = String> {
    let last = |value: Value| match value {
        Value::Array(mut values) => values.pop(),
        _ => None,
    };
    let entries = match entries {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    entries.into_iter().filter_map(move |entry| last(last(entry)?)?.into_string())
}
