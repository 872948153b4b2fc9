//! `switchboard bench turns`: messages at a steady rate, what each took, and what each cost every process.

use super::{
    ceilings::{Ceilings, Point, Saved},
    cost::Cost,
    figures::{Figures, to_f64},
    load::{Agents, Load},
    metrics::Counters,
    site::Site,
};
use crate::{
    error::{Error, Result},
    terminal,
};
use clap::{Args, value_parser};
use std::{path::PathBuf, time::Duration};
use tokio::time::sleep;

/// What has been begun is over by then, so that it counts for what begins.
const SETTLE: Duration = Duration::from_secs(1);

/// Arguments of `bench turns`.
#[derive(Debug, Args)]
pub(super) struct Turns {
    /// Messages a second; several rates are measured one after another
    #[arg(long, default_values_t = [50], value_parser = value_parser!(u32).range(1..=5_000), num_args = 1..)]
    rate: Vec<u32>,
    /// How long each
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..))]
    seconds: u64,
    /// How long before that nothing is measured
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    warm_up: u64,
    /// People, each with a socket and a conversation of their own
    #[arg(long, default_value_t = 40, value_parser = value_parser!(u32).range(1..=5_000))]
    people: u32,
    /// How many agents a message is for
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u8).range(1..=2))]
    agents: u8,
    /// Start a Redis for it, as a house of several cores or edges needs
    #[arg(long)]
    redis: bool,
    #[command(flatten)]
    saved: Saved,
    /// Print the figures as JSON, a line for each rate
    #[arg(long)]
    json: bool,
    /// The folder of the programs to start; absent: beside this one
    #[arg(long, hide = true)]
    programs: Option<PathBuf>,
}

impl Turns {
    pub(super) async fn run(&self) -> Result<()> {
        let site = Site::start(self.programs.clone(), self.redis).await?;
        let measured = self.measure(&site).await;
        site.stop().await;
        measured
    }

    async fn measure(&self, site: &Site) -> Result<()> {
        let first = self.rate.first().copied().unwrap_or(1);
        self.load(site, first, Duration::from_secs(self.warm_up)).await?;
        let mut ceilings = Ceilings::read(&self.saved.path)?;
        ceilings.forget_turns(self.agents);
        let (stored, mut answered) = (site.stored_bytes(), 0);
        for rate in &self.rate {
            let (figures, counted) = self.load(site, *rate, Duration::from_secs(self.seconds)).await?;
            match self.json {
                true => terminal::json(&figures),
                false => figures.rows().iter().for_each(|row| terminal::out(row)),
            }
            if figures.answered == 0 {
                return Err(Error::Failed("nothing was answered".to_owned()));
            }
            answered += figures.answered;
            ceilings.add(Point::of(self.agents, &figures, &counted));
        }
        let stored = site.stored_bytes().saturating_sub(stored);
        #[allow(clippy::cast_precision_loss, reason = "no benchmark writes so much")]
        ceilings.stored(stored as f64 / to_f64(answered));
        ceilings.write(&self.saved.path)
    }

    async fn load(&self, site: &Site, rate: u32, time: Duration) -> Result<(Figures, Counters)> {
        let agents = if self.agents == 1 { Agents::One } else { Agents::Two };
        let load = Load::enter(site, self.people as usize, agents).await?;
        sleep(SETTLE).await;
        let (cost, counted) = (Cost::now(site), Counters::read(&site.metrics().await?));
        load.say(rate, time).await;
        let took = load.end().await?;
        let cost = Cost::now(site).since(&cost);
        let counted = Counters::read(&site.metrics().await?).since(&counted);
        Ok((Figures::of(rate, time, &took, &cost, &counted), counted))
    }
}
