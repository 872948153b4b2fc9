//! `switchboard agents enable | disable`: agents on and off.

use crate::{commands::access::Access, error::Result, terminal};
use clap::Args;
use switchboard_shared::{
    api::{AgentView, SwitchAgent},
    ids::AgentId,
};

/// Arguments of `agents enable` and `agents disable`.
#[derive(Debug, Args)]
pub struct Switch {
    /// The agent's id
    pub id: AgentId,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Switch {
    /// Switches it.
    ///
    /// # Errors
    /// When no house answers, or it refuses.
    pub async fn run(&self, enabled: bool) -> Result<()> {
        let client = self.access.client(&["agent-admin"])?;
        let path = format!("/v1/agents/{}/enabled", self.id);
        let agent: AgentView = client.put(&path, &SwitchAgent { enabled }).await?;
        if self.json {
            terminal::json(&agent);
        } else if agent.enabled {
            terminal::out(&format!("{} is on", self.id));
        } else {
            terminal::out(&format!(
                "{} is off: no message asks it from now on; what it works on is finished",
                self.id
            ));
        }
        Ok(())
    }
}
