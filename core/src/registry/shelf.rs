//! What has been learned, by tenant and agents: callers who may use the same agents share it, and it is learned once,
//! however many come for it at once.

use crate::error::Result;
use lru::LruCache;
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};
use switchboard_shared::ids::{AgentId, TenantId};
use tokio::sync::OnceCell;

/// Rosters in memory; of more, the one not asked for the longest is learned again when it is needed.
const MAX_ROSTERS: NonZeroUsize = NonZeroUsize::new(512).expect("it is not zero");
/// Those of one tenant: many different sets of groups in one must not cost the others theirs.
const MAX_OF_A_TENANT: usize = 64;

/// Whose agents, which, and as of when.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    tenant: TenantId,
    version: i64,
    agents: Vec<AgentId>,
}

impl Key {
    pub(super) fn new<'a>(
        tenant: &TenantId,
        version: i64,
        agents: impl Iterator<Item = &'a AgentId>,
    ) -> Self {
        let mut agents: Vec<_> = agents.cloned().collect();
        agents.sort_unstable();
        Self { tenant: tenant.clone(), version, agents }
    }
}

/// Things that are dear to make, by key.
pub(super) struct Shelf<T>(Mutex<LruCache<Key, Place<T>>>);

/// Where a thing will be; who comes while it is being made waits here.
type Place<T> = Arc<OnceCell<Arc<T>>>;

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_ROSTERS)))
    }
}

impl<T> Shelf<T> {
    /// What is there, or what `make` makes. When that fails, or its caller gives up, the next one in line tries.
    pub(super) async fn get<F: Future<Output = Result<T>>>(
        &self,
        key: Key,
        make: impl FnOnce() -> F,
    ) -> Result<Arc<T>> {
        let place = self.place(key);
        let made = place.get_or_try_init(async || make().await.map(Arc::new)).await;
        made.map(Arc::clone)
    }

    /// Puts there what was made elsewhere, unless it has been made here meanwhile.
    pub(super) fn put(&self, key: Key, thing: Arc<T>) {
        // What is there already was made of the same rows.
        drop(self.place(key).set(thing));
    }

    fn place(&self, key: Key) -> Place<T> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = shelf.get(&key) {
            return Arc::clone(place);
        }
        for gone in outlived(&shelf, &key) {
            shelf.pop(&gone);
        }
        let place = Place::default();
        shelf.put(key, Arc::clone(&place));
        place
    }
}

/// What has to make room for a new key: the tenant's older versions, and what is too many of this one.
fn outlived<T>(shelf: &LruCache<Key, Place<T>>, new: &Key) -> Vec<Key> {
    let of_tenant = shelf.iter().map(|(key, _)| key).filter(|key| key.tenant == new.tenant);
    let (old, same): (Vec<_>, Vec<_>) = of_tenant.partition(|key| key.version < new.version);
    // The shelf is in order of use, the latest first.
    old.into_iter().chain(same.into_iter().skip(MAX_OF_A_TENANT - 1)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn key(tenant: &str, version: i64, agents: &[&str]) -> Key {
        let agents: Vec<AgentId> = agents.iter().map(|agent| agent.parse().unwrap()).collect();
        Key::new(&tenant.parse().unwrap(), version, agents.iter())
    }

    fn kept(shelf: &Shelf<u8>) -> Vec<Key> {
        shelf.0.lock().unwrap().iter().map(|(key, _)| key.clone()).collect()
    }

    #[test]
    fn a_key_is_the_tenant_the_version_and_the_agents_in_any_order() {
        assert_eq!(key("acme", 1, &["a", "b"]), key("acme", 1, &["b", "a"]));
        for other in [key("acme", 1, &["a"]), key("acme", 2, &["a", "b"]), key("other", 1, &["a", "b"])] {
            assert_ne!(key("acme", 1, &["a", "b"]), other);
        }
    }

    #[tokio::test]
    async fn a_burst_of_callers_learns_once_and_other_agents_are_learned_apart() {
        let (shelf, made) = (Shelf::default(), AtomicUsize::new(0));
        let make = || async {
            tokio::task::yield_now().await;
            Ok(made.fetch_add(1, Ordering::Relaxed))
        };
        let burst = (0..10).map(|_| shelf.get(key("acme", 1, &["a"]), make));
        let got: Vec<_> = futures::future::try_join_all(burst).await.unwrap();
        assert!(got.iter().all(|one| **one == 0), "{got:?}");
        assert_eq!(*shelf.get(key("acme", 1, &["a", "b"]), make).await.unwrap(), 1);
        assert_eq!(*shelf.get(key("acme", 1, &["a"]), make).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_could_not_be_made_is_made_by_the_next_one() {
        let shelf = Shelf::default();
        let failed = shelf.get(key("acme", 1, &[]), || async { Err(Error::not_found()) }).await;
        assert!(failed.is_err());
        assert_eq!(*shelf.get(key("acme", 1, &[]), || async { Ok(7) }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_tenant_keeps_its_newest_and_costs_the_others_nothing() {
        let shelf: Shelf<u8> = Shelf::default();
        let name = |i: usize| format!("agent-{i}");
        let put = async |key| drop(shelf.get(key, || async { Ok(0) }).await.unwrap());
        put(key("other", 1, &["a"])).await;
        put(key("acme", 1, &["a"])).await;
        for i in 0..2 * MAX_ROSTERS.get() {
            put(key("acme", 2, &[&name(i)])).await;
        }
        let kept = kept(&shelf);
        assert!(kept.contains(&key("other", 1, &["a"])) && !kept.contains(&key("acme", 1, &["a"])));
        assert_eq!(kept.len(), 1 + MAX_OF_A_TENANT);
        assert!(kept.contains(&key("acme", 2, &[&name(2 * MAX_ROSTERS.get() - 1)])), "the newest is there");
    }
}
