//! `switchboard drill`: what must hold when things go wrong, provoked on a house of its own and measured.

mod fairness;
mod memory;
mod report;
mod silent;
mod stand;
mod waiting;

use crate::error::Result;
use clap::{Args, Subcommand};

/// Arguments of `drill`.
#[derive(Debug, Args)]
pub struct Drill {
    /// Which one.
    #[command(subcommand)]
    pub which: Which,
}

/// The drills.
#[derive(Debug, Subcommand)]
pub enum Which {
    /// What one tenant's floods cost another tenant in time, and a house in memory
    Fairness(fairness::Fairness),
}

impl Drill {
    /// Runs it.
    ///
    /// # Errors
    /// When the house does not come up, or a bound does not hold (exit code 1).
    pub async fn run(&self) -> Result<()> {
        match &self.which {
            Which::Fairness(fairness) => fairness.run().await,
        }
    }
}
