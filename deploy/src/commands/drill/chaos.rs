//! Faults of every kind, one after another, under one load for long: what one leaves behind is where the next begins.

use super::{
    catalogue::Name,
    faults::Scene,
    figures::Figures,
    load::{Load, Size},
    postgres,
    settings::Settings,
    target::Target,
    verdict::Report,
};
use crate::error::Result;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep};

/// In this order, again and again.
const KINDS: [Name; 11] = [
    Name::CoreKill,
    Name::PgPrimaryKill,
    Name::EdgeKill,
    Name::CoreFreeze,
    Name::PgSwitchover,
    Name::RedisRestart,
    Name::EdgeDrain,
    Name::PgReplicaKill,
    Name::RedisPrimaryKill,
    Name::RedisAllDown,
    Name::AgentFaults,
];
/// Between two kinds.
const PAUSE: Duration = Duration::from_secs(5);
/// As for other drills.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs it.
pub(super) async fn chaos(settings: &Settings, target: &Target) -> Result<Report> {
    let load = Load::start(target, Size::of(settings)).await?;
    let mut scene = Scene { target, load: &load, settings, faults: Vec::new(), also: BTreeMap::new() };
    let wrong = play(&mut scene, Duration::from_secs(60) * settings.minutes).await.err();
    let (faults, mut also) = (scene.faults, scene.also);
    also.insert("faults".to_owned(), faults.len() as f64);
    let end_ms = load.record.now();
    let outcome = load.finish(PATIENCE).await?;
    let mut figures = Figures::of(&outcome, faults, end_ms);
    figures.also.extend(also);
    let wrong = wrong.map(|error| error.to_string()).into_iter().collect();
    Ok(Report::of(Name::Chaos.word(), figures, &Name::Chaos.budget(), settings.times, wrong))
}

async fn play(scene: &mut Scene<'_>, long: Duration) -> Result<()> {
    let (began, full) = (Instant::now(), !postgres::hosts(&scene.target.described("postgres")).is_empty());
    let possible = |name: &Name| full || !name.needs_full();
    for name in KINDS.into_iter().filter(possible).cycle() {
        if began.elapsed() >= long {
            return Ok(());
        }
        scene.play(name).await?;
        sleep(PAUSE).await;
    }
    Ok(())
}
