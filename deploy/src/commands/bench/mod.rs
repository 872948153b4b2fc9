//! Benchmarks: what a house does on this machine and what it costs, in figures that anybody can make again.

mod cost;
mod figures;
mod load;
mod metrics;
mod site;
mod turns;

use crate::error::Result;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "Examples:
  switchboard bench turns                       a house of its own, 50 messages a second for half a minute
  switchboard bench turns --rate 200 --json     another rate; one line of JSON

Measure with a release build on a machine that does nothing else; what else it does is printed.";

/// `switchboard bench`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say things at a steady rate to a house with the example agents, and show what a turn took and cost
    Turns(turns::Turns),
}

impl Bench {
    /// Measures.
    ///
    /// # Errors
    /// When the house does not start, or nothing comes of what is said.
    pub async fn run(&self) -> Result<()> {
        match &self.what {
            What::Turns(turns) => turns.run().await,
        }
    }
}
