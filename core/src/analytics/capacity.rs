//! How much there is to do, and how much more would fit.

use super::{
    counts::What,
    definitions,
    histogram::float,
    report,
    sums::Sums,
    whose::{self, whose},
    window::Window,
};
use crate::{clock, config::CeilingConfig, core::Core, error::Result};
use chrono::{DateTime, TimeDelta, Utc};
use switchboard_shared::{
    api::{
        CapacityAnalytics, CapacityPoint, CapacityTotals, CeilingBasis, CoreReport, EdgeReport, FiguresOf,
        Growth, Step, TierCapacity,
    },
    ids::TenantId,
};

/// What is counted for this page.
const WHATS: [What; 4] = [What::Messages, What::Tokens, What::MostSockets, What::MostRunning];
/// Growth is told by the whole days before today, so many at most ...
const MOST_DAYS: i64 = 28;
/// ... and so many at least.
const LEAST_DAYS: usize = 7;

/// Reads and adds up.
pub(crate) async fn capacity(core: &Core, tenant: &TenantId, window: Window) -> Result<CapacityAnalytics> {
    let now = clock::now();
    let whose = whose(core, tenant);
    let sums = whose::sums(core, tenant, whose, window, &WHATS).await?;
    let points: Vec<_> = window.marks().map(|at| point(&sums, whose, window, at)).collect();
    let totals = totals(&sums, &points, window, now);
    let tiers = match whose {
        FiguresOf::House => tiers(core, &points, totals.peak_per_s, now).await?,
        FiguresOf::Tenant => Vec::new(),
    };
    let growth = growth(&days(core, tenant, whose, now).await?, &tiers);
    Ok(CapacityAnalytics {
        from: window.from,
        to: window.to,
        step: window.step,
        at: now,
        whose,
        totals,
        points,
        tiers,
        growth,
        definitions: definitions::capacity(),
    })
}

fn point(sums: &Sums, whose: FiguresOf, window: Window, at: DateTime<Utc>) -> CapacityPoint {
    let messages = sums.all_at(What::Messages, at);
    let most = |what| (whose == FiguresOf::House).then(|| sums.all_at(what, at));
    CapacityPoint {
        at,
        messages,
        messages_per_s: float(messages) / float(window.step_s()),
        sockets: most(What::MostSockets),
        running: most(What::MostRunning),
    }
}

fn totals(sums: &Sums, points: &[CapacityPoint], window: Window, now: DateTime<Utc>) -> CapacityTotals {
    let messages = sums.all(What::Messages);
    // What is still to come of the last step counts for nothing.
    let seconds = (window.to.min(now) - window.from).num_seconds().max(1);
    CapacityTotals {
        messages,
        messages_per_s: float(messages) / float(seconds),
        peak_per_s: points.iter().map(|point| point.messages_per_s).fold(0.0, f64::max),
        input_tokens: sums.of_kind(What::Tokens, "input"),
        output_tokens: sums.of_kind(What::Tokens, "output"),
    }
}

async fn tiers(
    core: &Core,
    points: &[CapacityPoint],
    peak_per_s: f64,
    now: DateTime<Utc>,
) -> Result<Vec<TierCapacity>> {
    let (edges, cores) = report::heard(core, now).await?;
    Ok(measured(&edges, &cores, points, peak_per_s, &core.config.analytics.ceilings))
}

fn measured(
    edges: &[EdgeReport],
    cores: &[CoreReport],
    points: &[CapacityPoint],
    peak_per_s: f64,
    ceilings: &CeilingConfig,
) -> Vec<TierCapacity> {
    let most = |of: fn(&CapacityPoint) -> Option<i64>| float(points.iter().filter_map(of).max().unwrap_or(0));
    let (of_edges, of_cores) = (count(edges.len()), count(cores.len()));
    let sockets = sum(edges.iter().map(|edge| edge.sockets));
    let running = sum(cores.iter().map(|core| core.running));
    let bound = (sum(edges.iter().map(|edge| edge.max_connections)), CeilingBasis::Bound);
    let by_measure =
        |each: Option<f64>, parts: i64| each.map(|each| (each * float(parts), CeilingBasis::Measured));
    let last = points.iter().rev().nth(1).map_or(0.0, |point| point.messages_per_s);
    vec![
        tier(
            ("edge", "sockets", of_edges),
            (sockets, most(|point| point.sockets)),
            by_measure(ceilings.sockets(), of_edges).or(Some(bound)),
        ),
        tier(("core", "turns_per_s", of_cores), (last, peak_per_s), by_measure(ceilings.turns(), of_cores)),
        tier(
            ("core", "running", of_cores),
            (running, most(|point| point.running)),
            Some((sum(cores.iter().map(|core| core.max_running)), CeilingBasis::Bound)),
        ),
    ]
}

fn tier(
    (tier, unit, parts): (&str, &str, i64),
    (used, peak): (f64, f64),
    ceiling: Option<(f64, CeilingBasis)>,
) -> TierCapacity {
    let known = ceiling.filter(|(ceiling, _)| *ceiling > 0.0);
    TierCapacity {
        tier: tier.to_owned(),
        unit: unit.to_owned(),
        parts,
        used,
        peak,
        ceiling: known.map(|(ceiling, _)| ceiling),
        headroom: known.map(|(ceiling, _)| (1.0 - peak.max(used) / ceiling).max(0.0)),
        basis: known.map_or(CeilingBasis::None, |(_, basis)| basis),
    }
}

/// Messages of each whole day before today, and those of its busiest hour; the first day is the first of which there is
/// anything.
async fn days(core: &Core, tenant: &TenantId, whose: FiguresOf, now: DateTime<Utc>) -> Result<Vec<Day>> {
    let today = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let window = Window::new(Some(today - TimeDelta::days(MOST_DAYS)), Some(today), Step::Hour, now)?;
    let sums = whose::sums(core, tenant, whose, window, &[What::Messages]).await?;
    let hours: Vec<_> = window.marks().map(|at| sums.all_at(What::Messages, at)).collect();
    let days = hours.chunks(24).map(|hours| Day {
        messages: hours.iter().sum(),
        busiest_hour: hours.iter().max().copied().unwrap_or(0),
    });
    Ok(days.skip_while(|day| day.messages == 0).collect())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Day {
    messages: i64,
    busiest_hour: i64,
}

fn growth(days: &[Day], tiers: &[TierCapacity]) -> Growth {
    let known = count(days.len());
    if days.len() < LEAST_DAYS {
        return Growth { days: known, messages_per_day: None, growth_per_day: None, full_in_days: None };
    }
    let week = &days[days.len() - LEAST_DAYS..];
    let mean = float(week.iter().map(|day| day.messages).sum()) / float(count(LEAST_DAYS));
    let slope = slope(days.iter().map(|day| float(day.messages)));
    let ceiling = tiers.iter().find(|tier| tier.unit == "turns_per_s").and_then(|tier| tier.ceiling);
    let full = ceiling.and_then(|ceiling| full_in(days, ceiling));
    Growth { days: known, messages_per_day: Some(mean), growth_per_day: Some(slope), full_in_days: full }
}

/// When the busiest hour of a day reaches the ceiling, along the line through those of the days so far.
fn full_in(days: &[Day], per_s: f64) -> Option<f64> {
    let rates: Vec<_> = days.iter().map(|day| float(day.busiest_hour) / 3_600.0).collect();
    let slope = slope(rates.iter().copied());
    let mean = rates.iter().sum::<f64>() / float(count(rates.len()));
    let last = mean + slope * float(count(rates.len()) - 1) / 2.0;
    (slope > 0.0).then(|| ((per_s - last) / slope).max(0.0))
}

/// Of the line with the least squares, by step.
fn slope(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<_> = values.collect();
    let n = float(count(values.len()));
    let middle = (n - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / n.max(1.0);
    let steps = || (0..).map(move |step: i64| float(step) - middle).zip(&values);
    let (over, under) =
        (steps().map(|(x, y)| x * (y - mean)).sum::<f64>(), steps().map(|(x, _)| x * x).sum::<f64>());
    if under > 0.0 { over / under } else { 0.0 }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn sum(all: impl Iterator<Item = u64>) -> f64 {
    float(i64::try_from(all.sum::<u64>()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(messages: &[i64]) -> Vec<Day> {
        messages.iter().map(|n| Day { messages: *n, busiest_hour: n / 10 }).collect()
    }

    #[test]
    fn growth_is_the_line_through_the_days_and_ends_at_the_ceiling() {
        assert_eq!(growth(&days(&[1; 6]), &[]).messages_per_day, None, "a week has not passed");
        let rising: Vec<_> = (1..=14).map(|day| day * 3_600).collect();
        let core = tier(("core", "turns_per_s", 2), (0.0, 0.0), Some((2.4, CeilingBasis::Measured)));
        let found = growth(&days(&rising), &[core]);
        assert_eq!((found.days, found.messages_per_day), (14, Some(11.0 * 3_600.0)));
        assert!((found.growth_per_day.unwrap() - 3_600.0).abs() < 1e-6, "{found:?}");
        // The busiest hour has 1.4 a second on the last day, and a tenth more on each.
        assert!((found.full_in_days.unwrap() - 10.0).abs() < 1e-6, "{found:?}");
        assert_eq!(growth(&days(&[9; 14]), &[]).full_in_days, None, "it does not grow");
    }

    #[test]
    fn a_tier_has_what_its_parts_take_and_says_where_that_is_known_from() {
        let edge = EdgeReport { sockets: 300, max_connections: 1_000, ..EdgeReport::default() };
        let core = CoreReport { running: 4, max_running: 256, ..CoreReport::default() };
        let point = |n: i64| CapacityPoint {
            at: DateTime::UNIX_EPOCH,
            messages: n,
            messages_per_s: float(n) / 60.0,
            sockets: Some(n),
            running: Some(n / 100),
        };
        let (edges, cores, points) = ([edge.clone(), edge], [core], [point(900), point(600), point(300)]);
        let none = measured(&edges, &cores, &points, 15.0, &CeilingConfig::default());
        let told: Vec<_> = none.iter().map(|tier| (tier.unit.as_str(), tier.ceiling, tier.basis)).collect();
        assert_eq!(
            told,
            [
                ("sockets", Some(2_000.0), CeilingBasis::Bound),
                ("turns_per_s", None, CeilingBasis::None),
                ("running", Some(256.0), CeilingBasis::Bound),
            ]
        );
        assert_eq!((none[0].used, none[0].peak, none[0].headroom), (600.0, 900.0, Some(0.55)));
        let ceilings = CeilingConfig {
            sockets_per_edge: 5_000.0,
            turns_per_s_per_core: 20.0,
            ..CeilingConfig::default()
        };
        let known = measured(&edges, &cores, &points, 15.0, &ceilings);
        assert_eq!((known[0].ceiling, known[1].headroom), (Some(10_000.0), Some(0.25)));
        assert_eq!(known[1].used, 10.0, "the last step that is over");
        let days = growth(&days(&[1, 2, 3, 4, 5, 6, 7]), &known);
        let json = serde_json::json!([known, points, days]);
        for name in crate::analytics::definitions::numbers(&json) {
            assert!(definitions::capacity().contains_key(&name), "{name}");
        }
    }
}
