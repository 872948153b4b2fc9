//! The rings that go to other cores, and the pieces of running answers that are put down for those who come late.
//!
//! They wait in lanes, each for its own part of Redis' slots: what one node holds up holds up its own lanes alone, and
//! what is said on one channel stays in order.

use super::{
    hearing::Channels,
    rings::{Message, Ring, channel, partition, stream_key},
    rooms::Control,
};
use crate::config::RedisConfig;
use fred::{types::Value, util::redis_keyslot};
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    events::{Delta, Event},
    ids::ConversationId,
    keys::{Purpose, SigningKeys},
    redis::Cluster,
    shutdown::Shutdown,
};
use tokio::{sync::mpsc, time::interval};
use uuid::Uuid;

const LANES: u16 = 64;
const SLOTS_PER_LANE: u16 = 16_384 / LANES;
/// Rings that wait in one lane; beyond, they are dropped.
const QUEUE: usize = 1_024;
/// How often a core rings itself on every channel.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The ways to Redis.
pub(super) struct Lanes {
    lanes: Vec<mpsc::Sender<(String, Ring)>>,
    partitions: u16,
}

pub(super) struct Publisher {
    pub(super) cluster: Arc<Cluster>,
    pub(super) core: Uuid,
    pub(super) config: RedisConfig,
    pub(super) channels: Arc<Channels>,
    pub(super) keys: Arc<SigningKeys>,
}

impl Lanes {
    pub(super) fn start(publisher: Publisher, shutdown: &Shutdown) -> Self {
        let partitions = publisher.config.partitions;
        let publisher = Arc::new(publisher);
        let lane = |_| {
            let (lane, queue) = mpsc::channel(QUEUE);
            shutdown.tasks.spawn(Arc::clone(&publisher).publish(queue, shutdown.clone()));
            lane
        };
        let lanes = (0..LANES).map(lane).collect();
        shutdown.tasks.spawn(publisher.beat(shutdown.clone()));
        Self { lanes, partitions }
    }

    /// Queues a ring; false when its lane is full.
    pub(super) fn send(&self, ring: Ring) -> bool {
        let place = match &ring {
            Ring::Event(event) => channel(partition(event.conversation, self.partitions)),
            Ring::Delta(turn, _) => stream_key(*turn),
            // Every core hears every channel: any of them will do.
            Ring::Control(_) => channel(partition(ConversationId::new(), self.partitions)),
        };
        let lane = usize::from(redis_keyslot(place.as_bytes()) / SLOTS_PER_LANE);
        self.lanes.get(lane).is_some_and(|lane| lane.try_send((place, ring)).is_ok())
    }
}

impl Publisher {
    async fn publish(self: Arc<Self>, mut queue: mpsc::Receiver<(String, Ring)>, shutdown: Shutdown) {
        loop {
            tokio::select! {
                ring = queue.recv() => match ring {
                    Some((channel, Ring::Event(event))) => self.say(&channel, Some(event), None).await,
                    Some((channel, Ring::Control(control))) => self.say(&channel, None, Some(control)).await,
                    Some((key, Ring::Delta(_, delta))) => self.put_down(&key, &delta).await,
                    None => break,
                },
                () = shutdown.token.cancelled(), if queue.is_empty() => break,
            }
        }
    }

    /// Rings this core itself on every channel.
    async fn beat(self: Arc<Self>, shutdown: Shutdown) {
        let mut heartbeat = interval(HEARTBEAT);
        loop {
            tokio::select! {
                _ = heartbeat.tick() => {
                    let all = (0..self.channels.count()).map(async |p| self.say(&channel(p), None, None).await);
                    futures::future::join_all(all).await;
                    self.channels.listen_in_vain();
                }
                () = shutdown.token.cancelled() => break,
            }
        }
    }

    async fn say(&self, channel: &str, event: Option<Arc<Event>>, control: Option<Control>) {
        let Ok(json) = serde_json::to_string(&Message { from: self.core, event, control }) else { return };
        let sealed = self.keys.seal(Purpose::Ring, channel, &json);
        let said = self.cluster.ask::<Value>(channel, "SPUBLISH", &[channel.into(), sealed.into()]).await;
        if let Err(error) = said {
            tracing::debug!(%error, channel, "a ring was not taken");
        }
    }

    async fn put_down(&self, key: &str, delta: &Delta) {
        let Ok(json) = serde_json::to_string(delta) else { return };
        let sealed = self.keys.seal(Purpose::Delta, key, &json);
        let max = i64::from(self.config.delta_max);
        let entry =
            [key.into(), "MAXLEN".into(), "~".into(), max.into(), "*".into(), "d".into(), sealed.into()];
        let added = self.cluster.ask::<Value>(key, "XADD", &entry).await;
        if added.is_ok() && delta.offset == 0 {
            let ttl = i64::from(self.config.delta_ttl_s);
            drop(self.cluster.ask::<Value>(key, "EXPIRE", &[key.into(), ttl.into()]).await);
        }
    }
}
