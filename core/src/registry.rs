//! The tenants' agents, as this core knows them. A tenant has a registry of its own, and that is all of its allow-list:
//! there is no other one to be configured. Within it an agent may be for some groups only, and then a caller's roster
//! is made, learned and remembered without those that the caller may not use, so that they influence nothing.
//!
//! The rows count their changes; a core whose count is another one reads them again, so a change on one core is seen by
//! every other at its next turn.

mod shelf;

use crate::{
    access::Reach,
    agents::{Agent, AgentError},
    error::{Error, Result},
    route::{Roster, embed::Embedder, meaning::Meaning},
    store::{AgentRow, Store},
};
use lru::LruCache;
use shelf::{Key, Shelf};
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};
use switchboard_shared::ids::TenantId;
use tokio::sync::Semaphore;

/// Tenants whose agents are kept in memory as they were read; of more, the one not asked for the longest is read again
/// when it is needed.
const MAX_TENANTS: NonZeroUsize = NonZeroUsize::new(512).expect("it is not zero");

/// Rosters learned at once: after a change of a large tenant's registry each set of its users' groups asks for its own,
/// and the turns that run meanwhile need the processor too. Others wait in order.
const MAX_LEARNING: usize = 2;

/// Agents by tenant, and the rosters that have been learned of them.
pub(crate) struct Registry {
    listed: Mutex<LruCache<TenantId, Arc<Listed>>>,
    rosters: Shelf<Roster>,
    learning: Semaphore,
    embedder: Option<Arc<Embedder>>,
}

/// All agents of a tenant, at one version of its registry.
pub(crate) struct Listed {
    version: i64,
    pub(crate) agents: Vec<Arc<Agent>>,
}

impl Listed {
    /// Those that somebody may use; the others are not there.
    pub(crate) fn usable(&self, reach: &Reach) -> Vec<Arc<Agent>> {
        self.agents.iter().filter(|agent| reach.may_use(&agent.groups)).cloned().collect()
    }
}

impl Registry {
    pub(crate) fn new(embedder: Option<Embedder>) -> Self {
        Self {
            listed: Mutex::new(LruCache::new(MAX_TENANTS)),
            rosters: Shelf::default(),
            learning: Semaphore::new(MAX_LEARNING),
            embedder: embedder.map(Arc::new),
        }
    }

    /// The tenant's agents as they are now, whomever they are for: to be looked after, not to be routed with.
    pub(crate) async fn all(&self, store: &Store, tenant: &TenantId) -> Result<Arc<Listed>> {
        let tx = store.read_own(tenant).await?;
        let version = tx.registry_version(tenant).await?;
        let known = self.listed.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        if let Some(listed) = known.filter(|listed| listed.version == version) {
            tx.commit().await?;
            return Ok(listed);
        }
        let rows = tx.agents(tenant).await?;
        tx.commit().await?;
        let listed = Arc::new(Listed { version, agents: agents(rows) });
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).put(tenant.clone(), Arc::clone(&listed));
        Ok(listed)
    }

    /// The agents that somebody may use as they are now, and the model learned from these alone.
    pub(crate) async fn roster(
        &self,
        store: &Store,
        tenant: &TenantId,
        reach: &Reach,
    ) -> Result<Arc<Roster>> {
        let listed = self.all(store, tenant).await?;
        let usable = listed.usable(reach);
        let key = Key::new(tenant, listed.version, usable.iter().map(|agent| &agent.id));
        self.rosters.get(key, || self.learn(listed.version, usable)).await
    }

    async fn learn(&self, version: i64, agents: Vec<Arc<Agent>>) -> Result<Roster> {
        // The semaphore is never closed, so a permit always comes.
        let place = self.learning.acquire().await;
        let roster = tokio::task::spawn_blocking(move || Roster::new(version, agents)).await;
        drop(place);
        let roster = roster.map_err(|e| Error::Row { what: "registry", reason: e.to_string() })?;
        let meaning = self.meaning(&roster).await;
        Ok(roster.with(meaning))
    }

    /// What the embedder makes of the agents. Without it the words alone decide, until the registry changes.
    async fn meaning(&self, roster: &Roster) -> Option<Meaning> {
        let embedder = Arc::clone(self.embedder.as_ref()?);
        let learned = Meaning::learn(embedder, &roster.agents, &[], &roster.model).await;
        learned.inspect_err(|error| tracing::error!(%error, "the agents could not be embedded")).ok()
    }
}

/// Reads stored cards; one that this version cannot read is left out, and said.
fn agents(rows: Vec<AgentRow>) -> Vec<Arc<Agent>> {
    rows.into_iter()
        .filter_map(|row| {
            let (id, groups) = (row.id.clone(), row.groups);
            let agent: Result<Agent, AgentError> =
                Agent::from_card(Some(row.id), row.card_url, row.card, row.examples);
            let agent = agent.map(|agent| Arc::new(Agent { groups, ..agent }));
            agent.inspect_err(|error| tracing::error!(agent = %id, %error, "left out")).ok()
        })
        .collect()
}
