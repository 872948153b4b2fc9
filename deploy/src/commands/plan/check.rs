//! Whether the model holds: a load at the knee that it predicts, against a small house on this machine.

use super::measured::Measured;
use crate::{
    commands::bench::{
        cost::Cost,
        figures::{machine, processors, to_f64},
        load::{Agents, Load},
        site::Site,
    },
    error::{Error, Result},
    terminal,
};
use serde::Serialize;
use std::{path::PathBuf, time::Duration};
use tokio::time::sleep;

/// The knee: beyond it waits grow without end, and a little below it there are hardly any.
const BUSY: f64 = 0.85;
/// Further off than this the model is wrong.
const OFF_PERCENT: f64 = 15.0;
const WARM_UP: Duration = Duration::from_secs(5);
/// How long it is looked what else runs here.
const LOOK: Duration = Duration::from_secs(5);
const TIME: Duration = Duration::from_secs(20);
const PEOPLE: usize = 40;

#[derive(Debug, Serialize)]
struct Checked {
    /// Turns a second that keep all processors busy for so much of the time, agents and whoever asks with them.
    busy_percent: f64,
    predicted_per_second: f64,
    /// Those that would have, by what each cost at that rate.
    seen_per_second: f64,
    off_percent: f64,
    sent: usize,
    answered: usize,
    others_percent: f64,
}

pub(super) async fn check(measured: &Measured, programs: Option<PathBuf>, json: bool) -> Result<()> {
    let site = Site::start(programs, measured.line("redis").each > 0.0).await?;
    let checked = run(&site, measured).await;
    site.stop().await;
    let checked = checked?;
    match json {
        true => terminal::json(&checked),
        false => checked.rows().iter().for_each(|row| terminal::out(row)),
    }
    let missing = checked.sent - checked.answered;
    if missing * 100 > checked.sent {
        return Err(Error::Failed(format!("at the knee {missing} of {} were not answered", checked.sent)));
    }
    if checked.off_percent.abs() > OFF_PERCENT {
        return Err(Error::Failed(format!("the prediction was off by {:.0} %", checked.off_percent)));
    }
    Ok(())
}

async fn run(site: &Site, measured: &Measured) -> Result<Checked> {
    let load = Load::enter(site, PEOPLE, Agents::One).await?;
    load.say(50, WARM_UP).await;
    load.end().await?;
    let cost = Cost::now(site);
    sleep(LOOK).await;
    // What else runs takes its part of the processors.
    let others = Cost::now(site).since(&cost).others() / LOOK.as_secs_f64();
    let (line, free) = (measured.everything(), to_f64(processors()) * 1e3 * BUSY - others);
    let predicted = (free - line.base) / line.each;
    if predicted < 1.0 {
        return Err(Error::Failed("this machine is too busy with other things".to_owned()));
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is above 1 and no machine does so many"
    )]
    let rate = predicted.round() as u32;
    let load = Load::enter(site, PEOPLE, Agents::One).await?;
    let cost = Cost::now(site);
    load.say(rate, TIME).await;
    let during = Cost::now(site).since(&cost);
    let took = load.end().await?;
    let answered = took.iter().filter(|took| took.answered.is_some()).count();
    let used = during.parts.values().sum::<f64>();
    let each = (used - line.base * TIME.as_secs_f64()) / to_f64(answered).max(1.0);
    let seen = (free - line.base) / each;
    Ok(Checked {
        busy_percent: BUSY * 100.0,
        predicted_per_second: predicted,
        seen_per_second: seen,
        off_percent: (predicted / seen - 1.0) * 100.0,
        sent: took.len(),
        answered,
        others_percent: during.others() / (TIME.as_secs_f64() * 1e3) * 100.0,
    })
}

impl Checked {
    fn rows(&self) -> Vec<String> {
        vec![
            format!(
                "predicted: {:.0} turns a second keep all of this machine {:.0} % busy; by what they cost there: {:.0}; \
                 off by {:.1} %",
                self.predicted_per_second, self.busy_percent, self.seen_per_second, self.off_percent
            ),
            format!("  at that rate {} were sent and {} answered", self.sent, self.answered),
            machine(self.others_percent),
        ]
    }
}
