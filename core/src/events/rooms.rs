//! Who listens on this core: to which conversation, and to what cores ring each other for.

use crate::metrics::RINGS;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use switchboard_shared::{
    events::Event,
    ids::{ConversationId, TurnId},
};
use tokio::sync::broadcast;

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
    rooms: Mutex<HashMap<ConversationId, broadcast::Sender<Arc<Event>>>>,
    queue: usize,
    controls: broadcast::Sender<Control>,
}

impl Rooms {
    /// `queue` events wait for each listener; one that is behind by more finds the rows.
    pub(super) fn new(queue: usize) -> Arc<Self> {
        Arc::new(Self { rooms: Mutex::default(), queue, controls: broadcast::channel(CONTROLS).0 })
    }

    /// Listens to a conversation from now on.
    pub(super) fn listen(self: &Arc<Self>, conversation: ConversationId) -> Listener {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let room = rooms.entry(conversation).or_insert_with(|| broadcast::channel(self.queue).0);
        Listener { events: room.subscribe(), conversation, rooms: Arc::clone(self) }
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
            // Fails only when the last listener has just gone.
            drop(room.send(Arc::clone(event)));
            RINGS.with_label_values(&["local", "sent"]).inc();
        }
    }
}

/// One reader's ear; the room ends with its last one.
pub(crate) struct Listener {
    pub(crate) events: broadcast::Receiver<Arc<Event>>,
    conversation: ConversationId,
    rooms: Arc<Rooms>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut rooms = self.rooms.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        // This receiver is still counted: it goes after this function.
        if rooms.get(&self.conversation).is_some_and(|room| room.receiver_count() <= 1) {
            rooms.remove(&self.conversation);
        }
    }
}
