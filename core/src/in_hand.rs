//! What is large and in this core's hands, by its bytes: bodies that are read and stored, files that are with agents, and
//! those that are handed out. All that is small passes beside it. Of each tenant there is no more than is still free (as of
//! places for turns), so that whoever comes next finds some, and of a user likewise, or one thing at a time; who waits is
//! served in turn by tenant and user.

use crate::{
    metrics::{IN_HAND_BYTES, IN_HAND_WAITING},
    round_robin::RoundRobin,
    turn::{Shares, Whose},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use switchboard_shared::ids::{TenantId, UserId};
use tokio::sync::oneshot;

/// A body of up to so many bytes is no large one.
pub(crate) const SMALL: usize = 65_536;
/// Bodies of one user that wait; one more is refused.
const MAX_WAITING_BODIES: usize = 32;
/// Files that one user fetches and that wait; one more is refused.
const MAX_WAITING_DOWNLOADS: usize = 64;

/// Large things of one kind on this core.
pub(crate) struct InHand {
    what: &'static str,
    all: usize,
    max_waiting: usize,
    state: Mutex<State>,
}

/// One of them: waiting, and then in hand until it is dropped.
pub(crate) struct Load {
    of: Arc<InHand>,
    whose: Whose,
    bytes: usize,
    served: oneshot::Receiver<()>,
    is_in_hand: bool,
}

/// Pure: what is in hand, and who waits.
struct State {
    shares: Shares,
    one_each: bool,
    waiting: RoundRobin<TenantId, RoundRobin<UserId, VecDeque<Waiting>>>,
}

struct Waiting {
    bytes: usize,
    serve: oneshot::Sender<()>,
}

impl InHand {
    /// Bodies, so many bytes of them, and of each user one at a time.
    pub(crate) fn bodies(bytes: usize) -> Arc<Self> {
        Self::new("bodies", bytes, MAX_WAITING_BODIES, true)
    }

    /// Files that are with agents, so many bytes of them. Whoever waits has a place for its turn already, and of those
    /// there are only so many.
    pub(crate) fn files(bytes: usize) -> Arc<Self> {
        Self::new("files", bytes, usize::MAX, false)
    }

    /// Files that members fetch, so many bytes of them.
    pub(crate) fn downloads(bytes: usize) -> Arc<Self> {
        Self::new("downloads", bytes, MAX_WAITING_DOWNLOADS, false)
    }

    fn new(what: &'static str, all: usize, max_waiting: usize, one_each: bool) -> Arc<Self> {
        let state = Mutex::new(State { shares: Shares::new(all), one_each, waiting: RoundRobin::default() });
        Arc::new(Self { what, all, max_waiting, state })
    }

    /// Waits until so many bytes may be taken in hand (of what is larger than all that there may be, all); `None` where
    /// too much of its user waits already.
    pub(crate) async fn take(self: &Arc<Self>, whose: Whose, bytes: usize) -> Option<Load> {
        let mut load = {
            let (serve, served) = oneshot::channel();
            let bytes = bytes.min(self.all);
            let mut state = self.state();
            let line = state.waiting.line(whose.tenant.clone()).line(whose.user.clone());
            // Who has gone meanwhile waits no more.
            line.retain(|waiting| !waiting.serve.is_closed());
            if line.len() >= self.max_waiting {
                return None;
            }
            line.push_back(Waiting { bytes, serve });
            let load = Load { of: Arc::clone(self), whose, bytes, served, is_in_hand: false };
            IN_HAND_WAITING.with_label_values(&[self.what]).inc();
            self.serve(&mut state);
            load
        };
        // Its other end stays in the line until it is served, so this does not fail.
        if (&mut load.served).await.is_ok() {
            load.is_in_hand = true;
            IN_HAND_WAITING.with_label_values(&[self.what]).dec();
        }
        Some(load)
    }

    /// Lets whoever may have what they wait for.
    fn serve(&self, state: &mut State) {
        while let Some((whose, waiting)) = state.next() {
            // Who has left meanwhile takes nothing.
            if waiting.serve.send(()).is_ok() {
                state.shares.take_some(&whose, waiting.bytes);
            }
        }
        let bytes = i64::try_from(state.shares.taken()).unwrap_or(i64::MAX);
        IN_HAND_BYTES.with_label_values(&[self.what]).set(bytes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let mut state = self.of.state();
        if !self.is_in_hand {
            IN_HAND_WAITING.with_label_values(&[self.of.what]).dec();
        }
        // Who leaves while waiting may have been served in this moment.
        self.served.close();
        if self.is_in_hand || self.served.try_recv().is_ok() {
            state.shares.give_some_back(&self.whose, self.bytes);
        }
        self.of.serve(&mut state);
    }
}

impl State {
    fn next(&mut self) -> Option<(Whose, Waiting)> {
        let Self { shares, one_each, waiting } = self;
        let free = shares.free();
        // Whoever is first and finds too little keeps what there is from those behind, who might need less for ever.
        let mut is_short = false;
        waiting.serve(|tenant, lines| {
            let of_tenant = shares.of_tenant(tenant);
            if of_tenant > free {
                return None;
            }
            lines.serve(|user, line| {
                let whose = Whose { tenant: tenant.clone(), user: user.clone() };
                let of_user = shares.of_user(&whose);
                let has_enough = of_user > 0 && (*one_each || of_tenant + of_user > free);
                let first = line.front().filter(|_| !has_enough)?;
                is_short |= first.bytes > free;
                if is_short { None } else { line.pop_front().map(|waiting| (whose, waiting)) }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    const BODY: usize = 2 << 20;

    fn whose(tenant: &str, user: &str) -> Whose {
        Whose { tenant: tenant.parse().unwrap(), user: user.parse().unwrap() }
    }

    /// In hand at once, or not.
    fn now(bodies: &Arc<InHand>, tenant: &str, user: &str, bytes: usize) -> Option<Load> {
        bodies.take(whose(tenant, user), bytes).now_or_never().flatten()
    }

    #[tokio::test]
    async fn of_each_user_one_is_in_hand_and_a_tenant_of_many_leaves_room_for_the_next() {
        let bodies = InHand::bodies(8 * BODY);
        let first = now(&bodies, "greedy", "u0", BODY).unwrap();
        assert!(now(&bodies, "greedy", "u0", BODY).is_none(), "one at a time");
        let more: Vec<_> = (1..20).filter_map(|i| now(&bodies, "greedy", &format!("u{i}"), BODY)).collect();
        assert_eq!(more.len() + 1, 5, "half of all, and the one that goes beyond");
        let others: Vec<_> = (0..3).filter_map(|i| now(&bodies, &format!("t{i}"), "ann", BODY)).collect();
        assert_eq!(others.len(), 3);
        assert!(now(&bodies, "t3", "ann", BODY).is_none(), "nothing is left");
        drop(first);
        assert!(now(&bodies, "t3", "ann", BODY).is_some());
    }

    #[tokio::test]
    async fn who_waits_is_served_in_turn_by_tenant() {
        let bodies = InHand::bodies(2 * BODY);
        let (one, two) = (now(&bodies, "a", "x", BODY).unwrap(), now(&bodies, "b", "x", BODY).unwrap());
        let mut waiting = [("a", "y"), ("a", "z"), ("c", "x")]
            .map(|(tenant, user)| Box::pin(bodies.take(whose(tenant, user), BODY)));
        assert!(waiting.iter_mut().all(|load| load.as_mut().now_or_never().is_none()));
        let [first, second, other] = waiting;
        drop(two);
        let first = first.await.unwrap();
        drop(one);
        let other = other.await.unwrap();
        drop((first, other));
        drop(second.await.unwrap());
        let state = bodies.state();
        assert!(state.shares.knows_nobody() && state.shares.free() == 2 * BODY);
    }

    #[tokio::test]
    async fn whoever_needs_much_is_not_passed_by_for_ever() {
        let bodies = InHand::bodies(2 * BODY);
        let first = now(&bodies, "a", "x", BODY + 1).unwrap();
        let mut much = Box::pin(bodies.take(whose("b", "x"), BODY));
        assert!(much.as_mut().now_or_never().is_none());
        assert!(now(&bodies, "c", "x", 1).is_none(), "there is room for this one, which came later");
        drop(first);
        let much = much.await.unwrap();
        assert!(now(&bodies, "c", "x", 1).is_some());
        drop(much);
    }

    #[tokio::test]
    async fn files_of_one_user_are_with_many_agents_as_long_as_others_find_room() {
        let files = InHand::files(30 * BODY);
        let of_ann: Vec<_> = (0..30).map_while(|_| now(&files, "a", "ann", BODY)).collect();
        assert_eq!(of_ann.len(), 11, "a third, and the one that goes beyond");
        let of_bob: Vec<_> = (0..30).map_while(|_| now(&files, "b", "bob", BODY)).collect();
        assert!(of_bob.len() > 5, "{}", of_bob.len());
        let huge = now(&files, "c", "cy", 100 * BODY);
        assert!(huge.is_none(), "it waits for all that there is");
        drop((of_ann, of_bob));
        assert!(now(&files, "c", "cy", 100 * BODY).is_some());
    }

    #[tokio::test]
    async fn a_line_has_an_end_and_who_has_gone_is_not_in_it() {
        let bodies = InHand::bodies(BODY);
        let first = now(&bodies, "a", "x", BODY).unwrap();
        // Each of these has gone at once.
        assert!((0..100).all(|_| now(&bodies, "a", "x", BODY).is_none()));
        let mut waiting: Vec<_> = (0..33).map(|_| Box::pin(bodies.take(whose("a", "x"), BODY))).collect();
        let refused = waiting.iter_mut().filter_map(|load| load.as_mut().now_or_never());
        assert_eq!(refused.filter(Option::is_none).count(), 1);
        drop(first);
        assert!(waiting.swap_remove(0).await.is_some());
    }
}
