//! A load for long, and what it leaves behind in every process: memory that grows, files that stay open.

use super::{
    catalogue::Name,
    figures::Figures,
    interrupted::interrupted,
    load::{Load, Size},
    settings::Settings,
    target::Target,
    verdict::Report,
};
use crate::error::Result;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep};

/// How often every process is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// One part of so many is warm-up.
const WARM_UP: usize = 4;
/// What a process may grow by.
const MOST_MIB_PER_HOUR: f64 = 1.0;
/// A shorter run shows figures and holds nobody to them: the slope of a few minutes is noise.
const TELLING: u32 = 60;
/// As for other drills.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a process had: at which hour, MiB, open files.
type Sample = (f64, f64, f64);

/// Runs it, or as much of it as there is time for until it is interrupted.
pub(super) async fn soak(settings: &Settings, target: &Target) -> Result<Report> {
    let load = Load::start(target, Size::of(settings)).await?;
    let (began, mut samples) = (Instant::now(), BTreeMap::<String, Vec<Sample>>::new());
    let minutes = Duration::from_secs(60) * settings.minutes;
    let (mut stop, mut wrong) = (std::pin::pin!(interrupted(1)), Vec::new());
    while began.elapsed() < minutes {
        for part in target.parts().await? {
            if let Some((mib, files)) = part.pid.and_then(used) {
                let hour = began.elapsed().as_secs_f64() / 3600.0;
                samples.entry(part.name).or_default().push((hour, mib, files));
            }
        }
        tokio::select! {
            () = sleep(LOOK_EVERY.min(minutes.saturating_sub(began.elapsed()))) => {}
            Err(interrupted) = &mut stop => {
                wrong.push(interrupted.to_string());
                break;
            }
        }
    }
    let end_ms = load.record.now();
    let outcome = load.finish(PATIENCE).await?;
    let mut figures = Figures::of(&outcome, Vec::new(), end_ms);
    for (name, samples) in &samples {
        let warm = &samples[samples.len() / WARM_UP..];
        let grows = slope(warm.iter().map(|(hour, mib, _)| (*hour, *mib)));
        let files = slope(warm.iter().map(|(hour, _, files)| (*hour, *files)));
        if settings.minutes >= TELLING && grows > MOST_MIB_PER_HOUR {
            wrong.push(format!("{name} grows by {grows:.1} MiB an hour"));
        }
        figures.also.insert(format!("{name}_mib_per_hour"), grows);
        figures.also.insert(format!("{name}_files_per_hour"), files);
    }
    Ok(Report::of(Name::Soak.word(), figures, &Name::Soak.budget(), settings.times, wrong))
}

/// By least squares; 0 of less than two.
fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let count = points.clone().count() as f64;
    let mean = |of: fn((f64, f64)) -> f64| points.clone().map(of).sum::<f64>() / count.max(1.0);
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let along: f64 = points.clone().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let across: f64 = points.clone().map(|point| (point.0 - x).powi(2)).sum();
    if across > 0.0 { along / across } else { 0.0 }
}

/// Resident MiB and open files of a process, from /proc.
fn used(pid: u32) -> Option<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let mib = line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0;
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).map(|files| files.count() as f64);
    Some((mib, files.unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_steadily_has_its_slope_and_what_is_flat_has_none() {
        let grows = (0..10).map(|n| (f64::from(n), 100.0 + 2.5 * f64::from(n)));
        assert!((slope(grows) - 2.5).abs() < 1e-9);
        assert!(slope((0..10).map(|n| (f64::from(n), 100.0))).abs() < 1e-9);
        assert!(slope(std::iter::once((1.0, 1.0))).abs() < 1e-9);
    }
}
