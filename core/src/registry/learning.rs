//! Models are learned by tasks of their own, few at once, in turn by tenant: each takes a processor for up to seconds,
//! which is nobody's turn to pay for. Whoever waits for one may leave; it is learned all the same, once.

use crate::{metrics::MODELS_WAITING, round_robin::RoundRobin};
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use switchboard_shared::{ids::TenantId, shutdown::Shutdown};

/// Models of one tenant that wait to be learned; more are refused, and their turns do without.
const MAX_WAITING_OF_A_TENANT: usize = 64;

/// What is to be done, from its beginning to its end.
pub(super) type Training = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The queue of what is to be learned.
pub(super) struct Learning {
    at_once: usize,
    shutdown: Shutdown,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    waiting: RoundRobin<TenantId, VecDeque<Training>>,
}

/// The right to learn now; the next one begins when it is dropped, however that comes about.
struct Permit(Arc<Learning>);

impl Learning {
    pub(super) fn new(at_once: usize, shutdown: Shutdown) -> Arc<Self> {
        Arc::new(Self { at_once, shutdown, state: Mutex::default() })
    }

    /// Puts a training into its tenant's line; whether there was room.
    pub(super) fn add(self: &Arc<Self>, tenant: &TenantId, training: Training) -> bool {
        {
            let mut state = self.state();
            let line = state.waiting.line(tenant.clone());
            if line.len() >= MAX_WAITING_OF_A_TENANT {
                return false;
            }
            line.push_back(training);
            MODELS_WAITING.inc();
        }
        self.begin();
        true
    }

    /// Does something besides learning.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.shutdown.tasks.spawn(work);
    }

    /// Begins as many as may be learned at once.
    fn begin(self: &Arc<Self>) {
        while let Some(training) = self.next() {
            let (permit, stop) = (Permit(Arc::clone(self)), self.shutdown.token.clone());
            self.shutdown.tasks.spawn(async move {
                let _permit = permit;
                // A core that goes learns nothing more; what is dropped here has changed nothing.
                tokio::select! {
                    () = training => {}
                    () = stop.cancelled() => {}
                }
            });
        }
    }

    fn next(&self) -> Option<Training> {
        let mut state = self.state();
        if state.running >= self.at_once {
            return None;
        }
        let training = state.waiting.serve(|_, line| line.pop_front())?;
        state.running += 1;
        MODELS_WAITING.dec();
        Some(training)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        self.0.begin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn few_are_learned_at_once_and_the_tenants_are_served_in_turn() {
        let learning = Learning::new(1, Shutdown::default());
        let (began, mut order) = mpsc::unbounded_channel();
        let (a, b): (TenantId, TenantId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let training = |name: &'static str| -> Training {
            let (began, learning) = (began.clone(), Arc::clone(&learning));
            Box::pin(async move {
                assert_eq!(learning.state().running, 1);
                tokio::task::yield_now().await;
                began.send(name).unwrap();
            })
        };
        for name in ["a1", "a2", "a3"] {
            assert!(learning.add(&a, training(name)));
        }
        assert!(learning.add(&b, training("b1")));
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(order.recv().await.unwrap());
        }
        assert_eq!(seen, ["a1", "a2", "b1", "a3"]);
    }

    #[tokio::test]
    async fn what_fails_lets_the_next_one_begin_and_a_full_line_refuses() {
        let learning = Learning::new(1, Shutdown::default());
        let tenant: TenantId = "a".parse().unwrap();
        let (done, learned) = tokio::sync::oneshot::channel();
        assert!(learning.add(&tenant, Box::pin(async { panic!("a defect of one training") })));
        assert!(learning.add(&tenant, Box::pin(async { done.send(()).unwrap() })));
        learned.await.unwrap();
        let added = (0..100).filter(|_| learning.add(&tenant, Box::pin(std::future::pending()))).count();
        assert_eq!(added, MAX_WAITING_OF_A_TENANT + 1, "one is being learned");
        let other: TenantId = "b".parse().unwrap();
        assert!(learning.add(&other, Box::pin(std::future::pending())), "another tenant's line is its own");
    }
}
