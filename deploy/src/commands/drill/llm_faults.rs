//! The drill with the LLM, in a house of its own, whose cores ask an endpoint of the drill's.

use super::{
    catalogue::Name,
    figures::{Fault, Figures},
    llm::{Llm, Mood},
    load::{Load, Size},
    settings::Settings,
    target::{Kind, Target},
    verdict::Report,
};
use crate::{error::Result, terminal};
use std::time::Duration;
use tokio::time::sleep;

/// The load alone, before anything is done, and after it.
const STEADY: Duration = Duration::from_secs(5);
/// As for other drills.
const PATIENCE: Duration = Duration::from_secs(120);
/// Messages a second: each has two agents, and its answer is written by the LLM.
const RATE: f64 = 4.0;
/// Until what was asked in a time of trouble is answered: the cores' longest wait for the LLM's first word, and more.
const SETTLES: u32 = 30_000;

/// Runs it. The house ends with it, whatever comes.
pub(super) async fn llm_faults(settings: &Settings) -> Result<Report> {
    let llm = Llm::start().await?;
    let target = Target::own(settings, Kind::WithLlm(&llm.url)).await?;
    let report = troubled(settings, &llm, &target).await;
    target.stop(report.as_ref().is_ok_and(Report::passed)).await;
    report
}

async fn troubled(settings: &Settings, llm: &Llm, target: &Target) -> Result<Report> {
    let usual = Size::of(settings);
    let size = Size { rate: usual.rate.min(RATE), together: true, ..usual };
    let load = Load::start(target, size).await?;
    sleep(STEADY).await;
    let (mut faults, hold) = (Vec::new(), settings.hold(10));
    for (mood, what) in [
        (Mood::Fails, "the LLM answers 500"),
        (Mood::AsksForAPause, "the LLM answers 429, with a pause"),
        (Mood::StopsInTheMiddle, "the LLM stops in the middle of an answer"),
        (Mood::TalksNonsense, "the LLM talks nonsense"),
        (Mood::Hangs, "the LLM hangs"),
    ] {
        let (at_ms, what) = (load.record.now(), format!("{what} for {} s", hold.as_secs()));
        terminal::say(&format!("  {:>6.1} s  {what}", f64::from(at_ms) / 1e3));
        llm.set(mood);
        sleep(hold).await;
        llm.set(Mood::Writes);
        faults.push(Fault { what, at_ms, whole_ms: load.record.now() });
        sleep(STEADY).await;
    }
    let end_ms = load.record.now();
    let outcome = load.finish(PATIENCE).await?;
    let wrong = silent(&faults, &outcome.heard.degraded);
    let degraded = outcome.heard.degraded.len() as f64;
    let mut figures = Figures::of(&outcome, faults, end_ms);
    figures.also.insert("answers_that_said_degraded".to_owned(), degraded);
    Ok(Report::of(Name::LlmFaults.word(), figures, &Name::LlmFaults.budget(), settings.times, wrong))
}

/// Trouble that no answer said a word about.
fn silent(faults: &[Fault], degraded: &[u32]) -> Vec<String> {
    let seen = |fault: &&Fault| {
        let within = fault.at_ms..fault.whole_ms.saturating_add(SETTLES);
        degraded.iter().any(|at| within.contains(at))
    };
    let silent = faults.iter().filter(|fault| !seen(fault));
    silent.map(|fault| format!("{}, and no answer said that it is degraded", fault.what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_that_nobody_was_told_of_is_found() {
        let fault = |at_ms, whole_ms| Fault { what: "x".into(), at_ms, whole_ms };
        let faults = [fault(1_000, 2_000), fault(60_000, 61_000)];
        assert_eq!(silent(&faults, &[1_500, 61_500]), [""; 0]);
        assert_eq!(silent(&faults, &[1_500]).len(), 1);
        assert_eq!(silent(&faults, &[500, 100_000]).len(), 2);
    }
}
