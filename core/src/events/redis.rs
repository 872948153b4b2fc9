//! The doorbell between cores: sharded publish on a fixed number of channels, and a short stream per running answer.
//!
//! A command never waits longer than `redis.command_ms`, and no caller waits for one at all: rings go through a bounded
//! queue, and one that finds it full is dropped, since the rows are there. Each core rings itself on every channel;
//! a channel on which it does not hear itself is degraded, and its readers poll.

use super::rooms::{Control, Rooms};
use crate::{
    config::{Config, RedisConfig},
    metrics::{DEGRADED_CHANNELS, UNSIGNED},
};
use fred::{
    clients::{Client, SubscriberClient},
    interfaces::{ClientLike, EventInterface, KeysInterface, PubsubInterface, StreamsInterface},
    types::{
        Builder,
        config::{PerformanceConfig, ReconnectPolicy},
    },
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use switchboard_shared::{
    events::{Delta, Event},
    ids::{ConversationId, TurnId},
    keys::{Purpose, SigningKeys},
    redis::{cluster, reason},
    shutdown::Shutdown,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, interval, sleep},
};
use uuid::Uuid;

/// Rings that wait for Redis; beyond, they are dropped.
const QUEUE: usize = 8_192;
/// How often a core rings itself on every channel.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Of what is not signed by a core every so manieth is logged.
const FORGED_PER_LINE: u64 = 1_000;
/// Without hearing itself for this long, a core takes a channel for degraded.
const DEAF_AFTER_MS: u64 = 4_000;
/// Between two attempts to connect.
const RETRY_MS: u32 = 250;
const RETRY: Duration = Duration::from_millis(RETRY_MS as u64);
/// Incoming rings that wait for this core; fred's own default of 32 loses them silently.
const INCOMING: usize = 65_536;

/// What goes to the other cores.
pub(crate) enum Ring {
    Event(Arc<Event>),
    Delta(TurnId, Delta),
    Control(Control),
}

/// Rings other cores, and hears them.
pub(crate) struct RedisBell {
    client: Client,
    outgoing: mpsc::Sender<Ring>,
    /// By channel: whether this core does not hear itself there.
    deaf: watch::Receiver<Vec<bool>>,
    keys: Arc<SigningKeys>,
    partitions: u16,
}

/// When this core last heard itself, by channel, in milliseconds since its start.
struct Heartbeats {
    start: Instant,
    at: Vec<AtomicU64>,
}

#[derive(Serialize, Deserialize)]
struct Message {
    from: Uuid,
    /// Absent in a heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<Arc<Event>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    control: Option<Control>,
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
        let builder = builder(config)?;
        let (client, subscriber) = (builder.build()?, builder.build_subscriber_client()?);
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let at = (0..config.partitions).map(|_| AtomicU64::new(0)).collect();
        let heartbeats = Arc::new(Heartbeats { start: Instant::now(), at });
        // Nothing was lost yet by a core that has just begun: it is not degraded before it has listened in vain.
        let (told, deaf) = watch::channel(vec![false; usize::from(config.partitions)]);
        let publisher = Publisher {
            client: client.clone(),
            core,
            config: config.clone(),
            heartbeats: Arc::clone(&heartbeats),
            keys: Arc::clone(&keys),
            told,
        };
        shutdown.tasks.spawn(publisher.run(queue, shutdown.clone()));
        let ears = Ears {
            subscriber,
            core,
            rooms,
            heartbeats,
            keys: Arc::clone(&keys),
            partitions: config.partitions,
        };
        shutdown.tasks.spawn(ears.run(shutdown.clone()));
        Ok(Self { client, outgoing, deaf, keys, partitions: config.partitions })
    }

    /// Queues a ring; false when the queue is full.
    pub(super) fn publish(&self, ring: Ring) -> bool {
        self.outgoing.try_send(ring).is_ok()
    }

    /// The pieces of a running answer, as the core that writes it has put them down.
    pub(super) async fn deltas(&self, turn: TurnId) -> Vec<Delta> {
        let key = stream_key(turn);
        let found = self.client.xrange_values::<String, String, String, _, _, _>(&key, "-", "+", None).await;
        match found {
            Ok(entries) => entries
                .into_iter()
                .flat_map(|(_, fields)| fields.into_values())
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

    pub(super) fn is_degraded(&self, conversation: ConversationId) -> bool {
        let channel = usize::from(partition(conversation, self.partitions));
        self.deaf.borrow().get(channel).copied().unwrap_or(true)
    }

    pub(super) fn degraded_channels(&self) -> watch::Receiver<Vec<bool>> {
        self.deaf.clone()
    }
}

struct Publisher {
    client: Client,
    core: Uuid,
    config: RedisConfig,
    heartbeats: Arc<Heartbeats>,
    keys: Arc<SigningKeys>,
    told: watch::Sender<Vec<bool>>,
}

impl Publisher {
    async fn run(self, mut queue: mpsc::Receiver<Ring>, shutdown: Shutdown) {
        let mut errors = self.client.error_rx();
        let mut said = String::new();
        let connected = stay_connected(&self.client);
        tokio::pin!(connected);
        let mut heartbeat = interval(HEARTBEAT);
        loop {
            tokio::select! {
                ring = queue.recv() => match ring {
                    Some(Ring::Event(event)) => self.announce(event).await,
                    Some(Ring::Control(control)) => self.control(control).await,
                    Some(Ring::Delta(turn, delta)) => self.put_down(turn, &delta).await,
                    None => break,
                },
                _ = heartbeat.tick() => {
                    self.heartbeat().await;
                    self.listen_in_vain();
                    if self.client.is_connected() {
                        said.clear();
                    }
                }
                Ok((error, _)) = errors.recv() => warn_of(&error, &mut said),
                () = &mut connected => {}
                () = shutdown.token.cancelled(), if queue.is_empty() => break,
            }
        }
        drop(self.client.quit().await);
    }

    /// Tells readers on which channels rings may be missing.
    fn listen_in_vain(&self) {
        let deaf: Vec<bool> = (0..self.config.partitions).map(|p| self.heartbeats.has_missed(p)).collect();
        DEGRADED_CHANNELS.set(i64::try_from(deaf.iter().filter(|deaf| **deaf).count()).unwrap_or(i64::MAX));
        self.told.send_if_modified(|told| std::mem::replace(told, deaf.clone()) != deaf);
    }

    async fn announce(&self, event: Arc<Event>) {
        let channel = channel(partition(event.conversation, self.config.partitions));
        self.say(&channel, Some(event), None).await;
    }

    /// Every core hears every channel: any of them will do.
    async fn control(&self, control: Control) {
        let channel = channel(partition(ConversationId::new(), self.config.partitions));
        self.say(&channel, None, Some(control)).await;
    }

    async fn heartbeat(&self) {
        let all = (0..self.config.partitions).map(|p| async move { self.say(&channel(p), None, None).await });
        futures::future::join_all(all).await;
    }

    async fn say(&self, channel: &str, event: Option<Arc<Event>>, control: Option<Control>) {
        let message = Message { from: self.core, event, control };
        let Ok(json) = serde_json::to_string(&message) else { return };
        let sealed = self.keys.seal(Purpose::Ring, channel, &json);
        let sent: Result<i64, _> = self.client.spublish(channel, sealed).await;
        if let Err(error) = sent {
            tracing::debug!(%error, channel, "a ring was not taken");
        }
    }

    async fn put_down(&self, turn: TurnId, delta: &Delta) {
        let Ok(json) = serde_json::to_string(delta) else { return };
        let (key, ttl) = (stream_key(turn), i64::from(self.config.delta_ttl_s));
        let sealed = self.keys.seal(Purpose::Delta, &key, &json);
        let cap = ("MAXLEN", "~", i64::from(self.config.delta_max));
        let added: Result<String, _> = self.client.xadd(&key, false, cap, "*", vec![("d", sealed)]).await;
        if added.is_ok() && delta.offset == 0 {
            drop(self.client.expire::<i64, _>(&key, ttl, None).await);
        }
    }
}

struct Ears {
    subscriber: SubscriberClient,
    core: Uuid,
    rooms: Arc<Rooms>,
    heartbeats: Arc<Heartbeats>,
    keys: Arc<SigningKeys>,
    partitions: u16,
}

impl Ears {
    async fn run(self, shutdown: Shutdown) {
        let connected = stay_connected(&self.subscriber);
        tokio::pin!(connected);
        let mut messages = self.subscriber.message_rx();
        // After a lost connection fred subscribes again by itself; after one that never was, we do.
        let resubscribing = self.subscriber.manage_subscriptions();
        let mut retry = interval(Duration::from_secs(2));
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Ok(message) => self.hear(&message.channel, &message.value),
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "rings were missed; readers will find the rows");
                    }
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => break,
                },
                _ = retry.tick() => self.subscribe().await,
                () = &mut connected => {}
                () = shutdown.token.cancelled() => break,
            }
        }
        resubscribing.abort();
        drop(self.subscriber.quit().await);
    }

    async fn subscribe(&self) {
        for p in (0..self.partitions).filter(|p| self.heartbeats.is_deaf(*p)) {
            // One call each: the channels live in different slots.
            if self.subscriber.ssubscribe(channel(p)).await.is_err() {
                return;
            }
        }
    }

    fn hear(&self, channel: &str, value: &fred::types::Value) {
        let said = value.as_str();
        let word = said.as_deref().and_then(|sealed| ours(&self.keys, Purpose::Ring, channel, sealed));
        let Some(message) = word.and_then(|json| serde_json::from_str::<Message>(json).ok()) else { return };
        if let Some(control) = message.control.filter(|_| message.from != self.core) {
            return self.rooms.control(control);
        }
        match message.event {
            // What this core itself announces has been delivered here already.
            Some(event) if message.from != self.core => self.rooms.deliver(&event),
            Some(_) => {}
            None if message.from == self.core => {
                if let Some(partition) = channel.rsplit(':').next().and_then(|p| p.parse().ok()) {
                    self.heartbeats.hear(partition);
                }
            }
            None => {}
        }
    }
}

impl Heartbeats {
    /// Whether rings may have been missed: nothing was heard for a while, not even at the beginning.
    fn has_missed(&self, partition: u16) -> bool {
        self.is_deaf(partition) && self.now_ms() > DEAF_AFTER_MS
    }

    fn is_deaf(&self, partition: u16) -> bool {
        let last = self.at.get(usize::from(partition)).map_or(0, |at| at.load(Ordering::Relaxed));
        self.now_ms().saturating_sub(last) > DEAF_AFTER_MS || last == 0
    }

    fn hear(&self, partition: u16) {
        if let Some(at) = self.at.get(usize::from(partition)) {
            at.store(self.now_ms().max(1), Ordering::Relaxed);
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The word of one of our cores, for this channel or key. Redis may be lost, and is not believed: whoever can write to it
/// must not speak in a member's or an agent's name.
fn ours<'a>(keys: &SigningKeys, purpose: Purpose, place: &str, sealed: &'a str) -> Option<&'a str> {
    let word = keys.unseal(purpose, place, sealed);
    if word.is_none() {
        let kind = if purpose == Purpose::Delta { "delta" } else { "ring" };
        let forged = UNSIGNED.with_label_values(&[kind]);
        forged.inc();
        if forged.get() % FORGED_PER_LINE == 1 {
            tracing::warn!(
                place,
                count = forged.get(),
                "redis said what none of our cores has signed; dropped"
            );
        }
    }
    word
}

/// Connects, and again when there was nothing to connect to; a connection that is lost is fred's to mend.
async fn stay_connected(client: &impl ClientLike) {
    loop {
        drop(client.connect().await);
        sleep(RETRY).await;
    }
}

/// Four times a second the same would be said while Redis is away; each reason is said once in a row.
fn warn_of(error: &fred::error::Error, said: &mut String) {
    let reason = reason(error);
    if *said != reason {
        tracing::warn!(reason, "no connection to redis");
        *said = reason;
    }
}

fn builder(config: &RedisConfig) -> Result<Builder, fred::error::Error> {
    let mut fred = cluster(&config.urls, &config.tls())?;
    // One that is not there yet is tried again by us: without this, fred's first connection takes ten seconds.
    fred.fail_fast = true;
    let mut builder = Builder::from_config(fred);
    let command = config.command;
    builder
        .with_performance_config(|performance: &mut PerformanceConfig| {
            performance.default_command_timeout = command;
            performance.broadcast_channel_capacity = INCOMING;
        })
        .with_connection_config(|connection| {
            connection.connection_timeout = Duration::from_secs(2);
            connection.max_command_attempts = 1;
        })
        .set_policy(ReconnectPolicy::new_constant(0, RETRY_MS));
    Ok(builder)
}

/// The random tail of a UUIDv7 spreads evenly, and is the same on every core and in every version.
fn partition(conversation: ConversationId, partitions: u16) -> u16 {
    let (_, tail) = conversation.0.as_u64_pair();
    u16::try_from(tail % u64::from(partitions.max(1))).unwrap_or(0)
}

fn channel(partition: u16) -> String {
    format!("switchboard:bell:{partition}")
}

fn stream_key(turn: TurnId) -> String {
    format!("switchboard:answer:{turn}")
}
