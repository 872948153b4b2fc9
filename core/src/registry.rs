//! The tenants' agents, as this core knows them. The rows count their changes; a core whose count is another one reads
//! them again, so a change on one core is seen by every other at its next turn.

use crate::{
    agents::{Agent, AgentError},
    error::{Error, Result},
    route::{Roster, embed::Embedder, meaning::Meaning},
    store::{AgentRow, Store},
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
        let known = self.rosters.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        if let Some(roster) = known.filter(|roster| roster.version == version) {
            tx.commit().await?;
            return Ok(roster);
        }
        let rows = tx.agents(tenant).await?;
        tx.commit().await?;
        let roster = tokio::task::spawn_blocking(move || Roster::new(version, agents(rows))).await;
        let roster = roster.map_err(|e| Error::Row { what: "registry", reason: e.to_string() })?;
        let meaning = self.meaning(&roster).await;
        let roster = Arc::new(roster.with(meaning));
        let mut rosters = self.rosters.lock().unwrap_or_else(PoisonError::into_inner);
        if rosters.len() >= MAX_TENANTS && !rosters.contains_key(tenant) {
            rosters.clear();
        }
        rosters.insert(tenant.clone(), Arc::clone(&roster));
        Ok(roster)
    }
}

impl Registry {
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
            let id = row.id.clone();
            let agent: Result<Agent, AgentError> =
                Agent::from_card(Some(row.id), row.card_url, row.card, row.examples);
            agent.map(Arc::new).inspect_err(|error| tracing::error!(agent = %id, %error, "left out")).ok()
        })
        .collect()
}
