//! `switchboard agents groups`: whose members may use an agent.

use crate::{
    commands::access::Access,
    error::{Error, Result},
    terminal,
};
use clap::Args;
use std::collections::BTreeSet;
use switchboard_shared::{
    api::{AgentView, SetGroups},
    identity::Role,
    ids::{AgentId, Group},
};

/// Arguments of `agents groups`.
#[derive(Debug, Args)]
pub struct Groups {
    /// The agent's id
    pub id: AgentId,
    /// Whose members may use it from now on, instead of those it has, with blanks or commas between; without any, they
    /// are shown
    #[arg(value_name = "GROUP", value_delimiter = ',')]
    pub groups: Vec<Group>,
    /// Let everyone in the tenant use it
    #[arg(long, conflicts_with = "groups")]
    pub everyone: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Groups {
    /// Shows or changes them.
    ///
    /// # Errors
    /// When no house answers, or it refuses.
    pub async fn run(&self) -> Result<()> {
        let client = self.access.client(&["agent-admin"])?;
        let path = format!("/v1/agents/{}", self.id);
        let agent: AgentView = match self.groups.is_empty() && !self.everyone {
            true => client.get(&path).await?,
            false => {
                let groups = self.groups.iter().cloned().collect();
                client.put(&format!("{path}/groups"), &SetGroups { groups }).await?
            }
        };
        let hidden = || {
            let (role, admin) = (Role::AgentAdmin.name(), Role::Admin.name());
            Error::Failed(format!(
                "the groups of agents are shown to those who manage them: it needs the role {role} or {admin}"
            ))
        };
        let groups = agent.groups.ok_or_else(hidden)?;
        if self.json {
            terminal::json(&SetGroups { groups });
        } else if groups.is_empty() {
            terminal::out(&format!("{} is for everyone in the tenant", self.id));
        } else {
            terminal::out(&format!("{} is for {}", self.id, names(&groups)));
        }
        Ok(())
    }
}

/// Groups in words.
#[must_use]
pub fn names(groups: &BTreeSet<Group>) -> String {
    groups.iter().map(Group::as_str).collect::<Vec<_>>().join(", ")
}
