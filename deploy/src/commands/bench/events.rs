//! `switchboard bench events`: what an event costs that is delivered, and what more listeners in one conversation cost.

use super::{
    ceilings::{Ceilings, Delivery, Saved},
    cost::Cost,
    crowd::Crowd,
    figures::{Quantiles, machine, to_f64},
    load::{Agents, Load, Took},
    site::Site,
};
use crate::{
    error::{Error, Result},
    terminal,
};
use clap::{Args, value_parser};
use serde::Serialize;
use std::{path::PathBuf, time::Duration};
use tokio::time::sleep;

const SETTLE: Duration = Duration::from_secs(2);

/// Arguments of `bench events`.
#[derive(Debug, Args)]
pub(super) struct Events {
    /// Sockets that listen to the conversation beside the one that speaks; several sizes are measured one after another
    #[arg(long, default_values_t = [0, 10, 100, 500], num_args = 1..)]
    listeners: Vec<usize>,
    /// Messages a second
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(1..=1_000))]
    rate: u32,
    /// How long each
    #[arg(long, default_value_t = 20, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..))]
    seconds: u64,
    #[command(flatten)]
    saved: Saved,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    /// The folder of the programs to start; absent: beside this one
    #[arg(long, hide = true)]
    programs: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Figures {
    rate: u32,
    sizes: Vec<Size>,
    /// Of a listener more, for each turn.
    more: Option<Delivery>,
}

#[derive(Debug, Serialize)]
struct Size {
    listeners: usize,
    turns: usize,
    /// What came to the listeners.
    frames: u64,
    bytes: u64,
    answer_ms: Quantiles,
    /// Of one turn.
    edge_ms: f64,
    core_ms: f64,
    others_percent: f64,
}

impl Events {
    pub(super) async fn run(&self) -> Result<()> {
        let mut listeners = self.listeners.clone();
        listeners.sort_unstable();
        let site = Site::start(self.programs.clone(), false).await?;
        let measured = self.measure(&site, &listeners).await;
        site.stop().await;
        let sizes = measured?;
        let more = sizes.first().zip(sizes.last()).and_then(|(few, many)| more(few, many));
        let figures = Figures { rate: self.rate, sizes, more };
        match self.json {
            true => terminal::json(&figures),
            false => figures.rows().iter().for_each(|row| terminal::out(row)),
        }
        let mut ceilings = Ceilings::read(&self.saved.path)?;
        ceilings.events = figures.more;
        ceilings.write(&self.saved.path)
    }

    async fn measure(&self, site: &Site, listeners: &[usize]) -> Result<Vec<Size>> {
        let load = Load::enter(site, 1, Agents::One).await?;
        load.say(self.rate, SETTLE * 5).await;
        load.end().await?;
        let mut sizes = Vec::new();
        for count in listeners {
            sizes.push(self.size(site, *count).await?);
        }
        Ok(sizes)
    }

    async fn size(&self, site: &Site, listeners: usize) -> Result<Size> {
        let load = Load::enter(site, 1, Agents::One).await?;
        let room = load.rooms().first().cloned().unwrap_or_default();
        let crowd = Crowd::default();
        crowd.join(&vec![(site.person(0)?, room); listeners]).await?;
        sleep(SETTLE).await;
        let (cost, before) = (Cost::now(site), crowd.heard());
        let time = Duration::from_secs(self.seconds);
        load.say(self.rate, time).await;
        let took = load.end().await?;
        // The last events are on their way to everybody.
        sleep(SETTLE).await;
        let cost = Cost::now(site).since(&cost);
        let [frames, bytes] = [0, 1].map(|at| crowd.heard()[at] - before[at]);
        let there = crowd.len();
        crowd.leave().await;
        let answers: Vec<_> = took.iter().filter_map(|took: &Took| took.answered).collect();
        if answers.is_empty() || there < listeners {
            let what =
                format!("{} turns were answered, {there} of {listeners} listeners stayed", answers.len());
            return Err(Error::Failed(what));
        }
        let turns = answers.len();
        let each = |part| cost.parts.get(part).copied().unwrap_or_default() / to_f64(turns);
        let all_ms = (time + SETTLE).as_secs_f64() * 1e3;
        Ok(Size {
            listeners,
            turns,
            frames,
            bytes,
            answer_ms: Quantiles::of(answers),
            edge_ms: each("edge"),
            core_ms: each("core"),
            others_percent: cost.others() / all_ms * 100.0,
        })
    }
}

/// Of a listener more; none where it cannot be told.
fn more(few: &Size, many: &Size) -> Option<Delivery> {
    let listeners = to_f64(many.listeners.checked_sub(few.listeners).filter(|more| *more > 0)?);
    let all = to_f64(many.turns) * to_f64(many.listeners);
    #[allow(clippy::cast_precision_loss, reason = "no benchmark delivers so much")]
    let each = |count: u64| count as f64 / all;
    Some(Delivery {
        edge_ms: ((many.edge_ms - few.edge_ms) / listeners).max(0.0),
        core_ms: ((many.core_ms - few.core_ms) / listeners).max(0.0),
        bytes: each(many.bytes),
        events: each(many.frames),
    })
}

impl Figures {
    fn rows(&self) -> Vec<String> {
        let mut rows = vec![
            "listeners  turns   frames  answered p50, p99 ms  CPU of a turn, ms: edge    core".to_owned(),
        ];
        for size in &self.sizes {
            let answered = format!("{:.1}, {:.1}", size.answer_ms.p50, size.answer_ms.p99);
            rows.push(format!(
                "{:9}  {:5}  {:7}  {answered:20}  {:23.2}  {:6.2}",
                size.listeners, size.turns, size.frames, size.edge_ms, size.core_ms
            ));
        }
        if let Some(more) = &self.more {
            let Delivery { edge_ms, core_ms, bytes, events } = more;
            rows.push(format!(
                "a listener more costs a turn {edge_ms:.3} ms of the edge and {core_ms:.3} ms of the core, and gets \
                 {events:.1} frames of {:.0} bytes together: {:.1} µs of the edge an event",
                bytes,
                edge_ms / events.max(1.0) * 1e3
            ));
        }
        let others = self.sizes.iter().map(|size| size.others_percent).fold(0.0, f64::max);
        rows.push(machine(others));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_listener_more_costs_is_told_from_the_smallest_and_the_largest_size() {
        let size = |listeners: usize, edge_ms: f64, core_ms: f64| Size {
            listeners,
            turns: 10,
            frames: 80 * listeners as u64,
            bytes: 800 * listeners as u64,
            answer_ms: Quantiles::default(),
            edge_ms,
            core_ms,
            others_percent: 0.0,
        };
        let told = more(&size(0, 1.0, 2.0), &size(100, 11.0, 4.0)).unwrap();
        assert_eq!(told, Delivery { edge_ms: 0.1, core_ms: 0.02, bytes: 80.0, events: 8.0 });
        assert_eq!(more(&size(5, 1.0, 1.0), &size(5, 1.0, 1.0)), None);
    }
}
