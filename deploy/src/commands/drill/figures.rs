//! What a drill measured, counted from what its load heard.

use super::load::{Outcome, record::Sent};
use serde::Serialize;
use std::collections::BTreeMap;

/// Something that was done to the house. Times are milliseconds since the load began.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) at_ms: u32,
    /// When everything was there again.
    pub(super) whole_ms: u32,
}

/// All of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figures {
    pub(super) seconds: u32,
    pub(super) faults: Vec<Fault>,
    pub(super) sent: u64,
    pub(super) acknowledged: u64,
    /// Refused for good.
    pub(super) refused: u64,
    /// Neither acknowledged nor refused when patience was over.
    pub(super) unanswered: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    pub(super) reordered: u64,
    pub(super) gaps: u64,
    /// Turns that were not at their end when patience was over.
    pub(super) stuck: u64,
    /// Turns that ended otherwise than completed.
    pub(super) not_completed: BTreeMap<String, u64>,
    pub(super) outage_ms: Outage,
    pub(super) p99_ms: Slowness,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) failed_reads: u64,
    pub(super) retried: u64,
    pub(super) reconnects: u64,
    /// The first of what was lost or doubled, by its client id.
    pub(super) examples: Vec<String>,
    /// What else a drill measured, in words and numbers of its own.
    pub(super) also: BTreeMap<String, f64>,
}

/// The longest that each class of operation was away, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Outage {
    /// From the first attempt to its acknowledgement.
    pub(super) send: u32,
    /// Between two acknowledgements to anybody, and from a fault to the next one.
    pub(super) acks: u32,
    /// Between two reads that succeeded.
    pub(super) read: u32,
    /// From an acknowledgement until its event was on its sender's socket.
    pub(super) stream: u32,
    /// From the first attempt to the end of its turn.
    pub(super) answer: u32,
    /// From a socket's drop until it was in its conversation again.
    pub(super) away: u32,
}

/// The 99th percentile, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Slowness {
    /// Of a send, while nothing was done to the house.
    pub(super) send_before: u32,
    /// Of a send, from a fault until everything was there again.
    pub(super) send_during: u32,
    /// From a fault to the end of each turn that ran at that moment.
    pub(super) interrupted: u32,
    /// From a socket's drop until it was in its conversation again.
    pub(super) away: u32,
    /// The 95th percentile of that.
    pub(super) away_p95: u32,
}

impl Figures {
    pub(super) fn of(outcome: &Outcome, faults: Vec<Fault>, end_ms: u32) -> Self {
        let heard = &outcome.heard;
        let sum = |of: fn(&super::load::check::View) -> u64| heard.views.iter().map(of).sum::<u64>();
        let findings = &outcome.findings;
        Self {
            seconds: end_ms / 1_000,
            sent: count(&heard.sent, |_| true) - heard.unsent,
            acknowledged: count(&heard.sent, |sent| sent.acknowledged.is_some()),
            refused: count(&heard.sent, |sent| sent.refused.is_some()) - heard.unsent,
            unanswered: outcome.unanswered,
            lost: length(&findings.lost) + sum(|view| view.vanished),
            doubled: length(&findings.doubled) + sum(|view| view.doubled),
            reordered: findings.reordered + sum(|view| view.reordered),
            gaps: sum(|view| view.gaps),
            stuck: outcome.stuck,
            not_completed: heard.turns_ended.clone(),
            outage_ms: outage(outcome, &faults, end_ms),
            p99_ms: slowness(outcome, &faults),
            errors: heard.errors.clone(),
            failed_reads: heard.failed_reads,
            retried: heard.retried,
            reconnects: length(&heard.away),
            examples: findings.lost.iter().chain(&findings.doubled).take(10).cloned().collect(),
            also: BTreeMap::new(),
            faults,
        }
    }
}

fn outage(outcome: &Outcome, faults: &[Fault], end_ms: u32) -> Outage {
    let heard = &outcome.heard;
    let waited = |sent: &Sent| match (sent.acknowledged, sent.refused) {
        (Some(at), _) => at.saturating_sub(sent.at),
        (None, Some(_)) => 0,
        (None, None) => end_ms.saturating_sub(sent.at),
    };
    let answered = |sent: &Sent| sent.over.map(|over| over.saturating_sub(sent.at));
    let acks = heard.sent.iter().filter_map(|sent| sent.acknowledged).collect();
    let reads = heard.reads.iter().map(|(at, _)| *at).collect();
    // A gap between what comes rarely says nothing, so the moments of the faults and of the last send are ends as well.
    let last = heard.sent.iter().map(|sent| sent.at).max().unwrap_or_default();
    let marks: Vec<u32> = faults.iter().map(|fault| fault.at_ms).chain([last]).collect();
    Outage {
        send: heard.sent.iter().map(waited).max().unwrap_or_default(),
        acks: longest_gap(acks, last),
        read: longest_gap(reads, last).max(longest_read(&heard.reads, &marks)),
        stream: heard.due_longest,
        answer: heard.sent.iter().filter_map(answered).max().unwrap_or_default(),
        away: heard.away.iter().copied().max().unwrap_or_default(),
    }
}

/// The longest time between two moments, up to `end`.
fn longest_gap(mut moments: Vec<u32>, end: u32) -> u32 {
    moments.retain(|at| *at <= end);
    moments.push(end);
    moments.sort_unstable();
    moments.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

/// The longest read of those that ran at one of these moments.
fn longest_read(reads: &[(u32, u32)], marks: &[u32]) -> u32 {
    let ran =
        |(at, took): &&(u32, u32)| marks.iter().any(|mark| (at.saturating_sub(*took)..=*at).contains(mark));
    reads.iter().filter(ran).map(|(_, took)| *took).max().unwrap_or_default()
}

fn slowness(outcome: &Outcome, faults: &[Fault]) -> Slowness {
    let within = |at: u32| faults.iter().any(|fault| (fault.at_ms..=fault.whole_ms).contains(&at));
    let first = faults.first().map_or(u32::MAX, |fault| fault.at_ms);
    let sent = &outcome.heard.sent;
    let waits = |wanted: &dyn Fn(u32) -> bool| {
        let wanted = sent.iter().filter(|sent| wanted(sent.at));
        p99(wanted.filter_map(|sent| Some(sent.acknowledged? - sent.at)).collect())
    };
    let interrupted = faults.iter().flat_map(|fault| {
        let ran = move |sent: &&Sent| {
            sent.acknowledged.is_some_and(|at| at <= fault.at_ms)
                && sent.over.is_none_or(|at| at >= fault.at_ms)
        };
        sent.iter().filter(ran).filter_map(|sent| Some(sent.over? - fault.at_ms))
    });
    Slowness {
        send_before: waits(&|at| at < first),
        send_during: waits(&within),
        interrupted: p99(interrupted.collect()),
        away: p99(outcome.heard.away.clone()),
        away_p95: percentile(outcome.heard.away.clone(), 95),
    }
}

pub(super) fn p99(values: Vec<u32>) -> u32 {
    percentile(values, 99)
}

/// By the nearest rank; 0 of nothing.
fn percentile(mut values: Vec<u32>, percent: usize) -> u32 {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100);
    rank.checked_sub(1).and_then(|index| values.get(index)).copied().unwrap_or_default()
}

fn count(sent: &[Sent], of: impl Fn(&&Sent) -> bool) -> u64 {
    u64::try_from(sent.iter().filter(of).count()).unwrap_or(u64::MAX)
}

fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::drill::load::{check::Findings, record::Heard};

    fn sent(at: u32, acknowledged: Option<u32>, over: Option<u32>) -> Sent {
        Sent { at, acknowledged, over, ..Sent::default() }
    }

    fn outcome(sent: Vec<Sent>) -> Outcome {
        let heard = Heard { sent, reads: vec![(100, 5), (350, 5), (2_000, 5)], ..Heard::default() };
        Outcome { heard, findings: Findings::default(), stuck: 0, unanswered: 0 }
    }

    #[test]
    fn outages_are_counted_from_the_first_attempt_and_between_acknowledgements() {
        let all = vec![
            sent(0, Some(10), Some(20)),
            sent(100, Some(4_100), Some(4_200)),
            sent(5_000, Some(5_010), None),
        ];
        let fault = Fault { what: "core-1 killed".into(), at_ms: 90, whole_ms: 4_000 };
        let figures = Figures::of(&outcome(all), vec![fault], 6_000);
        assert_eq!((figures.outage_ms.send, figures.outage_ms.acks), (4_000, 4_090));
        assert_eq!((figures.outage_ms.answer, figures.outage_ms.read), (4_100, 3_000));
        assert_eq!((figures.p99_ms.send_before, figures.p99_ms.send_during), (10, 4_000));
    }

    #[test]
    fn a_send_that_nobody_answered_has_waited_until_the_end() {
        assert_eq!(Figures::of(&outcome(vec![sent(1_000, None, None)]), vec![], 6_000).outage_ms.send, 5_000);
    }

    #[test]
    fn a_turn_that_ran_at_a_fault_is_interrupted_until_its_end() {
        let all = vec![
            sent(0, Some(10), Some(5_000)),
            sent(0, Some(10), Some(50)),
            sent(200, Some(210), Some(9_000)),
        ];
        let fault = Fault { what: "core-1 killed".into(), at_ms: 100, whole_ms: 300 };
        assert_eq!(Figures::of(&outcome(all), vec![fault], 10_000).p99_ms.interrupted, 4_900);
    }

    #[test]
    fn the_99th_percentile_is_the_nearest_rank() {
        assert_eq!(
            (p99(vec![]), p99(vec![7]), p99((1..=100).collect()), p99((1..=200).rev().collect())),
            (0, 7, 99, 198)
        );
    }
}
