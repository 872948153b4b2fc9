//! Who listens on this core: to which conversation, and to what cores ring each other for.

use crate::metrics::RINGS;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use switchboard_shared::{
    events::Event,
    ids::{ConversationId, TurnId},
};
use tokio::sync::{
    broadcast,
    mpsc::{self, error::TrySendError},
};

/// Rings for cores that wait; beyond, their next looks find what they were for.
const CONTROLS: usize = 1_024;

/// What cores ring each other for besides events. Each finds it in the rows as well, only later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Control {
    /// A user wants this turn stopped.
    Cancel(TurnId),
    /// There are turns that wait for a core.
    Due,
}

/// A room for each conversation that somebody here listens to.
pub(super) struct Rooms {
    rooms: Mutex<HashMap<ConversationId, Vec<Ear>>>,
    queue: usize,
    controls: broadcast::Sender<Control>,
}

/// Where a listener is told. What waits for it takes memory as it comes; a ring for the whole room would take all of it
/// from the beginning, and most rooms are quiet.
struct Ear {
    events: mpsc::Sender<Arc<Event>>,
    missed: Arc<AtomicBool>,
}

impl Rooms {
    /// `queue` events wait for each listener; one that is behind by more finds the rows.
    pub(super) fn new(queue: usize) -> Arc<Self> {
        Arc::new(Self { rooms: Mutex::default(), queue, controls: broadcast::channel(CONTROLS).0 })
    }

    /// Listens to a conversation from now on.
    pub(super) fn listen(self: &Arc<Self>, conversation: ConversationId) -> Listener {
        let ((events, heard), missed) = (mpsc::channel(self.queue), Arc::default());
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.entry(conversation).or_default().push(Ear { events, missed: Arc::clone(&missed) });
        Listener { events: heard, missed, conversation, rooms: Arc::clone(self) }
    }

    /// Hands a ring for cores to this one.
    pub(super) fn control(&self, control: Control) {
        // Nobody hears it while this core begins or ends.
        drop(self.controls.send(control));
    }

    pub(super) fn controls(&self) -> broadcast::Receiver<Control> {
        self.controls.subscribe()
    }

    /// How many conversations are listened to.
    pub(super) fn count(&self) -> usize {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Hands an event to everybody here who listens to its conversation.
    pub(super) fn deliver(&self, event: &Arc<Event>) {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = rooms.get(&event.conversation) {
            for ear in room {
                if let Err(TrySendError::Full(_)) = ear.events.try_send(Arc::clone(event)) {
                    ear.missed.store(true, Ordering::Release);
                }
            }
            RINGS.with_label_values(&["local", "sent"]).inc();
        }
    }
}

/// One reader's ear; the room ends with its last one.
pub(crate) struct Listener {
    events: mpsc::Receiver<Arc<Event>>,
    missed: Arc<AtomicBool>,
    conversation: ConversationId,
    rooms: Arc<Rooms>,
}

impl Listener {
    /// The next event; `None` when there were more than could wait: the rows have them. Safe to drop.
    pub(crate) async fn hear(&mut self) -> Option<Arc<Event>> {
        if self.missed.swap(false, Ordering::Acquire) {
            return None;
        }
        match self.events.recv().await {
            Some(event) => Some(event),
            // Never: the other end is in the rooms for as long as this is here.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut rooms = self.rooms.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(room) = rooms.get_mut(&self.conversation) else { return };
        room.retain(|ear| !Arc::ptr_eq(&ear.missed, &self.missed));
        if room.is_empty() {
            rooms.remove(&self.conversation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::events::EventBody;

    #[tokio::test]
    async fn who_is_too_far_behind_is_told_so_and_hears_on_and_nobody_else_is_told() {
        let (rooms, conversation) = (Rooms::new(2), ConversationId::new());
        let (mut slow, mut quick) = (rooms.listen(conversation), rooms.listen(conversation));
        let ring = |seq| {
            let (at, body) = (crate::clock::now(), EventBody::ConversationDeleted {});
            rooms.deliver(&Arc::new(Event { conversation, seq: Some(seq), turn: None, at, body }));
        };
        for seq in 1..=3 {
            ring(seq);
            assert_eq!(quick.hear().await.unwrap().seq, Some(seq));
        }
        assert!(slow.hear().await.is_none(), "the third had no room");
        assert_eq!(slow.hear().await.unwrap().seq, Some(1));
        assert_eq!(slow.hear().await.unwrap().seq, Some(2));
        ring(4);
        assert_eq!(slow.hear().await.unwrap().seq, Some(4));
        drop(quick);
        assert_eq!(rooms.count(), 1);
        drop(slow);
        assert_eq!(rooms.count(), 0);
    }
}
