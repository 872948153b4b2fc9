//! A drill from its beginning to its verdict, and all of them one after another.

use super::{
    catalogue::{ALL, Name},
    faults::Scene,
    figures::Figures,
    load::{Load, Size},
    overload, postgres,
    settings::Settings,
    soak,
    target::Target,
    verdict::Report,
};
use crate::{
    error::{Error, Result},
    terminal,
};
use serde::Serialize;
use std::time::Duration;
use tokio::{signal::ctrl_c, time::sleep};

/// The load alone, before anything is done, and after it.
const STEADY: Duration = Duration::from_secs(5);
/// How long turns may take to their end: somewhat longer than the house gives them.
const PATIENCE: Duration = Duration::from_secs(120);
/// Before the first drill everything has to be there.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    verdict: &'static str,
    drills: &'a [Report],
    /// Drills that were not run, and why.
    skipped: Vec<String>,
}

/// Runs one.
pub(super) async fn one(name: Name, settings: &Settings) -> Result<()> {
    several(&[name], settings).await
}

/// Runs every one that the house allows.
pub(super) async fn all(settings: &Settings) -> Result<()> {
    several(&ALL, settings).await
}

async fn several(names: &[Name], settings: &Settings) -> Result<()> {
    let target =
        Target::find(settings, settings.no_quorum || names.iter().all(|name| name.needs_full())).await?;
    let mut reports = Vec::new();
    let outcome = match settings.no_quorum {
        false => interruptible(names, settings, &target, &mut reports).await,
        true => without_quorum(names, settings, &target, &mut reports).await,
    };
    let good = outcome.is_ok() && reports.iter().all(Report::passed);
    target.stop(good).await;
    sum_up(&reports, outcome?, settings.json)
}

/// Whatever happens, the house is put back.
async fn interruptible(
    names: &[Name],
    settings: &Settings,
    target: &Target,
    reports: &mut Vec<Report>,
) -> Result<Vec<String>> {
    let outcome = tokio::select! {
        outcome = in_turn(names, settings, target, reports) => outcome,
        _ = ctrl_c() => Err(Error::Interrupted),
    };
    target.put_back().await;
    outcome
}

/// Drills of Postgres while no commit waits for a replica; what was set before is set again.
async fn without_quorum(
    names: &[Name],
    settings: &Settings,
    target: &Target,
    reports: &mut Vec<Report>,
) -> Result<Vec<String>> {
    let hosts = postgres::hosts(&target.described("postgres"));
    let names: Vec<_> = names.iter().copied().filter(|name| name.needs_quorum()).collect();
    if hosts.is_empty() || names.is_empty() {
        return Err(Error::Refused(
            "--no-quorum is for drills of the Postgres of a full house (switchboard up --full)".to_owned(),
        ));
    }
    let before = postgres::synchronous_mode(&hosts, &"off".into()).await?;
    let outcome = interruptible(&names.repeat(settings.runs as usize), settings, target, reports).await;
    target.whole(READY_WITHIN).await?;
    postgres::synchronous_mode(&hosts, &before).await?;
    let lost = reports.iter().filter(|report| report.figures.lost > 0).count();
    terminal::say(&format!("without quorum commit, {lost} of {} runs lost something", reports.len()));
    outcome
}

/// Those that were skipped.
async fn in_turn(
    names: &[Name],
    settings: &Settings,
    target: &Target,
    reports: &mut Vec<Report>,
) -> Result<Vec<String>> {
    let (full, mut skipped) = (!target.described("postgres").is_empty(), Vec::new());
    for name in names {
        let why = match (name.breaks() && !target.can_be_broken(), name.needs_full() && !full) {
            (true, _) => "it breaks parts of the house, and --against only loads",
            (_, true) => "it needs a full house (switchboard up --full)",
            (false, false) => {
                target.whole(READY_WITHIN).await?;
                let report = Box::pin(drill(*name, settings, target)).await?;
                show(&report, reports.is_empty(), settings.json);
                reports.push(report);
                continue;
            }
        };
        if names.len() == 1 {
            return Err(Error::Refused(format!("{}: {why}", name.word())));
        }
        skipped.push(format!("{}: {why}", name.word()));
    }
    Ok(skipped)
}

async fn drill(name: Name, settings: &Settings, target: &Target) -> Result<Report> {
    terminal::say(&format!("{}:", name.word()));
    match name {
        Name::Overload => overload::overload(settings, target).await,
        Name::Soak => soak::soak(settings, target).await,
        _ => broken(name, settings, target).await,
    }
}

/// A steady load, faults, and the load once more.
async fn broken(name: Name, settings: &Settings, target: &Target) -> Result<Report> {
    let load = Load::start(target, size(name, settings)).await?;
    sleep(STEADY).await;
    let mut scene = Scene { target, load: &load, settings, faults: Vec::new() };
    let played = scene.play(name).await;
    let faults = scene.faults;
    if played.is_err() {
        target.put_back().await;
    }
    sleep(STEADY).await;
    let end_ms = load.record.now();
    let outcome = load.finish(PATIENCE).await?;
    let figures = Figures::of(&outcome, faults, end_ms);
    let wrong = played.err().map(|error| error.to_string()).into_iter().collect();
    Ok(Report::of(name.word(), figures, &name.budget(), settings.times, wrong))
}

fn size(name: Name, settings: &Settings) -> Size {
    let usual = Size::of(settings);
    if name != Name::ReconnectStorm {
        return usual;
    }
    // Few in each conversation, so that what comes is the reconnecting and not the reading.
    let people = settings.sockets as usize;
    Size { people, rooms: people.div_ceil(4), rate: usual.rate.min(10.0), ..usual }
}

fn show(report: &Report, first: bool, json: bool) {
    // With JSON, the table is talk.
    let line = |line: &str| if json { terminal::say(line) } else { terminal::out(line) };
    if first {
        line(&Report::head());
    }
    line(&report.line());
    for (name, value) in &report.figures.also {
        line(&format!("    {name} {value:.1}"));
    }
    for (code, count) in report.figures.errors.iter().chain(&report.figures.not_completed) {
        line(&format!("    {code} {count}"));
    }
    for why in &report.broken {
        line(&format!("    {}", terminal::clean_line(why)));
    }
}

fn sum_up(reports: &[Report], skipped: Vec<String>, json: bool) -> Result<()> {
    let failed: Vec<_> = reports.iter().filter(|report| !report.passed()).collect();
    let verdict = if failed.is_empty() { "pass" } else { "fail" };
    skipped.iter().for_each(|why| terminal::say(&format!("not run: {why}")));
    if json {
        terminal::json(&Summary { verdict, drills: reports, skipped });
    }
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = failed.iter().map(|report| report.drill.as_str()).collect();
    Err(Error::Failed(format!("{} of {} drills failed: {}", failed.len(), reports.len(), names.join(", "))))
}
