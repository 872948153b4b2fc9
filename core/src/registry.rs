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
    learn::{self, Frozen},
    route::{
        Roster,
        embed::{EmbedError, Embedder},
        lexical::Model,
        meaning::{Learned, Meaning},
    },
    store::{AgentRow, RegistryRows, Store},
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
    /// Messages that are for no agent.
    nobody: Vec<String>,
}

impl Listed {
    /// Reads rows. What is frozen is not learned, even where a card brings it.
    fn of(rows: RegistryRows) -> Self {
        let frozen = Frozen::of(&rows.frozen);
        let nobody = rows.nobody.into_iter().map(|example| example.text);
        Self {
            version: rows.version,
            agents: agents(rows.agents, &frozen),
            nobody: nobody.filter(|text| !frozen.holds(text)).collect(),
        }
    }

    /// Those that somebody may use; the others are not there.
    pub(crate) fn usable(&self, reach: &Reach) -> Vec<Arc<Agent>> {
        self.agents.iter().filter(|agent| reach.may_use(&agent.groups)).cloned().collect()
    }

    fn key(&self, tenant: &TenantId, agents: &[Arc<Agent>]) -> Key {
        Key::new(tenant, self.version, agents.iter().map(|agent| &agent.id))
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
        let rows = tx.registry(tenant).await?;
        tx.commit().await?;
        let listed = Arc::new(Listed::of(rows));
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
        let key = listed.key(tenant, &usable);
        self.rosters.get(key, || self.train(&listed, usable)).await
    }

    /// The roster of rows that were just read, with all of their agents.
    pub(crate) async fn roster_of(&self, tenant: &TenantId, rows: RegistryRows) -> Result<Arc<Roster>> {
        let listed = Listed::of(rows);
        let all = listed.agents.clone();
        self.rosters.get(listed.key(tenant, &all), || self.train(&listed, all)).await
    }

    /// Learns rows, with all of their agents, without keeping what comes of it.
    pub(crate) async fn learn(&self, rows: RegistryRows) -> Result<Roster> {
        let listed = Listed::of(rows);
        self.train(&listed, listed.agents.clone()).await
    }

    /// Has this roster ready for whoever may use all of its agents.
    pub(crate) fn keep(&self, tenant: &TenantId, roster: Arc<Roster>) {
        let key = Key::new(tenant, roster.version, roster.agents.iter().map(|agent| &agent.id));
        self.rosters.put(key, roster);
    }

    /// Embeds these texts once, where there is an embedder, so that they need not be when they are asked about.
    pub(crate) async fn remember(&self, texts: &[&str]) -> Result<(), EmbedError> {
        match &self.embedder {
            Some(embedder) => embedder.embed_examples(texts).await.map(drop),
            None => Ok(()),
        }
    }

    async fn train(&self, listed: &Listed, agents: Vec<Arc<Agent>>) -> Result<Roster> {
        // The semaphore is never closed, so a permit always comes.
        let place = self.learning.acquire().await;
        let (version, nobody) = (listed.version, listed.nobody.clone());
        let learned = tokio::task::spawn_blocking(move || {
            let model = Model::train_with(&agents, &nobody);
            Roster::of(version, agents, model)
        });
        let roster = learned.await.map_err(|e| Error::Row { what: "registry", reason: e.to_string() })?;
        drop(place);
        let meaning = self.meaning(&roster, &listed.nobody).await;
        Ok(roster.with(meaning))
    }

    /// What the embedder makes of the agents. Without it the words alone decide, until the registry changes.
    async fn meaning(&self, roster: &Roster, nobody: &[String]) -> Option<Learned> {
        let embedder = Arc::clone(self.embedder.as_ref()?);
        let learned = Meaning::learn(embedder, &roster.agents, nobody, &roster.model).await;
        learned.inspect_err(|error| tracing::error!(%error, "the agents could not be embedded")).ok()
    }
}

/// Reads stored cards; one that this version cannot read is left out, and said.
fn agents(rows: Vec<AgentRow>, frozen: &Frozen) -> Vec<Arc<Agent>> {
    rows.into_iter()
        .filter_map(|row| {
            let (id, groups) = (row.id.clone(), row.groups);
            let agent: Result<Agent, AgentError> =
                Agent::from_card(Some(row.id), row.card_url, row.card, row.examples);
            let mut agent =
                agent.inspect_err(|error| tracing::error!(agent = %id, %error, "left out")).ok()?;
            agent.groups = groups;
            agent.examples.retain(|example| !frozen.holds(&example.text));
            // Those of an earlier version came without a language.
            agent.examples = agent.examples.into_iter().map(learn::with_language).collect();
            for skill in &mut agent.skills {
                skill.examples.retain(|text| !frozen.holds(text));
            }
            Some(Arc::new(agent))
        })
        .collect()
}
