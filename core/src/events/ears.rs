//! What other cores ring. A channel's subscription goes with its slot: to the replica that took over, to the node that it
//! was moved to, to the connection that was made again. What was said before it was there is in the rows.

use super::{
    hearing::Channels,
    rings::{Message, channel, ours},
    rooms::Rooms,
};
use fred::types::Value;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    keys::{Purpose, SigningKeys},
    redis::{Cluster, Heard},
    shutdown::Shutdown,
};
use tokio::time::interval;
use uuid::Uuid;

/// How often a subscription is tried again that is not there, or brings nothing.
const AGAIN: Duration = Duration::from_secs(2);

/// Hears rings.
pub(super) struct Ears {
    pub(super) core: Uuid,
    pub(super) rooms: Arc<Rooms>,
    pub(super) channels: Arc<Channels>,
    pub(super) keys: Arc<SigningKeys>,
}

impl Ears {
    pub(super) fn hear(&self, heard: Heard) {
        match heard {
            Heard::Message(message) => self.listen_to(&message.channel, &message.value),
            Heard::Missed(count) => {
                tracing::warn!(count, "rings were missed; readers read the rows");
                self.channels.missed_some();
            }
        }
    }

    fn listen_to(&self, channel: &str, value: &Value) {
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
                    self.channels.hear(partition);
                }
            }
            None => {}
        }
    }
}

/// Keeps every channel subscribed, wherever its slot is.
pub(super) async fn keep_subscribed(cluster: Arc<Cluster>, channels: Arc<Channels>, shutdown: Shutdown) {
    // Over which connection each one is subscribed.
    let mut over: Vec<Option<u64>> = vec![None; usize::from(channels.count())];
    let (mut changes, mut again) = (cluster.changes(), interval(AGAIN));
    loop {
        tokio::select! {
            Ok(()) = changes.changed() => {}
            _ = again.tick() => {
                let deaf = over.iter_mut().zip(0..).filter(|(_, p)| channels.is_deaf(*p));
                deaf.for_each(|(over, _)| *over = None);
            }
            () = shutdown.token.cancelled() => return,
        }
        let before = over.clone();
        let all = before.iter().zip(0..).map(|(over, p)| subscribe(&cluster, *over, p));
        over = futures::future::join_all(all).await;
        let fresh = |p: usize| over[p].is_some() && over[p] != before[p];
        channels.subscribed(|p| over[p].is_none(), fresh);
    }
}

/// Returns over which connection a channel is subscribed now, when it was over this one.
async fn subscribe(cluster: &Cluster, over: Option<u64>, partition: u16) -> Option<u64> {
    let channel = channel(partition);
    let connection = cluster.connection(&channel)?;
    if over != Some(connection) {
        let subscribed = cluster.ask::<Value>(&channel, "SSUBSCRIBE", &[channel.as_str().into()]).await;
        if let Err(error) = subscribed {
            tracing::debug!(%error, channel, "not subscribed");
            return None;
        }
    }
    Some(connection)
}
