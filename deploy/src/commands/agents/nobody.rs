//! `switchboard agents nobody`: the messages that are for no agent.

use super::{examples::read, trial};
use crate::{commands::access::Access, error::Result, terminal};
use clap::Args;
use std::path::PathBuf;
use switchboard_shared::api::{NobodyExamples, SetExamples};

/// Arguments of `agents nobody`.
#[derive(Debug, Args)]
pub struct Nobody {
    /// Replace them with those of a file, one `{"text": …, "language": …}` a line
    #[arg(long, value_name = "FILE.jsonl")]
    pub set: Option<PathBuf>,
    /// Learn them even if the router gets worse
    #[arg(long, requires = "set")]
    pub force: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

impl Nobody {
    /// Shows or replaces them.
    ///
    /// # Errors
    /// When no house answers, it refuses, or the file cannot be read.
    pub async fn run(&self) -> Result<()> {
        let client = self.access.client(&["agent-admin"])?;
        let known: NobodyExamples = match &self.set {
            Some(file) => {
                let new = SetExamples { examples: read(file)?, force: self.force };
                trial::explained(client.put("/v1/nobody", &new).await, self.json)?
            }
            None => client.get("/v1/nobody").await?,
        };
        if self.json {
            terminal::json(&known);
            return Ok(());
        }
        if self.set.is_none() {
            known.examples.iter().for_each(terminal::json);
        }
        trial::say(known.trial.as_ref());
        let count = known.examples.len();
        terminal::say(&format!("{count} messages are for nobody here, besides those that the router brings"));
        Ok(())
    }
}
