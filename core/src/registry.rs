//! The tenants' agents, as this core knows them. The rows count their changes; a core whose count is another one reads
//! them again, so a change on one core is seen by every other at its next turn.

use crate::{
    agents::{Agent, AgentError},
    error::{Error, Result},
    learn::{self, Frozen},
    route::{
        Roster,
        embed::{EmbedError, Embedder},
        lexical::Model,
        meaning::Meaning,
    },
    store::{AgentRow, RegistryRows, Store},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use switchboard_shared::ids::TenantId;

/// Tenants whose models are kept in memory; beyond, all are dropped and learned again when they are needed.
const MAX_TENANTS: usize = 512;

/// Rosters by tenant.
#[derive(Default)]
pub(crate) struct Registry {
    rosters: Mutex<HashMap<TenantId, Arc<Roster>>>,
    embedder: Option<Arc<Embedder>>,
}

impl Registry {
    pub(crate) fn new(embedder: Option<Embedder>) -> Self {
        Self { rosters: Mutex::default(), embedder: embedder.map(Arc::new) }
    }

    /// The tenant's agents as they are now.
    pub(crate) async fn roster(&self, store: &Store, tenant: &TenantId) -> Result<Arc<Roster>> {
        let tx = store.read_own(tenant).await?;
        let version = tx.registry_version(tenant).await?;
        if let Some(roster) = self.known(tenant, version) {
            tx.commit().await?;
            return Ok(roster);
        }
        let rows = tx.registry(tenant).await?;
        tx.commit().await?;
        self.roster_of(tenant, rows).await
    }

    /// The roster of rows that were just read.
    pub(crate) async fn roster_of(&self, tenant: &TenantId, rows: RegistryRows) -> Result<Arc<Roster>> {
        if let Some(roster) = self.known(tenant, rows.version) {
            return Ok(roster);
        }
        let roster = Arc::new(self.learn(rows).await?);
        self.keep(tenant, Arc::clone(&roster));
        Ok(roster)
    }

    /// Learns rows without keeping what comes of it.
    pub(crate) async fn learn(&self, rows: RegistryRows) -> Result<Roster> {
        let learned = tokio::task::spawn_blocking(move || train(rows)).await;
        let (roster, nobody) = learned.map_err(|e| Error::Row { what: "registry", reason: e.to_string() })?;
        let meaning = self.meaning(&roster, &nobody).await;
        Ok(roster.with(meaning))
    }

    /// Serves this roster from the next message on.
    pub(crate) fn keep(&self, tenant: &TenantId, roster: Arc<Roster>) {
        let mut rosters = self.rosters.lock().unwrap_or_else(PoisonError::into_inner);
        if rosters.len() >= MAX_TENANTS && !rosters.contains_key(tenant) {
            rosters.clear();
        }
        rosters.insert(tenant.clone(), roster);
    }

    /// Embeds these texts once, where there is an embedder, so that they need not be when they are asked about.
    pub(crate) async fn remember(&self, texts: &[&str]) -> Result<(), EmbedError> {
        match &self.embedder {
            Some(embedder) => embedder.embed_examples(texts).await.map(drop),
            None => Ok(()),
        }
    }

    fn known(&self, tenant: &TenantId, version: i64) -> Option<Arc<Roster>> {
        let known = self.rosters.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        known.filter(|roster| roster.version == version)
    }

    /// What the embedder makes of the agents. Without it the words alone decide, until the registry changes.
    async fn meaning(&self, roster: &Roster, nobody: &[String]) -> Option<Meaning> {
        let embedder = Arc::clone(self.embedder.as_ref()?);
        let learned = Meaning::learn(embedder, &roster.agents, nobody, &roster.model).await;
        learned.inspect_err(|error| tracing::error!(%error, "the agents could not be embedded")).ok()
    }
}

fn train(rows: RegistryRows) -> (Roster, Vec<String>) {
    let frozen = Frozen::of(&rows.frozen);
    let agents = agents(rows.agents, &frozen);
    let nobody = rows.nobody.into_iter().map(|example| example.text).filter(|text| !frozen.holds(text));
    let nobody: Vec<String> = nobody.collect();
    let model = Model::train_with(&agents, &nobody);
    (Roster::of(rows.version, agents, model), nobody)
}

/// Reads stored cards; one that this version cannot read is left out, and said. What is frozen is not learned, even
/// where a card brings it.
fn agents(rows: Vec<AgentRow>, frozen: &Frozen) -> Vec<Arc<Agent>> {
    rows.into_iter()
        .filter_map(|row| {
            let id = row.id.clone();
            let agent: Result<Agent, AgentError> =
                Agent::from_card(Some(row.id), row.card_url, row.card, row.examples);
            let mut agent =
                agent.inspect_err(|error| tracing::error!(agent = %id, %error, "left out")).ok()?;
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
