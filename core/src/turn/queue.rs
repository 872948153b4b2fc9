//! How many turns run at once on this core, and how many wait. A message that finds no place is refused before it is
//! accepted, so nothing acknowledged is ever dropped here. Waiting turns are served in turn by tenant, and within a
//! tenant by user; each core counts for itself.

use super::share::{Full, Shares, Whose};
use crate::{config::TurnConfig, round_robin::RoundRobin};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use switchboard_shared::ids::{TenantId, TurnId, UserId};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

/// This core's turns.
pub(crate) struct Turns {
    hall: Arc<Hall>,
    stops: Mutex<HashMap<TurnId, Stop>>,
}

/// A place: waiting, and then running until it is dropped.
pub(crate) struct Place {
    hall: Arc<Hall>,
    whose: Whose,
    served: Option<oneshot::Receiver<()>>,
    runs: bool,
}

/// Why a turn should end early.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    pub(super) canceled: CancellationToken,
    pub(super) lost: CancellationToken,
}

/// Where turns wait and run.
struct Hall {
    queue: Mutex<Queue>,
    left: Notify,
}

/// Pure: who has a place, who runs, who waits.
struct Queue {
    places: Shares,
    running: Shares,
    waiting: RoundRobin<TenantId, RoundRobin<UserId, VecDeque<oneshot::Sender<()>>>>,
}

impl Turns {
    pub(crate) fn new(config: &TurnConfig) -> Self {
        let queue = Queue {
            places: Shares::new(config.max_running + config.max_queued),
            running: Shares::new(config.max_running),
            waiting: RoundRobin::default(),
        };
        Self {
            hall: Arc::new(Hall { queue: Mutex::new(queue), left: Notify::new() }),
            stops: Mutex::default(),
        }
    }

    /// A place for one more turn, if there is one for its user.
    pub(crate) fn reserve(&self, whose: Whose) -> Result<Place, Full> {
        let mut queue = self.hall.queue();
        queue.places.may_take(&whose)?;
        queue.places.take(&whose);
        Ok(Place { hall: Arc::clone(&self.hall), whose, served: None, runs: false })
    }

    /// A place for a turn that was accepted elsewhere: it waits as the others do, and is not refused.
    pub(crate) fn take_in(&self, whose: Whose) -> Place {
        self.hall.queue().places.take(&whose);
        Place { hall: Arc::clone(&self.hall), whose, served: None, runs: false }
    }

    /// How many more places there are.
    pub(crate) fn free(&self) -> usize {
        self.hall.queue().places.free()
    }

    /// Waits until no turn is left.
    pub(crate) async fn idle(&self) {
        loop {
            let left = self.hall.left.notified();
            if self.hall.queue().places.are_idle() {
                return;
            }
            left.await;
        }
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
    /// Waits for its turn; the place is free again when what this returns is dropped.
    pub(crate) async fn wait(mut self) -> Self {
        let served = {
            let (serve, served) = oneshot::channel();
            let mut queue = self.hall.queue();
            queue.waiting.line(self.whose.tenant.clone()).line(self.whose.user.clone()).push_back(serve);
            queue.serve();
            self.served.insert(served)
        };
        // Its other end stays in the queue until it is served, so this does not fail.
        self.runs = served.await.is_ok();
        self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut queue = self.hall.queue();
            queue.places.give_back(&self.whose);
            // Who leaves while waiting may have been served in this moment.
            let served = self.served.as_mut().is_some_and(|served| served.try_recv().is_ok());
            if self.runs || served {
                queue.running.give_back(&self.whose);
            }
            queue.serve();
        }
        self.hall.left.notify_waiters();
    }
}

impl Hall {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Lets run whoever may.
    fn serve(&mut self) {
        while let Some((whose, served)) = self.next() {
            // Who has left meanwhile takes nothing.
            if served.send(()).is_ok() {
                self.running.take(&whose);
            }
        }
    }

    fn next(&mut self) -> Option<(Whose, oneshot::Sender<()>)> {
        let running = &self.running;
        self.waiting.serve(|tenant, users| {
            users.serve(|user, line| {
                let whose = Whose { tenant: tenant.clone(), user: user.clone() };
                running.may_take(&whose).ok()?;
                line.pop_front().map(|served| (whose, served))
            })
        })
    }
}

#[cfg(test)]
mod tests;
