//! What a benchmark measured, as it is printed.

use super::{cost::Cost, load::Took, metrics::Counters};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// With less of it taken by others, a machine counts as quiet.
pub(crate) const QUIET_PERCENT: f64 = 5.0;

/// All of it. Times are milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    /// Messages that were due each second, and for how long.
    pub(crate) rate: u32,
    pub(crate) seconds: u64,
    pub(crate) sent: usize,
    pub(crate) acknowledged: usize,
    pub(crate) answered: usize,
    /// From when each was due, as its sender saw it.
    pub(crate) acknowledgement_ms: Quantiles,
    pub(crate) first_piece_ms: Quantiles,
    pub(crate) answer_ms: Quantiles,
    /// As the core counts it: from the acceptance to the whole answer, without its agents.
    pub(crate) own_ms: Option<Own>,
    /// By stage, on average.
    pub(crate) stage_ms: BTreeMap<String, f64>,
    /// Of one turn, by process.
    pub(crate) cpu_ms: BTreeMap<&'static str, f64>,
    /// Of one turn: all that is the house's own, without the agents and whoever asks.
    pub(crate) cpu_own_ms: f64,
    /// Of one turn, as the core counts it.
    pub(crate) transactions: f64,
    pub(crate) round_trips: f64,
    pub(crate) statements: f64,
    /// How much of one processor everything else took that ran on the machine meanwhile, in percent.
    pub(crate) others_percent: f64,
    pub(crate) processors: usize,
    pub(crate) is_quiet: bool,
}

/// Nearest ranks.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// Of a histogram.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Own {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

impl Figures {
    pub(crate) fn of(rate: u32, time: Duration, took: &[Took], cost: &Cost, counted: &Counters) -> Self {
        let times = |of: fn(&Took) -> Option<Duration>| took.iter().filter_map(of).collect::<Vec<_>>();
        let (acknowledged, answered) = (times(|took| took.acknowledged), times(|took| took.answered));
        let turns = to_f64(answered.len()).max(1.0);
        let cpu_ms: BTreeMap<_, _> = cost.parts.iter().map(|(part, ms)| (*part, ms / turns)).collect();
        let own = cpu_ms.iter().filter(|(part, _)| !matches!(**part, "agents" | "client"));
        let quantile = |share| counted.quantile("switchboard_core_own_seconds", share).map(|s| s * 1e3);
        let own_ms = quantile(0.5).zip(quantile(0.95)).zip(quantile(0.99));
        let each = |name: &str| counted.sum(&format!("switchboard_core_postgres_{name}_total")) / turns;
        let others_percent = cost.others() / (time.as_secs_f64() * 1e3) * 100.0;
        let processors = processors();
        Self {
            rate,
            seconds: time.as_secs(),
            sent: took.len(),
            acknowledged: acknowledged.len(),
            answered: answered.len(),
            acknowledgement_ms: Quantiles::of(acknowledged),
            first_piece_ms: Quantiles::of(times(|took| took.first_piece)),
            answer_ms: Quantiles::of(answered),
            own_ms: own_ms.map(|((p50, p95), p99)| Own { p50, p95, p99 }),
            stage_ms: stages(counted),
            cpu_own_ms: own.map(|(_, ms)| ms).sum(),
            cpu_ms,
            transactions: each("transactions"),
            round_trips: each("round_trips"),
            statements: each("statements"),
            others_percent,
            processors,
            is_quiet: others_percent <= QUIET_PERCENT,
        }
    }

    /// As rows for people.
    pub(crate) fn rows(&self) -> Vec<String> {
        let mut rows = vec![format!(
            "{} messages a second for {} s: {} sent, {} acknowledged, {} answered",
            self.rate, self.seconds, self.sent, self.acknowledged, self.answered
        )];
        for (what, of) in [
            ("acknowledged", self.acknowledgement_ms),
            ("first words", self.first_piece_ms),
            ("answered", self.answer_ms),
        ] {
            rows.push(format!(
                "  {what:22}  p50 {:7.2}  p95 {:7.2}  p99 {:7.2}  max {:7.2} ms",
                of.p50, of.p95, of.p99, of.max
            ));
        }
        rows.push(match self.own_ms {
            Some(Own { p50, p95, p99 }) => {
                format!("  {:22}  p50 {p50:7.2}  p95 {p95:7.2}  p99 {p99:7.2} ms", "the house's own time")
            }
            None => "  the core does not count its own time".to_owned(),
        });
        let list = |of: &mut dyn Iterator<Item = (&str, f64)>| {
            of.map(|(name, ms)| format!("{name} {ms:.2}")).collect::<Vec<_>>().join(", ")
        };
        let stages = &mut self.stage_ms.iter().map(|(stage, ms)| (stage.as_str(), *ms));
        rows.push(format!("  stages, on average: {} ms", list(stages)));
        let cpu = &mut self.cpu_ms.iter().map(|(part, ms)| (*part, *ms));
        rows.push(format!("  CPU of a turn: {:.2} ms of the house's own ({})", self.cpu_own_ms, list(cpu)));
        rows.push(format!(
            "  a turn in Postgres: {:.2} transactions, {:.2} round trips, {:.2} statements",
            self.transactions, self.round_trips, self.statements
        ));
        rows.push(machine(self.others_percent));
        rows
    }
}

/// What else ran.
pub(crate) fn machine(others_percent: f64) -> String {
    let quiet = if others_percent <= QUIET_PERCENT { "quiet" } else { "NOT QUIET: measure again" };
    let processors = processors();
    format!("  the machine: {processors} processors; all else took {others_percent:.1} % of one: {quiet}")
}

/// How many this machine has.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

impl Quantiles {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let rank = |percent: usize| {
            let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        Self { p50: rank(50), p95: rank(95), p99: rank(99), max: rank(100) }
    }
}

fn stages(counted: &Counters) -> BTreeMap<String, f64> {
    let [sums, counts] =
        ["sum", "count"].map(|kind| counted.by(&format!("switchboard_core_stage_seconds_{kind}"), "stage"));
    let mean = |(stage, seconds): (String, f64)| {
        let count = counts.get(&stage).copied().filter(|count| *count > 0.0)?;
        Some((stage, seconds / count * 1e3))
    };
    sums.into_iter().filter_map(mean).collect()
}

#[allow(clippy::cast_precision_loss, reason = "no load says so much")]
pub(crate) fn to_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let of = Quantiles::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!([of.p50, of.p95, of.p99, of.max], [100.0, 190.0, 198.0, 200.0]);
        assert_eq!(Quantiles::of(Vec::new()).p99, 0.0);
    }
}
