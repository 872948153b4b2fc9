//! `switchboard drill fairness`: one tenant floods, another one asks; what that costs in time and in memory.

use super::{memory, report::Report, stand::Stand, waiting};
use crate::{error::Result, terminal};
use clap::Args;

/// Arguments of `drill fairness`.
#[derive(Debug, Args)]
pub struct Fairness {
    /// A tenth of the load
    #[arg(long)]
    pub quick: bool,
    /// Print a line of JSON for each row
    #[arg(long)]
    pub json: bool,
}

impl Fairness {
    /// Runs every flood, one after another, on a house of its own.
    ///
    /// # Errors
    /// When the house does not come up, or a bound does not hold.
    pub async fn run(&self) -> Result<()> {
        terminal::say("starting a house of one core and one edge");
        let stand = Box::pin(Stand::start()).await?;
        let mut report = Report::new(self.json);
        let done = async {
            Box::pin(waiting::run(&stand, self.quick, &mut report)).await?;
            Box::pin(memory::run(&stand, self.quick, &mut report)).await
        };
        let done = done.await;
        stand.stop().await?;
        done.and_then(|()| report.end())
    }
}
