//! How many turns run at once on this core, and how many wait. A message that finds no place is refused before it is
//! accepted, so nothing acknowledged is ever dropped here.

use super::Stop;
use crate::config::TurnConfig;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use switchboard_shared::ids::TurnId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// This core's turns.
pub(crate) struct Turns {
    all: usize,
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
    stops: Mutex<HashMap<TurnId, Stop>>,
}

/// A place in the queue.
pub(crate) struct Place {
    place: OwnedSemaphorePermit,
    running: Arc<Semaphore>,
}

impl Turns {
    pub(crate) fn new(config: &TurnConfig) -> Self {
        let all = config.max_running + config.max_queued;
        Self {
            all,
            places: Arc::new(Semaphore::new(all)),
            running: Arc::new(Semaphore::new(config.max_running)),
            stops: Mutex::default(),
        }
    }

    /// A place for one more turn, if there is one.
    pub(crate) fn reserve(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { place, running: Arc::clone(&self.running) })
    }

    /// How many more could run at once.
    pub(crate) fn free(&self) -> usize {
        self.running.available_permits()
    }

    /// Waits until no turn is left.
    pub(crate) async fn idle(&self) {
        let all = u32::try_from(self.all).unwrap_or(u32::MAX);
        // The semaphore is never closed, so this ends when every place is free.
        drop(self.places.acquire_many(all).await);
    }

    /// How a turn is told to stop.
    pub(crate) fn watch(&self, turn: TurnId) -> Stop {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).entry(turn).or_default().clone()
    }

    pub(crate) fn forget(&self, turn: TurnId) {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).remove(&turn);
    }

    /// Stops a turn, if it is this core's; the row tells the others.
    pub(crate) fn cancel(&self, turn: TurnId) {
        if let Some(stop) = self.stops.lock().unwrap_or_else(PoisonError::into_inner).get(&turn) {
            stop.canceled.cancel();
        }
    }
}

impl Place {
    /// Waits for its turn, in order of acceptance; the place is free again when what this returns is dropped.
    pub(crate) async fn wait(self) -> (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>) {
        // The semaphore is never closed, so a permit always comes.
        (self.place, self.running.acquire_owned().await.ok())
    }
}
