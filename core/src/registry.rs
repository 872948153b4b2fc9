//! The tenants' agents, as this core knows them. A tenant has a registry of its own, and that is all of its allow-list:
//! there is no other one to be configured. Within it an agent may be for some groups only, and then a caller's roster
//! is made, learned and remembered without those that the caller may not use, so that they influence nothing.
//!
//! The rows count their changes; a core whose count is another one reads them again, so a change on one core is seen by
//! every other at its next turn.

mod learning;
mod pending;
mod shelf;

pub(crate) use pending::Pending;

use crate::{
    access::{Permission, Reach, may},
    agents::{Agent, AgentError},
    config::RouteConfig,
    error::{Error, Result},
    learn::{self, Frozen},
    route::{
        Roster,
        embed::{EmbedError, Embedder},
        lexical::Model,
        meaning::Meaning,
    },
    store::{AgentRow, RegistryRows, Store, Tx, View, reading},
};
use learning::{Learning, Training};
use lru::LruCache;
use shelf::{Key, Shelf};
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};
use switchboard_shared::{
    identity::Identity,
    ids::{AgentId, TenantId},
    problem::{Problem, ProblemKind},
    shutdown::Shutdown,
};
use tokio::sync::{oneshot, watch};

/// Tenants whose agents are kept in memory as they were read; of more, the one not asked for the longest is read again
/// when it is needed.
const MAX_TENANTS: NonZeroUsize = NonZeroUsize::new(512).expect("it is not zero");

/// How many of a tenant's rosters are learned anew as soon as its registry has changed, the latest used first; others
/// when they are asked for.
const MAX_RENEWED: usize = 8;

/// Agents by tenant, and the rosters that have been learned of them.
pub(crate) struct Registry {
    listed: Mutex<LruCache<TenantId, Arc<Listed>>>,
    rosters: Shelf,
    learning: Arc<Learning>,
    embedder: Option<Arc<Embedder>>,
}

/// What is found when a roster is looked for.
pub(crate) enum Found {
    Learned(Arc<Roster>),
    Learning(Arc<Pending>),
    /// Too many of the tenant's wait to be learned already: there is no more than what there is meanwhile.
    Refused(Arc<Pending>),
}

/// How often one is waited for whose place a newer one has taken.
const ATTEMPTS: usize = 3;

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
        self.reached(reach).filter(|agent| agent.enabled).cloned().collect()
    }

    /// Those that the caller may know of: who manages agents sees them all, also those that are switched off.
    pub(crate) fn seen_by(&self, caller: &Identity) -> Vec<Arc<Agent>> {
        let manages = may(caller, Permission::ManageAgents);
        let reach = Reach::to_see(caller);
        self.reached(&reach).filter(|agent| agent.enabled || manages).cloned().collect()
    }

    /// Whether an agent is switched off.
    pub(crate) fn is_off(&self, id: &AgentId) -> bool {
        self.agents.iter().any(|agent| agent.id == *id && !agent.enabled)
    }

    fn reached(&self, reach: &Reach) -> impl Iterator<Item = &Arc<Agent>> {
        self.agents.iter().filter(|agent| reach.may_use(&agent.id, &agent.groups))
    }

    /// Those that somebody might use if they were not switched off.
    fn off(&self, reach: &Reach) -> Vec<AgentId> {
        self.reached(reach).filter(|agent| !agent.enabled).map(|agent| agent.id.clone()).collect()
    }

    fn key(&self, tenant: &TenantId, agents: &[Arc<Agent>], off: Vec<AgentId>) -> Key {
        Key::new(tenant, self.version, agents.iter().map(|agent| &agent.id), off)
    }
}

impl Registry {
    pub(crate) fn new(config: &RouteConfig, embedder: Option<Embedder>, shutdown: Shutdown) -> Arc<Self> {
        Arc::new(Self {
            listed: Mutex::new(LruCache::new(MAX_TENANTS)),
            rosters: Shelf::new(config.models_bytes),
            learning: Learning::new(config.learn_at_once, shutdown),
            embedder: embedder.map(Arc::new),
        })
    }

    /// The tenant's agents as they are now, whomever they are for: to be looked after, not to be routed with. When they
    /// have changed, what was learned of them begins to be learned again.
    pub(crate) async fn all(self: &Arc<Self>, store: &Store, tenant: &TenantId) -> Result<Arc<Listed>> {
        let known = self.listed.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        let known_version = known.as_ref().map(|listed| listed.version);
        let rows = reading!(store, tenant, View::Own, tx, newer(tx, tenant, known_version))?;
        let known = known.ok_or("it has no rows").map_err(Error::reading("registry"));
        rows.map_or(known, |rows| Ok(self.put(tenant, rows)))
    }

    /// The agent, if the caller may know of it.
    pub(crate) async fn seen_by(
        self: &Arc<Self>,
        store: &Store,
        caller: &Identity,
        id: &AgentId,
    ) -> Result<Arc<Agent>> {
        let agents = self.all(store, &caller.tenant).await?.seen_by(caller);
        agents.into_iter().find(|agent| agent.id == *id).ok_or_else(|| Error::no_agent(id))
    }

    /// The same as they are at this version, if this core knows them so.
    pub(crate) fn seek_at(self: &Arc<Self>, tenant: &TenantId, version: i64, reach: &Reach) -> Option<Found> {
        let known = self.listed.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        let listed = known.filter(|listed| listed.version == version)?;
        Some(self.find(tenant, &listed, reach))
    }

    /// The same, read in the transaction in which the version was.
    pub(crate) async fn seek_in(
        self: &Arc<Self>,
        tx: &Tx,
        tenant: &TenantId,
        version: i64,
        reach: &Reach,
    ) -> Result<Found> {
        if let Some(found) = self.seek_at(tenant, version, reach) {
            return Ok(found);
        }
        let listed = self.put(tenant, tx.registry(tenant).await?);
        Ok(self.find(tenant, &listed, reach))
    }

    fn put(self: &Arc<Self>, tenant: &TenantId, rows: RegistryRows) -> Arc<Listed> {
        let listed = Arc::new(Listed::of(rows));
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).put(tenant.clone(), Arc::clone(&listed));
        self.renew(tenant, &listed);
        listed
    }

    /// Begins to learn what the tenant's users have needed of late, and what they need who are in no group.
    fn renew(self: &Arc<Self>, tenant: &TenantId, listed: &Listed) {
        let mut reaches = self.rosters.reaches(tenant);
        reaches.truncate(MAX_RENEWED);
        for reach in reaches.into_iter().chain([Reach::default()]) {
            // What finds no room is learned when it is needed.
            drop(self.find(tenant, listed, &reach));
        }
    }

    /// The agents that somebody may use as they are now, and the model learned from these alone, or what there is while
    /// it is being learned. It is learned once, however many come for it, and whether or not they stay.
    pub(crate) async fn seek(
        self: &Arc<Self>,
        store: &Store,
        tenant: &TenantId,
        reach: &Reach,
    ) -> Result<Found> {
        let listed = self.all(store, tenant).await?;
        Ok(self.find(tenant, &listed, reach))
    }

    /// The same, when it is learned.
    pub(crate) async fn roster(
        self: &Arc<Self>,
        store: &Store,
        tenant: &TenantId,
        reach: &Reach,
    ) -> Result<Arc<Roster>> {
        for _ in 0..ATTEMPTS {
            match self.seek(store, tenant, reach).await? {
                Found::Learned(roster) => return Ok(roster),
                Found::Learning(pending) => {
                    if let Some(roster) = pending.learned().await {
                        return Ok(roster);
                    }
                }
                Found::Refused(_) => break,
            }
        }
        Err(too_many())
    }

    /// Looks again whether the registry has changed, after it was changed here.
    pub(crate) fn look_again(self: &Arc<Self>, store: &Store, tenant: &TenantId) {
        let (registry, store, tenant) = (Arc::clone(self), store.clone(), tenant.clone());
        self.learning.spawn(async move {
            if let Err(error) = registry.all(&store, &tenant).await {
                tracing::warn!(%error, %tenant, "the changed registry is read when it is needed");
            }
        });
    }

    fn find(self: &Arc<Self>, tenant: &TenantId, listed: &Listed, reach: &Reach) -> Found {
        let agents = listed.usable(reach);
        let key = listed.key(tenant, &agents, listed.off(reach));
        if let Some(roster) = self.rosters.get(&key) {
            return Found::Learned(roster);
        }
        let before = self.rosters.before(&key);
        let (learned, waits) = watch::channel(None);
        let pending = || Pending::new(waits, (listed.version, agents.clone(), key.off.clone()), before);
        let (pending, is_new) = self.rosters.coming(&key, pending);
        if is_new {
            let (nobody, reach) = (listed.nobody.clone(), reach.clone());
            let training = Arc::clone(self).bring(key.clone(), agents, nobody, reach, learned);
            if !self.learning.add(tenant, Box::pin(training)) {
                self.rosters.settled(&key);
                return Found::Refused(pending);
            }
        }
        Found::Learning(pending)
    }

    /// Learns a roster and puts it where it is found, unless the registry has changed before it was its turn.
    async fn bring(
        self: Arc<Self>,
        key: Key,
        agents: Vec<Arc<Agent>>,
        nobody: Vec<String>,
        reach: Reach,
        learned: watch::Sender<Option<Arc<Roster>>>,
    ) {
        let coming = Coming { registry: &self, key: &key };
        if let Some(roster) = self.rosters.get(&key) {
            learned.send_replace(Some(roster));
        } else if !self.is_outdated(&key) {
            match self.train(key.version, agents, nobody).await {
                Ok(roster) => {
                    let roster = Arc::new(roster.without(key.off.clone()));
                    self.rosters.put(key.clone(), Arc::clone(&roster), reach);
                    learned.send_replace(Some(roster));
                }
                Err(error) => tracing::error!(%error, tenant = %key.tenant, "a model could not be learned"),
            }
        }
        drop(coming);
    }

    fn is_outdated(&self, key: &Key) -> bool {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.peek(&key.tenant).is_some_and(|listed| listed.version > key.version)
    }

    /// The roster of rows that were just read, with all of their agents, also those that are switched off: a lesson is
    /// tried on what will be there when they are on again.
    pub(crate) async fn roster_of(
        self: &Arc<Self>,
        tenant: &TenantId,
        rows: RegistryRows,
    ) -> Result<Arc<Roster>> {
        let listed = Listed::of(rows);
        let key = listed.key(tenant, &listed.agents, Vec::new());
        if let Some(roster) = self.rosters.get(&key) {
            return Ok(roster);
        }
        let roster = Arc::new(self.learn_listed(tenant, listed).await?);
        self.keep(tenant, Arc::clone(&roster));
        Ok(roster)
    }

    /// Learns rows, with all of their agents, without keeping what comes of it.
    pub(crate) async fn learn(self: &Arc<Self>, tenant: &TenantId, rows: RegistryRows) -> Result<Roster> {
        self.learn_listed(tenant, Listed::of(rows)).await
    }

    async fn learn_listed(self: &Arc<Self>, tenant: &TenantId, listed: Listed) -> Result<Roster> {
        let (learned, waits) = oneshot::channel();
        let registry = Arc::clone(self);
        let training: Training = Box::pin(async move {
            // Who waited may have left.
            drop(learned.send(registry.train(listed.version, listed.agents, listed.nobody).await));
        });
        if !self.learning.add(tenant, training) {
            return Err(too_many());
        }
        waits.await.map_err(Error::task("learning the agents"))?
    }

    /// Has this roster ready for whoever may use all of its agents.
    pub(crate) fn keep(&self, tenant: &TenantId, roster: Arc<Roster>) {
        let agents = roster.agents.iter().map(|agent| &agent.id);
        let key = Key::new(tenant, roster.version, agents, Vec::new());
        self.rosters.put(key, roster, Reach { admin: true, ..Reach::default() });
    }

    /// Embeds these texts once, where there is an embedder, so that they need not be when they are asked about.
    pub(crate) async fn remember(&self, texts: &[&str]) -> Result<(), EmbedError> {
        match &self.embedder {
            Some(embedder) => embedder.embed_examples(texts).await.map(drop),
            None => Ok(()),
        }
    }

    async fn train(&self, version: i64, agents: Vec<Arc<Agent>>, nobody: Vec<String>) -> Result<Roster> {
        let of_nobody = nobody.clone();
        let learned = tokio::task::spawn_blocking(move || {
            let model = Model::train_with(&agents, &of_nobody);
            Roster::of(version, agents, model)
        });
        let roster = learned.await.map_err(Error::task("learning the agents"))?;
        let meaning = self.meaning(&roster, &nobody).await;
        Ok(roster.with(meaning))
    }

    /// What the embedder makes of the agents. Without it the words alone decide, until the registry changes.
    async fn meaning(&self, roster: &Roster, nobody: &[String]) -> Option<Meaning> {
        let embedder = Arc::clone(self.embedder.as_ref()?);
        let learned = Meaning::learn(embedder, &roster.agents, nobody, &roster.model).await;
        learned.inspect_err(|error| tracing::error!(%error, "the agents could not be embedded")).ok()
    }
}

/// The rows, unless they are the ones that are known.
async fn newer(tx: &Tx, tenant: &TenantId, known: Option<i64>) -> Result<Option<RegistryRows>> {
    match tx.registry_version(tenant).await? {
        version if Some(version) == known => Ok(None),
        _ => tx.registry(tenant).await.map(Some),
    }
}

/// A roster that is coming, until it has come or does not come.
struct Coming<'a> {
    registry: &'a Registry,
    key: &'a Key,
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.registry.rosters.settled(self.key);
    }
}

fn too_many() -> Error {
    let detail = "Too many models of your tenant's agents wait to be learned.";
    Error::Public(Problem::new(ProblemKind::Unavailable, detail).retry_after(10))
}

/// Reads stored cards; one that this version cannot read is left out, and said.
fn agents(rows: Vec<AgentRow>, frozen: &Frozen) -> Vec<Arc<Agent>> {
    rows.into_iter()
        .filter_map(|row| {
            let (id, own) = (row.id.clone(), (row.groups, row.enabled, row.credential));
            let agent: Result<Agent, AgentError> =
                Agent::from_card(Some(row.id), row.card_url, row.card, row.examples)
                    .and_then(|agent| agent.pinned(row.card_keys.as_ref()));
            let mut agent =
                agent.inspect_err(|error| tracing::error!(agent = %id, %error, "left out")).ok()?;
            (agent.groups, agent.enabled, agent.credential) = own;
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
