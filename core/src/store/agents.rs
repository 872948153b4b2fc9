//! The registry's rows.

use super::{Tx, sql};
use crate::{
    error::{Error, Result},
    seal::Sealed,
};
use serde_json::Value;
use std::collections::BTreeSet;
use switchboard_shared::{
    api::{Example, FrozenRow},
    ids::{AgentId, Group, TenantId, UserId},
};
use url::Url;

/// A registered agent as it is stored.
#[derive(Clone)]
pub(crate) struct AgentRow {
    pub(crate) id: AgentId,
    pub(crate) card_url: Url,
    /// What is needed of its card, in the form of a card.
    pub(crate) card: Value,
    pub(crate) examples: Vec<Example>,
    /// Whose members may use it; empty is everyone.
    pub(crate) groups: BTreeSet<Group>,
    /// Whether it may be asked at all.
    pub(crate) enabled: bool,
    /// What it is shown so that it answers; written apart.
    pub(crate) credential: Option<Sealed>,
    /// Of which one has to have signed its card.
    pub(crate) card_keys: Option<Value>,
}

/// What an agent that is registered again had before.
pub(crate) struct RegisteredBefore {
    pub(crate) examples: Vec<Example>,
    pub(crate) groups: BTreeSet<Group>,
    pub(crate) enabled: bool,
    pub(crate) card_keys: Option<Value>,
}

/// How many agents a tenant has, and how large their cards are.
pub(crate) struct OtherAgents {
    pub(crate) count: u64,
    pub(crate) card_bytes: u64,
}

/// Everything that a tenant's router is learned from, and what it must not be learned from.
#[derive(Clone)]
pub(crate) struct RegistryRows {
    pub(crate) version: i64,
    pub(crate) agents: Vec<AgentRow>,
    /// Messages for no agent.
    pub(crate) nobody: Vec<Example>,
    pub(crate) frozen: Vec<FrozenRow>,
}

impl Tx {
    pub(crate) async fn registry(&self, tenant: &TenantId) -> Result<RegistryRows> {
        // The version first: rows that are newer than it are read again, older ones would be kept.
        let version = self.registry_version(tenant).await?;
        let (agents, nobody) = (self.agents(tenant).await?, self.nobody(tenant).await?);
        Ok(RegistryRows { version, agents, nobody, frozen: self.frozen(tenant).await? })
    }

    /// Counts the changes of the tenant's registry: a core that knows another number reads it again.
    pub(crate) async fn registry_version(&self, tenant: &TenantId) -> Result<i64> {
        let row = self.query_opt(sql!("registry_version"), &[&tenant.as_str()]).await?;
        Ok(row.map_or(0, |row| row.get(0)))
    }

    pub(crate) async fn bump_registry(&self, tenant: &TenantId) -> Result<i64> {
        let row = self.query_opt(sql!("bump_registry"), &[&tenant.as_str()]).await?;
        Ok(row.map_or(0, |row| row.get(0)))
    }

    pub(crate) async fn agents(&self, tenant: &TenantId) -> Result<Vec<AgentRow>> {
        let rows = self.query(sql!("agents"), &[&tenant.as_str()]).await?;
        rows.iter()
            .map(|row| {
                Ok(AgentRow {
                    id: row.get::<_, &str>(0).parse().map_err(Error::reading("agent"))?,
                    card_url: row.get::<_, &str>(1).parse().map_err(Error::reading("agent"))?,
                    card: row.get(2),
                    examples: serde_json::from_value(row.get(3)).map_err(Error::reading("agent"))?,
                    groups: groups(row.get(4))?,
                    enabled: row.get(5),
                    credential: row.get::<_, Option<Vec<u8>>>(6).map(Sealed::from),
                    card_keys: row.get(7),
                })
            })
            .collect()
    }

    /// The agent of this id as it is, without its card.
    pub(crate) async fn registered_before(
        &self,
        tenant: &TenantId,
        id: &AgentId,
    ) -> Result<Option<RegisteredBefore>> {
        let row = self.query_opt(sql!("registered_before"), &[&tenant.as_str(), &id.as_str()]).await?;
        row.map(|row| {
            let examples = serde_json::from_value(row.get(0)).map_err(Error::reading("agent"))?;
            let (groups, enabled, card_keys) = (groups(row.get(1))?, row.get(2), row.get(3));
            Ok(RegisteredBefore { examples, groups, enabled, card_keys })
        })
        .transpose()
    }

    /// The tenant's agents but this one, counted and not read.
    pub(crate) async fn other_agents(&self, tenant: &TenantId, id: &AgentId) -> Result<OtherAgents> {
        let row = self.query_opt(sql!("other_agents"), &[&tenant.as_str(), &id.as_str()]).await?;
        let number = |at| row.as_ref().map_or(0, |row| u64::try_from(row.get::<_, i64>(at)).unwrap_or(0));
        Ok(OtherAgents { count: number(0), card_bytes: number(1) })
    }

    /// Writes an agent down, and its card as it came.
    pub(crate) async fn upsert_agent(
        &self,
        tenant: &TenantId,
        agent: &AgentRow,
        card: &Value,
        by: &UserId,
    ) -> Result<()> {
        let bytes = i32::try_from(card.to_string().len()).unwrap_or(i32::MAX);
        let examples = json(&agent.examples)?;
        let groups = group_names(&agent.groups);
        self.execute(
            sql!("upsert_agent"),
            &[
                &tenant.as_str(),
                &agent.id.as_str(),
                &agent.card_url.as_str(),
                &agent.card,
                &examples,
                &groups,
                &by.as_str(),
                &card,
                &bytes,
                &agent.card_keys,
            ],
        )
        .await?;
        Ok(())
    }

    /// Replaces an agent's examples; whether it was there.
    pub(crate) async fn set_examples(
        &self,
        tenant: &TenantId,
        id: &AgentId,
        examples: &[Example],
    ) -> Result<bool> {
        let examples = json(examples)?;
        Ok(self.execute(sql!("set_examples"), &[&tenant.as_str(), &id.as_str(), &examples]).await? > 0)
    }

    /// Changes whose members may use an agent; whose they were before, if it is there.
    pub(crate) async fn set_groups(
        &self,
        tenant: &TenantId,
        id: &AgentId,
        new: &BTreeSet<Group>,
    ) -> Result<Option<BTreeSet<Group>>> {
        let new = group_names(new);
        let row = self.query_opt(sql!("set_groups"), &[&tenant.as_str(), &id.as_str(), &new]).await?;
        row.map(|row| groups(row.get(0))).transpose()
    }

    /// Switches an agent on or off; whether it was on, if it is there.
    pub(crate) async fn switch_agent(
        &self,
        tenant: &TenantId,
        id: &AgentId,
        enabled: bool,
    ) -> Result<Option<bool>> {
        let row = self.query_opt(sql!("switch_agent"), &[&tenant.as_str(), &id.as_str(), &enabled]).await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Takes an agent off the registry; whether it was there.
    pub(crate) async fn delete_agent(&self, tenant: &TenantId, id: &AgentId) -> Result<bool> {
        Ok(self.execute(sql!("delete_agent"), &[&tenant.as_str(), &id.as_str()]).await? > 0)
    }
}

pub(super) fn groups(names: Vec<&str>) -> Result<BTreeSet<Group>> {
    // A group that cannot be read must not be left out: an agent for nobody else would become everyone's.
    let broken = Error::reading("group");
    names.into_iter().map(|name| name.parse().map_err(broken)).collect()
}

pub(super) fn group_names(groups: &BTreeSet<Group>) -> Vec<&str> {
    groups.iter().map(Group::as_str).collect()
}

pub(super) fn json(examples: &[Example]) -> Result<Value> {
    serde_json::to_value(examples).map_err(Error::writing("example"))
}
