//! Drills: a house of its own, something done to it that must not hurt, and the figures of what it did.

mod agent;
mod memory;
mod site;
mod table;
mod waiting;

use crate::{
    error::{Error, Result},
    terminal,
};
use clap::{Args, Subcommand, ValueEnum};
use site::Site;
use std::path::PathBuf;
use table::Row;

const EXAMPLES: &str = "Examples:
  switchboard drill fairness                 what one tenant costs another one, in time and memory
  switchboard drill fairness --only turns    one scenario";

/// `switchboard drill`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Drill {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Flood a house as one tenant, and time another tenant's message; exits with 1 where a bound does not hold
    Fairness(Fairness),
}

#[derive(Debug, Args)]
struct Fairness {
    /// These scenarios alone
    #[arg(long, value_enum)]
    only: Vec<Scenario>,
    /// Multiplies the bounds of time: a debug build on a busy machine is slower
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
    /// Makes every flood so many times smaller
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    smaller: u32,
    /// The folder of the programs to start; absent: beside this one
    #[arg(long, hide = true)]
    programs: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    Turns,
    Learning,
    Analyses,
    Pages,
    Sockets,
    Streams,
    Cards,
}

impl Drill {
    /// Runs it.
    ///
    /// # Errors
    /// When the house does not start, or a bound does not hold.
    pub async fn run(&self) -> Result<()> {
        let What::Fairness(fairness) = &self.what;
        fairness.run().await
    }
}

impl Fairness {
    async fn run(&self) -> Result<()> {
        let mut rows: Vec<Row> = Vec::new();
        if (self.smaller, self.times) != (1, 1) {
            let (smaller, times) = (self.smaller, self.times);
            terminal::out(&format!("floods {smaller} times smaller, bounds of time {times} times longer"));
        }
        for scenario in Scenario::value_variants() {
            if self.only.is_empty() || self.only.contains(scenario) {
                // A house each: what one leaves behind must not be the next one's.
                let site = Site::start(self.programs.clone()).await?;
                let measured = self.measure(*scenario, &site).await;
                site.stop().await;
                let measured = measured?;
                measured.iter().for_each(|row| terminal::table(&row.line()));
                rows.extend(measured);
            }
        }
        match rows.iter().filter(|row| !row.holds()).count() {
            0 => Ok(()),
            broken => Err(Error::Failed(format!("{broken} of {} bounds do not hold", rows.len()))),
        }
    }

    async fn measure(&self, scenario: Scenario, site: &Site) -> Result<Vec<Row>> {
        let flood = |size: usize| (size / self.smaller as usize).max(1);
        match scenario {
            Scenario::Turns => waiting::turns(site, flood(290), self.times).await,
            Scenario::Learning => waiting::learning(site, flood(12), flood(500), self.times).await,
            Scenario::Analyses => waiting::analyses(site, flood(200), self.times).await,
            Scenario::Pages => memory::pages(site, flood(60), flood(22)).await,
            Scenario::Sockets => memory::sockets(site, flood(200)).await,
            Scenario::Streams => memory::streams(site, flood(300)).await,
            Scenario::Cards => memory::cards(site, flood(20)).await,
        }
    }
}
