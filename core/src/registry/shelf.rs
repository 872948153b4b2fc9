//! What has been learned, by tenant and agents, and what is being learned: callers who may use the same agents share it.
//! What is kept is bounded by its bytes; of the tenant that has the most, what was not used for the longest goes first.

use super::pending::Pending;
use crate::{access::Reach, metrics::MODELS_BYTES, route::Roster};
use lru::LruCache;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use switchboard_shared::ids::{AgentId, TenantId};

/// Those of one tenant: many different sets of groups in one must not cost the others theirs.
const MAX_OF_A_TENANT: usize = 64;

/// Whose agents, which, and as of when.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) tenant: TenantId,
    pub(super) version: i64,
    agents: Vec<AgentId>,
    /// Those that are switched off, of which a roster says so.
    pub(super) off: Vec<AgentId>,
}

impl Key {
    pub(super) fn new<'a>(
        tenant: &TenantId,
        version: i64,
        agents: impl Iterator<Item = &'a AgentId>,
        mut off: Vec<AgentId>,
    ) -> Self {
        let mut agents: Vec<_> = agents.cloned().collect();
        agents.sort_unstable();
        off.sort_unstable();
        Self { tenant: tenant.clone(), version, agents, off }
    }

    /// Whether it is of the same agents, at an earlier time.
    fn precedes(&self, other: &Self) -> bool {
        let same = self.tenant == other.tenant && self.agents == other.agents && self.off == other.off;
        same && self.version < other.version
    }
}

/// A roster, and somebody who may use all of its agents and no others.
struct Kept {
    roster: Arc<Roster>,
    reach: Reach,
    bytes: usize,
}

/// Rosters, those that are there and those that are coming.
pub(super) struct Shelf {
    max_bytes: usize,
    state: Mutex<State>,
}

struct State {
    kept: LruCache<Key, Kept>,
    bytes: usize,
    coming: HashMap<Key, Arc<Pending>>,
}

impl Shelf {
    pub(super) fn new(max_bytes: usize) -> Self {
        let state = State { kept: LruCache::unbounded(), bytes: 0, coming: HashMap::new() };
        Self { max_bytes, state: Mutex::new(state) }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Roster>> {
        self.state().kept.get(key).map(|kept| Arc::clone(&kept.roster))
    }

    /// The roster of the same agents that was learned before, if it is there.
    pub(super) fn before(&self, key: &Key) -> Option<Arc<Roster>> {
        let state = self.state();
        let before = state.kept.iter().filter(|(known, _)| known.precedes(key));
        before.max_by_key(|(known, _)| known.version).map(|(_, kept)| Arc::clone(&kept.roster))
    }

    /// What is being learned under a key; `begin` makes it when that is nothing.
    pub(super) fn coming(&self, key: &Key, begin: impl FnOnce() -> Pending) -> (Arc<Pending>, bool) {
        let mut state = self.state();
        if let Some(pending) = state.coming.get(key) {
            return (Arc::clone(pending), false);
        }
        let pending = Arc::new(begin());
        state.coming.insert(key.clone(), Arc::clone(&pending));
        (pending, true)
    }

    /// It does not come, or it has come.
    pub(super) fn settled(&self, key: &Key) {
        self.state().coming.remove(key);
    }

    /// Keeps a roster, and lets go of what has to make room for it: its earlier versions, then what is too many of its
    /// tenant, then what whoever has the most has not used for the longest. The newest one is kept however large it is, or it would be learned
    /// again at each message.
    pub(super) fn put(&self, key: Key, roster: Arc<Roster>, reach: Reach) {
        let bytes = roster.bytes();
        let mut state = self.state();
        for gone in outlived(&state.kept, &key) {
            state.take(&gone);
        }
        while state.bytes + bytes > self.max_bytes
            && let Some(gone) = next_to_go(&state.kept, &key.tenant, bytes)
        {
            state.take(&gone);
        }
        state.take(&key);
        state.bytes += bytes;
        state.kept.put(key, Kept { roster, reach, bytes });
        MODELS_BYTES.set(i64::try_from(state.bytes).unwrap_or(i64::MAX));
    }

    /// For whom there are rosters of a tenant, the latest used first.
    pub(super) fn reaches(&self, tenant: &TenantId) -> Vec<Reach> {
        let state = self.state();
        let own = state.kept.iter().filter(|(key, _)| key.tenant == *tenant);
        own.map(|(_, kept)| kept.reach.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, key: &Key) {
        if let Some(kept) = self.kept.pop(key) {
            self.bytes -= kept.bytes;
        }
    }
}

/// What has to make room for a new key whatever there is of bytes.
fn outlived(kept: &LruCache<Key, Kept>, new: &Key) -> Vec<Key> {
    let of_tenant = kept.iter().map(|(key, _)| key).filter(|key| key.tenant == new.tenant);
    let (old, others): (Vec<_>, Vec<_>) = of_tenant.partition(|key| key.precedes(new));
    // The shelf is in order of use, the latest first.
    old.into_iter().chain(others.into_iter().skip(MAX_OF_A_TENANT - 1)).cloned().collect()
}

/// What makes room for so many bytes of a tenant: many rosters of one must not cost the others theirs.
fn next_to_go(kept: &LruCache<Key, Kept>, tenant: &TenantId, bytes: usize) -> Option<Key> {
    let mut of: HashMap<&TenantId, usize> = HashMap::new();
    for (key, kept) in kept {
        *of.entry(&key.tenant).or_insert(if key.tenant == *tenant { bytes } else { 0 }) += kept.bytes;
    }
    let most = of.values().max()?;
    kept.iter().rev().map(|(key, _)| key).find(|key| of.get(&key.tenant) == Some(most)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(tenant: &str, version: i64, agents: &[&str]) -> Key {
        let agents: Vec<AgentId> = agents.iter().map(|agent| agent.parse().unwrap()).collect();
        Key::new(&tenant.parse().unwrap(), version, agents.iter(), Vec::new())
    }

    fn roster() -> Arc<Roster> {
        Arc::new(Roster::new(1, Vec::new()))
    }

    fn kept(shelf: &Shelf) -> Vec<Key> {
        shelf.state().kept.iter().map(|(key, _)| key.clone()).collect()
    }

    #[test]
    fn a_key_is_the_tenant_the_version_and_the_agents_in_any_order() {
        assert_eq!(key("acme", 1, &["a", "b"]), key("acme", 1, &["b", "a"]));
        for other in [key("acme", 1, &["a"]), key("acme", 2, &["a", "b"]), key("other", 1, &["a", "b"])] {
            assert_ne!(key("acme", 1, &["a", "b"]), other);
        }
    }

    #[test]
    fn a_key_tells_apart_what_is_switched_off_and_what_was_not_before() {
        let (on, tenant) = (key("acme", 1, &["a"]), "acme".parse().unwrap());
        let off = Key::new(&tenant, 2, ["a".parse().unwrap()].iter(), vec!["b".parse().unwrap()]);
        let shelf = Shelf::new(usize::MAX);
        shelf.put(on, roster(), Reach::default());
        assert!(shelf.before(&off).is_none(), "it would not say that b is switched off");
    }

    #[test]
    fn a_new_version_takes_the_place_of_the_same_agents_and_until_then_the_old_one_is_there() {
        let shelf = Shelf::new(usize::MAX);
        shelf.put(key("acme", 1, &["a", "b"]), roster(), Reach::default());
        let (new, without_b) = (key("acme", 2, &["a", "b"]), key("acme", 2, &["a"]));
        assert!(shelf.get(&new).is_none() && shelf.before(&new).is_some());
        assert!(shelf.before(&without_b).is_none(), "an agent that was removed is not shown again");
        shelf.put(new.clone(), roster(), Reach::default());
        assert_eq!(kept(&shelf), [new]);
    }

    #[test]
    fn bytes_are_bounded_and_the_least_recently_used_goes_first() {
        let one = roster().bytes();
        let shelf = Shelf::new(3 * one);
        for tenant in ["a", "b", "c"] {
            shelf.put(key(tenant, 1, &[]), roster(), Reach::default());
        }
        assert!(shelf.get(&key("a", 1, &[])).is_some());
        shelf.put(key("d", 1, &[]), roster(), Reach::default());
        assert_eq!(kept(&shelf), [key("d", 1, &[]), key("a", 1, &[]), key("c", 1, &[])]);
        assert_eq!(shelf.state().bytes, 3 * one);
        let tiny = Shelf::new(1);
        tiny.put(key("a", 1, &[]), roster(), Reach::default());
        tiny.put(key("b", 1, &[]), roster(), Reach::default());
        assert_eq!(kept(&tiny), [key("b", 1, &[])], "the newest is kept however large it is");
    }

    #[test]
    fn a_tenant_that_fills_the_bytes_lets_go_of_its_own_first() {
        let one = roster().bytes();
        let shelf = Shelf::new(4 * one);
        for tenant in ["quiet", "calm"] {
            shelf.put(key(tenant, 1, &[]), roster(), Reach::default());
        }
        for i in 0..100 {
            shelf.put(key("greedy", 1, &[&format!("agent-{i}")]), roster(), Reach::default());
        }
        let kept = kept(&shelf);
        assert_eq!(kept[0], key("greedy", 1, &["agent-99"]));
        assert_eq!(kept.iter().filter(|key| key.tenant.as_str() == "greedy").count(), 2, "{kept:?}");
        assert_eq!((kept.len(), shelf.state().bytes), (4, 4 * one));
        assert_eq!(MODELS_BYTES.get(), i64::try_from(4 * one).unwrap());
    }

    #[test]
    fn a_tenant_with_many_sets_of_groups_costs_the_others_nothing() {
        let shelf = Shelf::new(usize::MAX);
        shelf.put(key("other", 1, &["a"]), roster(), Reach::default());
        for i in 0..2 * MAX_OF_A_TENANT {
            shelf.put(key("acme", 2, &[&format!("agent-{i}")]), roster(), Reach::default());
        }
        let kept = kept(&shelf);
        assert!(kept.contains(&key("other", 1, &["a"])));
        assert_eq!(kept.len(), 1 + MAX_OF_A_TENANT);
        assert_eq!(kept[0], key("acme", 2, &[&format!("agent-{}", 2 * MAX_OF_A_TENANT - 1)]));
    }
}
