//! Benchmarks: what a house does on this machine and what it costs, in figures that anybody can make again.

pub(super) mod ceilings;
pub(super) mod cost;
mod crowd;
mod events;
pub(super) mod figures;
pub(super) mod load;
pub(super) mod metrics;
pub(super) mod site;
mod sockets;
mod turns;

use crate::error::Result;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "Examples:
  switchboard bench turns                       a house of its own, 50 messages a second for half a minute
  switchboard bench turns --rate 200 --json     another rate; one line of JSON
  switchboard bench turns --rate 50 150 300 && switchboard bench sockets && switchboard bench events
                                                what `switchboard plan` reckons with

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
    /// Open sockets that are joined and idle, and show what each costs in memory
    Sockets(sockets::Sockets),
    /// Let more and more sockets listen to one conversation, and show what an event costs that is delivered
    Events(events::Events),
}

impl Bench {
    /// Measures.
    ///
    /// # Errors
    /// When the house does not start, or nothing comes of what is said.
    pub async fn run(&self) -> Result<()> {
        match &self.what {
            What::Turns(turns) => turns.run().await,
            What::Sockets(sockets) => sockets.run().await,
            What::Events(events) => events.run().await,
        }
    }
}
