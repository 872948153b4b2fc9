//! `switchboard agents nobody`: the messages that are for no agent.

use super::{
    examples::{change, set_or_get},
    trial,
};
use crate::{commands::access::Access, error::Result, terminal};
use clap::Args;
use std::path::PathBuf;
use switchboard_shared::api::{NobodyExamples, SetExamples};

/// Arguments of `agents nobody`.
#[derive(Debug, Args)]
pub struct Nobody {
    /// Replace them with those of a file, one `{"text": …, "language": …}` a line; `lang` is read as well
    #[arg(long, value_name = "FILE.jsonl", group = "change")]
    pub set: Option<PathBuf>,
    /// Take all of them away; those that the router brings stay
    #[arg(long, group = "change")]
    pub clear: bool,
    /// Do it even if the router gets worse
    #[arg(long, requires = "change")]
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
        let new = change(self.set.as_deref(), self.clear)?;
        let given = new.as_ref().map_or(0, Vec::len);
        let shown = new.is_none();
        let new = new.map(|examples| SetExamples { examples, force: self.force });
        let known: NobodyExamples = set_or_get(&client, "/v1/nobody", new, self.json).await?;
        trial::once(given, known.examples.len());
        if self.json {
            terminal::json(&known);
            return Ok(());
        }
        if shown {
            known.examples.iter().for_each(terminal::json);
        }
        trial::say(known.trial.as_ref());
        let count = known.examples.len();
        terminal::say(&format!("{count} messages are for nobody here, besides those that the router brings"));
        Ok(())
    }
}
