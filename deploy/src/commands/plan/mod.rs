//! `switchboard plan`: how many edges, cores and databases a load needs, by what was measured.

mod ask;
mod check;
mod measured;
mod model;
mod sizing;

use super::bench::{
    ceilings::{Ceilings, Saved},
    metrics::Counters,
};
use crate::{
    error::{Error, Result},
    terminal,
};
use ask::Ask;
use clap::Args;
use measured::Measured;
use sizing::{Plan as Sizes, Tier};
use std::path::PathBuf;
use url::Url;

const HELP: &str = "Examples:
  switchboard plan --users 10000 --messages-per-minute 6000
  switchboard plan --users 10000 --messages-per-minute 6000 --price-processor 0.04 --price-memory 0.005
  switchboard plan --users 100 --messages-per-minute 600 --check

The model: what a part uses of its processors grows with the turns as it was measured (utilisation law); who waits for one
waits as in M/G/k (Allen and Cunneen), where the service is a turn's processor time and varies as the house's own time does.
There are as many of each tier as are enough with one machine down, with one zone down, and for the availability.";

/// `switchboard plan`
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Plan {
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    saved: Saved,
    /// The core of a running house, as http://host:9080: how its own time varies is read there
    #[arg(long, value_name = "URL")]
    from: Option<Url>,
    /// Run a load at the predicted knee against a small house on this machine, and say how far off the prediction was
    #[arg(long)]
    check: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    /// The folder of the programs to start; absent: beside this one
    #[arg(long, hide = true)]
    programs: Option<PathBuf>,
}

impl Plan {
    /// Plans.
    ///
    /// # Errors
    /// When nothing was measured, the plan cannot be met, or the prediction was wrong.
    pub async fn run(&self) -> Result<()> {
        if let Some(fault) = self.ask.fault() {
            return Err(Error::Invalid(fault.to_owned()));
        }
        let ceilings = Ceilings::read(&self.saved.path)?;
        let mut measured = Measured::of(&ceilings, self.ask.agents_per_turn)?;
        if let Some(core) = &self.from {
            (measured.own_mean_ms, measured.scv) = own_time(core).await?;
        }
        let sizes = Sizes::of(&self.ask, &measured);
        match self.json {
            true => terminal::json(&sizes),
            false => rows(&self.ask, &sizes).iter().for_each(|row| terminal::out(row)),
        }
        if self.check {
            // What is run there asks one agent.
            let one = Measured::of(&ceilings, 1.0)?;
            check::check(&one, self.programs.clone(), self.json).await?;
        }
        match sizes.faults.is_empty() {
            true => Ok(()),
            false => Err(Error::Failed(format!("this cannot be met: {}", sizes.faults.join("; ")))),
        }
    }
}

/// Mean and variation of a running house's own time, since its core began.
async fn own_time(core: &Url) -> Result<(f64, f64)> {
    let failed = |error: reqwest::Error| Error::Unreachable(format!("{core}: {error}"));
    let url = core.join("/metrics").map_err(|error| Error::Invalid(format!("{core}: {error}")))?;
    let response = reqwest::get(url).await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
    let counted = Counters::read(&response.text().await.map_err(failed)?);
    let moments = counted.moments("switchboard_core_own_seconds");
    let none = || Error::Failed(format!("{core} has counted no turn yet"));
    moments.map(|(mean_s, scv)| (mean_s * 1e3, scv)).ok_or_else(none)
}

fn rows(ask: &Ask, sizes: &Sizes) -> Vec<String> {
    let mut rows = vec![
        format!("{} people, {:.1} turns a second", ask.users, sizes.turns_per_second),
        "          machines  needed for load  because       busy   waits, mean, p99 ms  memory of one, GB"
            .to_owned(),
    ];
    for (name, tier) in [("edges", &sizes.edges), ("cores", &sizes.cores)] {
        rows.push(match tier {
            Some(tier) => row(name, tier),
            None => format!("{name:8}  none will do"),
        });
    }
    let postgres = &sizes.postgres;
    let shards = if postgres.shards > 1 { format!(", {} times", postgres.shards) } else { String::new() };
    rows.push(format!(
        "Postgres: one writer and two followers of {} processors and {:.0} GB{shards}",
        postgres.processors, postgres.memory_gb
    ));
    rows.push(match &sizes.redis {
        Some(redis) => format!("Redis: {} primaries, each with a replica", redis.primaries),
        None => "Redis: three primaries, each with a replica, unless the load says otherwise".to_owned(),
    });
    let count = |of: Option<f64>| of.map_or("an unknown number of".to_owned(), |of| format!("{of:.0}"));
    let figure = |of: Option<f64>| of.map_or("not measured".to_owned(), |of| format!("{of:.1}"));
    rows.push(format!(
        "to clients {} Mbit/s; stored {} GB a day; a turn takes the house {:.1} ms, and {:.1} ms of waits",
        figure(sizes.network_mbit),
        figure(sizes.stored_gb_a_day),
        sizes.own_ms,
        sizes.waits_ms
    ));
    if let Some(cost) = sizes.per_1000_chats {
        rows.push(format!("1,000 chats cost {cost:.4} while it is as busy as this"));
    }
    rows.push(format!(
        "one edge takes {} sockets, one core {} turns a second: `plan --json` into a file, for `analytics.ceilings.file` of \
         the cores",
        count(sizes.ceilings.sockets_per_edge),
        count(sizes.ceilings.turns_per_s_per_core)
    ));
    rows.extend(sizes.assumed.iter().map(|assumed| format!("taken as it is: {assumed}")));
    rows
}

fn row(name: &str, tier: &Tier) -> String {
    let waits = format!("{:.2}, {:.1}", tier.wait_ms, tier.wait_p99_ms);
    format!(
        "{name:8}  {:8}  {:15}  {:12}  {:3.0} %  {waits:19}  {:.2}",
        tier.all, tier.needed, tier.because, tier.busy_percent, tier.memory_gb
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::bench::ceilings::{Memory, Point};
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        plan: Plan,
    }

    fn sizes(words: &str) -> Sizes {
        let cpu = [("core", 2.0), ("edge", 1.0), ("postgres", 3.0), ("redis", 0.2)];
        let point = Point {
            agents: 1,
            per_second: 100.0,
            cpu_ms: cpu.map(|(part, ms)| (part.to_owned(), ms)).into(),
            own_mean_ms: 4.0,
            own_scv: 1.0,
            others_percent: 0.0,
            kept_up: true,
        };
        let sockets =
            Memory { edge_kb: 32.0, core_kb: 8.0, empty_edge_kb: 20_000.0, empty_core_kb: 60_000.0 };
        let ceilings = Ceilings { turns: vec![point], sockets: Some(sockets), ..Ceilings::default() };
        let line = Line::parse_from(["plan"].into_iter().chain(words.split(' ')));
        assert_eq!(line.plan.ask.fault(), None);
        Sizes::of(&line.plan.ask, &Measured::of(&ceilings, line.plan.ask.agents_per_turn).unwrap())
    }

    #[test]
    fn edges_and_cores_are_sized_apart_by_what_runs_out_first() {
        let plan = sizes("--users 100000 --messages-per-minute 6000 --memory 64");
        let (edges, cores) = (plan.edges.unwrap(), plan.cores.unwrap());
        assert_eq!((edges.needed, edges.because), (10, "connections"));
        assert_eq!(edges.all, 15, "a third of them may go");
        // 100 turns of 2 ms are a fifth of one of its processors.
        assert_eq!((cores.needed, cores.all, cores.because), (1, 2, "one is enough"));
        assert_eq!(cores.busy_percent.round(), 5.0);
        // 2.8 of its four processors may be busy, with turns of 2 ms each.
        assert_eq!(plan.ceilings.turns_per_s_per_core, Some(1_400.0));
        assert_eq!(plan.ceilings.sockets_per_edge, Some(10_000.0), "an edge takes no more by itself");
        let plan = sizes("--users 100 --messages-per-minute 600000 --postgres-processors 8");
        assert_eq!(plan.cores.unwrap().because, "processors");
        // 10,000 turns of 3 ms are 30 processors; eight that are busy for 70 % do 5.6 of them.
        assert_eq!(plan.postgres.shards, 6);
        assert!(plan.faults[0].contains("divide the tenants among 6 houses"), "{:?}", plan.faults);
        let plan = sizes("--users 1000000 --messages-per-minute 60 --connections 1000000 --memory 4");
        assert_eq!(plan.edges.unwrap().because, "memory");
    }

    #[test]
    fn a_thousand_chats_cost_what_all_machines_cost_meanwhile() {
        let plan = sizes("--users 100 --messages-per-minute 6000 --price-processor 1");
        // Two edges of 2, two cores of 4, three databases of 2 and six of Redis: 24 an hour for 360 thousand chats.
        assert_eq!((plan.postgres.processors, plan.per_1000_chats), (2, Some(24.0 / 360.0)));
        assert_eq!(sizes("--users 100 --messages-per-minute 6000").per_1000_chats, None);
    }
}
