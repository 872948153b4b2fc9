//! Drills: something is done to a house that must not hurt, and the figures say what it did.

mod agent;
mod behind;
mod catalogue;
mod chaos;
mod disk;
mod faults;
mod figures;
mod http;
mod interrupted;
mod llm;
mod llm_faults;
mod load;
mod memory;
mod overload;
mod partition;
mod pg_faults;
mod pitr;
mod postgres;
mod rolling;
mod run;
mod session;
mod settings;
mod show;
mod site;
mod soak;
mod table;
mod target;
mod tell;
mod tool;
mod verdict;
mod waiting;

use crate::{
    error::{Error, Result},
    terminal,
};
use catalogue::Name;
use clap::{Args, Subcommand, ValueEnum};
use settings::Settings;
use site::Site;
use std::path::PathBuf;
use table::Row;

const EXAMPLES: &str = "Examples:
  switchboard drill list                     every drill, with what it does and needs
  switchboard drill core-kill                kill each core under load; on the house of ./data, or one of its own
  switchboard drill all --json               every drill that the house allows
  switchboard drill fairness --only turns    what one tenant costs another one: one scenario";

/// `switchboard drill`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Drill {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List every drill, with what it does and needs
    List,
    /// Flood a house as one tenant, and time another tenant's message; exits with 1 where a bound does not hold
    Fairness(Fairness),
    /// Run every drill that the house allows, one after another
    All(Box<Settings>),
    /// Run the drill of this name; options as for `all`
    #[command(flatten)]
    One(One),
}

/// Each drill is a verb of its own.
#[derive(Debug, Subcommand)]
enum One {
    /// Kill each core under load, one after another
    CoreKill(Box<Settings>),
    /// Freeze a core in the middle of its work, and let it return
    CoreFreeze(Box<Settings>),
    /// Kill each edge under load, one after another
    EdgeKill(Box<Settings>),
    /// Tell each edge to end, and start it again
    EdgeDrain(Box<Settings>),
    /// Restart everything that there is more than one of, in good order
    RollingRestart(Box<Settings>),
    /// Kill the server process of the Postgres primary
    PgPrimaryKill(Box<Settings>),
    /// Lose the primary's host: its server and its Patroni
    PgHostLoss(Box<Settings>),
    /// Let the Postgres primary hand over
    PgSwitchover(Box<Settings>),
    /// Kill the server process of a Postgres replica
    PgReplicaKill(Box<Settings>),
    /// Cut the primary's host off from all others
    PgPartition(Box<Settings>),
    /// Fill the disk that the primary's log lies on
    PgDiskFull(Box<Settings>),
    /// Back up, and restore beside the house to a moment in time
    Pitr(Box<Settings>),
    /// Lose one Redis primary for a while
    RedisPrimaryKill(Box<Settings>),
    /// Lose all of Redis for a while
    RedisAllDown(Box<Settings>),
    /// Kill each Redis node, one after another
    RedisRestart(Box<Settings>),
    /// Freeze the agents, and then kill them
    AgentFaults(Box<Settings>),
    /// Let the LLM fail in every way, in a house of the drill's own
    LlmFaults(Box<Settings>),
    /// Kill every edge at once, and see how soon all sockets are back
    ReconnectStorm(Box<Settings>),
    /// Ask for twice and five times as much as the house can do
    Overload(Box<Settings>),
    /// Load the house for long, and watch the memory and the files of every process
    Soak(Box<Settings>),
    /// Load the house for long, and let every kind of fault happen in turn
    Chaos(Box<Settings>),
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
    Uploads,
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
        match &self.what {
            What::List => catalogue::list(),
            What::Fairness(fairness) => fairness.run().await?,
            What::All(settings) => run::all(settings).await?,
            What::One(one) => {
                let (name, settings) = one.named();
                run::one(name, settings).await?;
            }
        }
        Ok(())
    }
}

impl One {
    fn named(&self) -> (Name, &Settings) {
        match self {
            Self::CoreKill(settings) => (Name::CoreKill, settings),
            Self::CoreFreeze(settings) => (Name::CoreFreeze, settings),
            Self::EdgeKill(settings) => (Name::EdgeKill, settings),
            Self::EdgeDrain(settings) => (Name::EdgeDrain, settings),
            Self::RollingRestart(settings) => (Name::RollingRestart, settings),
            Self::PgPrimaryKill(settings) => (Name::PgPrimaryKill, settings),
            Self::PgHostLoss(settings) => (Name::PgHostLoss, settings),
            Self::PgSwitchover(settings) => (Name::PgSwitchover, settings),
            Self::PgReplicaKill(settings) => (Name::PgReplicaKill, settings),
            Self::PgPartition(settings) => (Name::PgPartition, settings),
            Self::PgDiskFull(settings) => (Name::PgDiskFull, settings),
            Self::Pitr(settings) => (Name::Pitr, settings),
            Self::RedisPrimaryKill(settings) => (Name::RedisPrimaryKill, settings),
            Self::RedisAllDown(settings) => (Name::RedisAllDown, settings),
            Self::RedisRestart(settings) => (Name::RedisRestart, settings),
            Self::AgentFaults(settings) => (Name::AgentFaults, settings),
            Self::LlmFaults(settings) => (Name::LlmFaults, settings),
            Self::ReconnectStorm(settings) => (Name::ReconnectStorm, settings),
            Self::Overload(settings) => (Name::Overload, settings),
            Self::Soak(settings) => (Name::Soak, settings),
            Self::Chaos(settings) => (Name::Chaos, settings),
        }
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
            Scenario::Uploads => waiting::uploads(site, flood(24), self.times).await,
            Scenario::Learning => waiting::learning(site, flood(12), flood(500), self.times).await,
            Scenario::Analyses => waiting::analyses(site, flood(200), self.times).await,
            Scenario::Pages => memory::pages(site, flood(60), flood(22), self.times).await,
            Scenario::Sockets => memory::sockets(site, flood(200)).await,
            Scenario::Streams => memory::streams(site, flood(300)).await,
            Scenario::Cards => memory::cards(site, flood(20)).await,
        }
    }
}
