//! A drill from its beginning to its verdict, and all of them one after another.

use super::{
    behind,
    catalogue::{ALL, Name},
    disk,
    faults::Scene,
    figures::Figures,
    interrupted::interrupted,
    llm_faults,
    load::{self, Load, Size},
    overload, partition, pitr, postgres,
    settings::Settings,
    show::{Ran, show, sum_up},
    soak,
    target::Target,
    tell::tell,
    verdict::{Budget, Report},
};
use crate::{
    error::{Error, Result},
    terminal,
};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep};

/// The load alone, before anything is done, and after it.
const STEADY: Duration = Duration::from_secs(5);
/// How long turns may take to their end: somewhat longer than the house gives them.
const PATIENCE: Duration = Duration::from_secs(120);
/// Before the first drill everything has to be there.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often it is tried to set quorum commit back.
const AGAIN_EVERY: Duration = Duration::from_secs(1);

/// Runs one.
pub(super) async fn one(name: Name, settings: &Settings) -> Result<()> {
    several(&[name], settings).await
}

/// Runs every one that the house allows.
pub(super) async fn all(settings: &Settings) -> Result<()> {
    several(&ALL, settings).await
}

async fn several(names: &[Name], settings: &Settings) -> Result<()> {
    let mut ran = Ran::default();
    if names.iter().all(|name| name.needs_own()) && !settings.no_quorum {
        let outcome = tokio::select! {
            outcome = in_own_houses(names, settings, &mut ran) => outcome,
            outcome = interrupted(1) => outcome,
        };
        return sum_up(&ran, outcome, settings.json);
    }
    let target =
        Target::find(settings, settings.no_quorum || names.iter().all(|name| name.needs_full())).await?;
    let outcome = match settings.no_quorum {
        false => interruptible(names, settings, &target, &mut ran).await,
        true => without_quorum(names, settings, &target, &mut ran).await,
    };
    let good = outcome.is_ok() && ran.reports.iter().all(Report::passed);
    if let Some(last) = ran.reports.last() {
        tell(&target, last).await;
    }
    target.stop(good).await;
    sum_up(&ran, outcome, settings.json)
}

async fn in_own_houses(names: &[Name], settings: &Settings, ran: &mut Ran) -> Result<()> {
    for name in names {
        terminal::say(&format!("{}:", name.word()));
        let report = Box::pin(llm_faults::llm_faults(settings)).await?;
        show(&report, ran.reports.is_empty(), settings.json);
        ran.reports.push(report);
    }
    Ok(())
}

/// Whatever happens, the house is put back. A drill that was killed has put nothing back: that is done before.
async fn interruptible(names: &[Name], settings: &Settings, target: &Target, ran: &mut Ran) -> Result<()> {
    let work = async {
        put_back(target).await.iter().for_each(|why| terminal::say(why));
        in_turn(names, settings, target, ran).await
    };
    // A long drill ends early at the first one, and counts what it has until then.
    let count = if names.iter().any(|name| name.is_long()) { 2 } else { 1 };
    let outcome = tokio::select! {
        outcome = Box::pin(work) => outcome,
        outcome = interrupted(count) => outcome,
    };
    put_back(target).await.iter().for_each(|why| terminal::say(why));
    outcome
}

/// Undoes whatever a drill may have left, and says what could not be undone. There may be nothing to do.
async fn put_back(target: &Target) -> Vec<String> {
    let hosts = postgres::hosts(&target.described("postgres"));
    let mut left = Vec::new();
    if !hosts.is_empty() {
        left.extend(partition::put_back().await.err());
        left.extend(disk::put_back(target, &hosts).await.err());
        pitr::put_back(&hosts).await;
    }
    left.extend(target.put_back().await.err());
    if target.can_be_broken() {
        load::put_back(target).await;
    }
    left.iter().map(|error| format!("the house is not as it was: {error}")).collect()
}

/// Drills of Postgres while no commit waits for a replica; what was set before is set again.
async fn without_quorum(names: &[Name], settings: &Settings, target: &Target, ran: &mut Ran) -> Result<()> {
    let hosts = postgres::hosts(&target.described("postgres"));
    let names: Vec<_> = names.iter().copied().filter(|name| name.needs_quorum()).collect();
    if hosts.is_empty() || names.is_empty() {
        return Err(Error::Refused(
            "--no-quorum is for pg-primary-kill and pg-host-loss of a full house (switchboard up --full)"
                .to_owned(),
        ));
    }
    let before = quorum(&hosts, &"off".into()).await?;
    terminal::say("  from here on no commit waits for a replica");
    let outcome = interruptible(&names.repeat(settings.runs as usize), settings, target, ran).await;
    quorum(&hosts, &before).await?;
    terminal::say(&format!("  set back: synchronous_mode {before}"));
    let lost = ran.reports.iter().filter(|report| report.figures.lost > 0).count();
    let runs = ran.reports.len();
    terminal::say(&match lost {
        0 => format!("without quorum commit, none of {runs} runs lost anything: no loss was provoked"),
        lost => format!("without quorum commit, {lost} of {runs} runs lost what was acknowledged"),
    });
    outcome
}

/// Sets whether a commit waits for a replica, and waits until that is so; what it was before.
async fn quorum(hosts: &[postgres::Host], mode: &Value) -> Result<Value> {
    let (deadline, wanted) = (Instant::now() + READY_WITHIN, mode != "off");
    let mut before = None;
    loop {
        let set = match before {
            None => postgres::synchronous_mode(hosts, mode).await.map(|was| before = Some(was)),
            Some(_) => Ok(()),
        };
        match (set, postgres::waits_for_followers(hosts).await) {
            (Ok(()), Ok(waits)) if waits == wanted => return Ok(before.unwrap_or_default()),
            (set, _) if Instant::now() >= deadline => {
                let why = set.err().map(|error| error.to_string()).unwrap_or_default();
                return Err(Error::Failed(format!("synchronous_mode does not become {mode}: {why}")));
            }
            _ => sleep(AGAIN_EVERY).await,
        }
    }
}

async fn in_turn(names: &[Name], settings: &Settings, target: &Target, ran: &mut Ran) -> Result<()> {
    for (index, name) in names.iter().enumerate() {
        if let Some(why) = refusal(*name, target).await {
            if names.len() == 1 {
                return Err(Error::Refused(format!("{}: {why}", name.word())));
            }
            ran.skip(*name, &why);
            continue;
        }
        let report = match target.whole(READY_WITHIN).await {
            Ok(()) => drill(*name, settings, target).await,
            Err(error) => {
                ran.reports.push(failed(*name, settings, &error));
                names[index + 1..].iter().for_each(|name| ran.skip(*name, "the house did not come back"));
                return Ok(());
            }
        };
        show(&report, ran.reports.is_empty(), settings.json);
        ran.reports.push(report);
    }
    Ok(())
}

/// Why a drill cannot be run here.
async fn refusal(name: Name, target: &Target) -> Option<String> {
    let hosts = postgres::hosts(&target.described("postgres"));
    if name.breaks() && !target.can_be_broken() {
        return Some("it breaks parts of the house, and --against only loads".to_owned());
    }
    if name.needs_full() && hosts.is_empty() {
        return Some("it needs a full house (switchboard up --full)".to_owned());
    }
    let possible = match name {
        Name::PgPartition => partition::possible(target, &hosts).await,
        Name::PgDiskFull => disk::possible(target).await,
        Name::Pitr => pitr::possible(&hosts),
        _ => Ok(()),
    };
    possible.err().map(|why| format!("not possible here: {why}"))
}

/// A drill that could not be brought to its end has failed; those after it are another matter.
async fn drill(name: Name, settings: &Settings, target: &Target) -> Report {
    terminal::say(&format!("{}:", name.word()));
    let report = match name {
        Name::Overload => Box::pin(overload::overload(settings, target)).await,
        Name::Soak => Box::pin(soak::soak(settings, target)).await,
        Name::Pitr => Box::pin(pitr::pitr(settings, target)).await,
        Name::LlmFaults => Box::pin(llm_faults::llm_faults(settings)).await,
        _ => Box::pin(broken(name, settings, target)).await,
    };
    match report {
        Ok(report) => report,
        Err(error) => {
            let mut report = failed(name, settings, &error);
            report.broken.extend(put_back(target).await);
            report
        }
    }
}

fn failed(name: Name, settings: &Settings, error: &Error) -> Report {
    let (figures, budget) = (Figures::default(), name.budget());
    Report::of(name.word(), figures, &budget, settings.times, vec![error.to_string()])
}

/// A steady load, faults, and the load once more.
async fn broken(name: Name, settings: &Settings, target: &Target) -> Result<Report> {
    if name == Name::PgDiskFull {
        disk::prepare(target, &postgres::hosts(&target.described("postgres"))).await?;
    }
    let load = Load::start(target, size(name, settings)).await?;
    sleep(STEADY).await;
    let mut scene = Scene { target, load: &load, settings, faults: Vec::new(), also: BTreeMap::new() };
    let played = scene.play(name).await;
    let (faults, also) = (scene.faults, scene.also);
    let mut wrong: Vec<_> = played.err().map(|error| error.to_string()).into_iter().collect();
    if !wrong.is_empty() {
        wrong.extend(put_back(target).await);
    }
    sleep(STEADY).await;
    let end_ms = load.record.now();
    let outcome = load.finish(PATIENCE).await?;
    if name == Name::PgDiskFull {
        wrong.extend(put_back(target).await);
    }
    let mut figures = Figures::of(&outcome, faults, end_ms);
    figures.also.extend(also);
    Ok(Report::of(name.word(), figures, &budget(name, settings), settings.times, wrong))
}

fn budget(name: Name, settings: &Settings) -> Budget {
    let mut budget = name.budget();
    if settings.behind() {
        // Nothing is acknowledged while the followers are held up: with quorum commit, that is how it has to be.
        let held_up = u32::try_from(behind::BEHIND.as_millis()).unwrap_or(u32::MAX);
        budget.acks_gap = budget.acks_gap.map(|gap| gap.saturating_add(held_up));
    }
    budget
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
