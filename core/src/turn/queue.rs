//! How many turns run at once on this core, and how many wait. A message that finds no place, or would have to wait for
//! too long, is refused before it is accepted, so nothing acknowledged is ever dropped here. Waiting turns are served in
//! turn by tenant, and within a tenant by user; each core counts for itself.

use super::{
    pace::Pace,
    share::{Full, Shares, Whose},
};
use crate::{config::TurnConfig, round_robin::RoundRobin};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use switchboard_shared::ids::{TenantId, TurnId, UserId};
use tokio::{
    sync::{Notify, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Whoever is told to come later comes at the latest after so many times what it would have to wait for.
const LATEST: u32 = 3;

/// This core's turns.
pub(crate) struct Turns {
    hall: Arc<Hall>,
    stops: Mutex<HashMap<TurnId, (u32, Stop)>>,
    due: Notify,
}

/// A turn that this core works on, and its attempt at it.
pub(crate) type Known = (TurnId, u32);

/// A place: waiting, and then running until it is dropped.
pub(crate) struct Place {
    hall: Arc<Hall>,
    whose: Whose,
    served: Option<oneshot::Receiver<()>>,
    runs: bool,
}

/// What a turn in its place needs to say when it is somebody else who works on it.
#[derive(Clone)]
pub(super) struct Hand {
    hall: Arc<Hall>,
    whose: Whose,
    out: Arc<AtomicUsize>,
}

/// A time in which a turn waits for an agent or an LLM, and not for this core.
pub(super) struct Out<'a>(&'a Hand);

/// Places that nobody has yet.
pub(super) struct Held {
    hall: Arc<Hall>,
    count: usize,
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
    /// Of those who run, the ones that no agent and no LLM keeps waiting.
    at_work: Shares,
    /// Those who wait for this core, in the queue or at work: of them there are no more than will be served in time.
    in_hand: Shares,
    pace: Pace,
    /// When the last one comes who was told to come later.
    told: Instant,
    /// Whether there is a database to write to. Without one everybody waits for it, in a queue with a bound of its own.
    writable: watch::Receiver<bool>,
    waiting: RoundRobin<TenantId, RoundRobin<UserId, VecDeque<oneshot::Sender<()>>>>,
}

impl Turns {
    pub(crate) fn new(config: &TurnConfig, writable: watch::Receiver<bool>) -> Self {
        let queue = Queue {
            places: Shares::new(config.max_running + config.max_queued),
            running: Shares::new(config.max_running),
            at_work: Shares::new(config.max_at_work),
            in_hand: Shares::new(usize::MAX),
            pace: Pace::new(config.max_wait),
            told: Instant::now(),
            writable,
            waiting: RoundRobin::default(),
        };
        Self {
            hall: Arc::new(Hall { queue: Mutex::new(queue), left: Notify::new() }),
            stops: Mutex::default(),
            due: Notify::new(),
        }
    }

    /// How many turns run, and how many wait for a place to.
    pub(crate) fn load(&self) -> (u64, u64) {
        let queue = self.hall.queue();
        let (running, places) = (queue.running.taken(), queue.places.taken());
        (running as u64, places.saturating_sub(running) as u64)
    }

    /// A place for one more turn, if there is one for its user that does not wait for too long.
    pub(crate) fn reserve(&self, whose: Whose) -> Result<Place, Full> {
        let mut queue = self.hall.queue();
        queue.places.may_take(&whose)?;
        queue.measure();
        queue.in_hand.may_take_fairly(&whose)?;
        queue.take(&whose);
        drop(queue);
        Ok(Place { hall: Arc::clone(&self.hall), whose, served: None, runs: false })
    }

    /// When one more of theirs would find a place, or should come, if that can be told: none would now, or they have some
    /// and the line is long. If they were told only once it is full, all would come meanwhile to be refused.
    pub(crate) fn next_in(&self, whose: &Whose) -> Option<Duration> {
        self.hall.queue().next_in(whose, Instant::now())
    }

    /// As [`Turns::next_in`], and a time that nobody else is told: they come one after another, as they are served, and not
    /// all at once; but nobody much later than it could.
    pub(crate) fn appoint(&self, whose: &Whose) -> Option<Duration> {
        let (mut queue, now) = (self.hall.queue(), Instant::now());
        let time = queue.next_in(whose, now)?;
        let after_the_last = queue.told + queue.pace.time_for(1, now)?;
        queue.told = after_the_last.clamp(now + time, now + LATEST * time);
        Some(queue.told - now)
    }

    /// A place for a turn that was accepted elsewhere: it waits as the others do, and is not refused.
    pub(crate) fn take_in(&self, whose: Whose) -> Place {
        self.hall.queue().take(&whose);
        Place { hall: Arc::clone(&self.hall), whose, served: None, runs: false }
    }

    /// Keeps places for turns that are still to be found, as many as there are; they are free again when it is dropped.
    pub(super) fn hold(&self, most: usize) -> Held {
        let mut queue = self.hall.queue();
        queue.measure();
        let count = most.min(queue.places.free()).min(queue.in_hand.free());
        queue.places.hold(count);
        drop(queue);
        Held { hall: Arc::clone(&self.hall), count }
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

    /// Waits until somebody says that there is something to take over.
    pub(super) async fn due(&self) {
        self.due.notified().await;
    }

    pub(super) fn ring_due(&self) {
        self.due.notify_one();
    }

    /// How a turn is told to stop. An earlier attempt at it is not this core's any more.
    pub(crate) fn watch(&self, (turn, attempt): Known) -> Stop {
        let stop = Stop::default();
        let before = self.stops().insert(turn, (attempt, stop.clone()));
        if let Some((_, before)) = before {
            before.lost.cancel();
        }
        stop
    }

    pub(crate) fn forget(&self, (turn, attempt): Known) {
        let mut stops = self.stops();
        if stops.get(&turn).is_some_and(|(known, _)| *known == attempt) {
            stops.remove(&turn);
        }
    }

    /// What this core works on.
    pub(super) fn known(&self) -> HashSet<Known> {
        self.stops().iter().map(|(turn, (attempt, _))| (*turn, *attempt)).collect()
    }

    /// Stops a turn that its user wants stopped, if it is this core's.
    pub(super) fn cancel(&self, turn: TurnId) {
        if let Some((_, stop)) = self.stops().get(&turn) {
            stop.canceled.cancel();
        }
    }

    /// Ends the work on a turn that is another core's now.
    pub(super) fn lose(&self, (turn, attempt): Known) {
        if let Some((_, stop)) = self.stops().get(&turn).filter(|(known, _)| *known == attempt) {
            stop.lost.cancel();
        }
    }

    fn stops(&self) -> MutexGuard<'_, HashMap<TurnId, (u32, Stop)>> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner)
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

    pub(super) fn hand(&self) -> Hand {
        Hand { hall: Arc::clone(&self.hall), whose: self.whose.clone(), out: Arc::default() }
    }
}

impl Hand {
    /// The turn is out of this core's hands until what this returns is dropped; several at once count as one.
    pub(super) fn out(&self) -> Out<'_> {
        if self.out.fetch_add(1, Ordering::Relaxed) == 0 {
            let mut queue = self.hall.queue();
            queue.in_hand.give_back(&self.whose);
            queue.at_work.give_back(&self.whose);
            queue.serve();
        }
        Out(self)
    }
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        let Hand { hall, whose, out } = self.0;
        if out.fetch_sub(1, Ordering::Relaxed) == 1 {
            let mut queue = hall.queue();
            queue.in_hand.take(whose);
            queue.at_work.take(whose);
        }
    }
}

impl Held {
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.hall.queue().places.release(self.count);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut queue = self.hall.queue();
            queue.leave(&self.whose, self.runs);
            // Who leaves while waiting may have been served in this moment.
            let served = self.served.as_mut().is_some_and(|served| served.try_recv().is_ok());
            if self.runs || served {
                queue.running.give_back(&self.whose);
                queue.at_work.give_back(&self.whose);
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
    fn take(&mut self, whose: &Whose) {
        self.places.take(whose);
        self.in_hand.take(whose);
        self.count(false);
    }

    /// How many there may be in hand, as it is now.
    fn measure(&mut self) {
        let most = self.pace.most(Instant::now()).filter(|_| *self.writable.borrow());
        self.in_hand.resize(most.unwrap_or(usize::MAX));
    }

    fn next_in(&mut self, whose: &Whose, now: Instant) -> Option<Duration> {
        self.measure();
        let is_full = self.in_hand.may_take_fairly(whose).is_err();
        if !is_full && !self.pace.is_long(self.in_hand.taken(), now) {
            return None;
        }
        // Whoever is in the line is served in turn, so one of theirs in each round.
        let (round, own) = (self.in_hand.round(whose), self.in_hand.of_user(whose));
        let waits = is_full || self.pace.is_long(round * own, now);
        self.pace.time_for(round, now).filter(|_| waits)
    }

    /// Measures how fast turns come to their end.
    fn count(&mut self, has_ended: bool) {
        let (in_hand, now) = (self.in_hand.taken(), Instant::now());
        match has_ended {
            _ if !*self.writable.borrow() => self.pace.stalled(now),
            true => self.pace.ended(in_hand, now),
            false => self.pace.passed(in_hand, now),
        }
    }

    fn leave(&mut self, whose: &Whose, has_run: bool) {
        self.count(has_run);
        self.places.give_back(whose);
        self.in_hand.give_back(whose);
    }

    /// Lets run whoever may.
    fn serve(&mut self) {
        while let Some((whose, served)) = self.next() {
            // Who has left meanwhile takes nothing.
            if served.send(()).is_ok() {
                self.running.take(&whose);
                self.at_work.take(&whose);
            }
        }
    }

    fn next(&mut self) -> Option<(Whose, oneshot::Sender<()>)> {
        let (running, at_work) = (&self.running, &self.at_work);
        self.waiting.serve(|tenant, users| {
            users.serve(|user, line| {
                let whose = Whose { tenant: tenant.clone(), user: user.clone() };
                running.may_take(&whose).ok().filter(|()| at_work.has_one_for(tenant))?;
                line.pop_front().map(|served| (whose, served))
            })
        })
    }
}

#[cfg(test)]
mod tests;
