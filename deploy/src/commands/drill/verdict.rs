//! What a drill may cost, and whether it kept to that.

use super::figures::Figures;
use serde::Serialize;

/// The bounds of a drill beside those that hold for every one: nothing lost, doubled, reordered, missing or stuck.
/// Times are milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    pub(super) send_longest: Option<u32>,
    pub(super) acks_gap: Option<u32>,
    pub(super) read_gap: Option<u32>,
    pub(super) stream_longest: Option<u32>,
    /// From the first attempt to the end of its turn.
    pub(super) answer: Option<u32>,
    pub(super) interrupted: Option<u32>,
    pub(super) away: Option<u32>,
    pub(super) away_p95: Option<u32>,
    pub(super) away_longest: Option<u32>,
    /// No request fails, and none is refused. An edge that is not there is no failure: the client takes the other one.
    pub(super) no_failures: bool,
    /// Every turn comes to its answer: none fails, and none is cancelled.
    pub(super) completes: bool,
    /// Every socket stays.
    pub(super) sockets_stay: bool,
    /// Errors that users see, in a thousand messages.
    pub(super) errors_per_mille: Option<u32>,
    /// The 99th percentile of a send, in so many times that of before; below [`NOTHING`] it is nothing.
    pub(super) slower: Option<u32>,
}

/// What nobody notices.
const NOTHING: u32 = 100;

/// One drill, as it is printed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) drill: String,
    pub(super) verdict: &'static str,
    /// Why it failed.
    pub(super) broken: Vec<String>,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

impl Report {
    /// `faults` are what went wrong with the drill itself, or is held to a bound of its own.
    pub(super) fn of(
        drill: &str,
        figures: Figures,
        budget: &Budget,
        times: u32,
        faults: Vec<String>,
    ) -> Self {
        let mut broken = faults;
        broken.extend(wrong(&figures));
        broken.extend(slow(&figures, budget, times));
        broken.extend(seen(&figures, budget));
        let verdict = if broken.is_empty() { "pass" } else { "fail" };
        Self { drill: drill.to_owned(), verdict, broken, figures }
    }

    pub(super) fn passed(&self) -> bool {
        self.broken.is_empty()
    }

    /// What it found, in few words.
    pub(super) fn summary(&self) -> String {
        let Figures { acknowledged, lost, gaps, outage_ms, .. } = &self.figures;
        let what = self.broken.first().map(|why| format!("; {why}")).unwrap_or_default();
        format!(
            "{acknowledged} acknowledged, {lost} lost, {gaps} gaps; longest pause of streams {} ms, of acknowledgements {} ms{what}",
            outage_ms.stream, outage_ms.acks
        )
    }

    /// What stands above the lines.
    pub(super) fn head() -> String {
        format!(
            "{:18}  {:>7}  {:>7}  {:>4}  {:>4}  {:>5}  {:>4}  {:>5}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  verdict",
            "drill",
            "sent",
            "acked",
            "lost",
            "dbl",
            "order",
            "gaps",
            "stuck",
            "send",
            "acks",
            "read",
            "stream",
            "pause",
            "away",
            "p99",
            "errors",
            "retry"
        )
    }

    pub(super) fn line(&self) -> String {
        let Figures { outage_ms: outage, p99_ms: p99, .. } = &self.figures;
        let f = &self.figures;
        format!(
            "{:18}  {:>7}  {:>7}  {:>4}  {:>4}  {:>5}  {:>4}  {:>5}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {}",
            self.drill,
            f.sent,
            f.acknowledged,
            f.lost,
            f.doubled,
            f.reordered,
            f.gaps,
            f.stuck,
            outage.send,
            outage.acks,
            outage.read,
            outage.stream,
            p99.interrupted,
            p99.away,
            p99.send_during,
            f.errors.values().sum::<u64>(),
            f.retried,
            self.verdict
        )
    }
}

/// What must never be.
fn wrong(figures: &Figures) -> Vec<String> {
    let counts = [
        ("acknowledged messages are lost", figures.lost),
        ("messages are doubled", figures.doubled),
        ("events came out of order", figures.reordered),
        ("events are missing between two others", figures.gaps),
        ("turns are stuck", figures.stuck),
        ("messages were never answered", figures.unanswered),
    ];
    let mut broken: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    if figures.acknowledged == 0 {
        broken.push("nothing was acknowledged, so nothing was shown".to_owned());
    }
    broken
}

fn slow(figures: &Figures, budget: &Budget, times: u32) -> Vec<String> {
    let (outage, p99) = (&figures.outage_ms, &figures.p99_ms);
    let rows = [
        ("a send waited", outage.send, budget.send_longest),
        ("nothing was acknowledged for", outage.acks, budget.acks_gap),
        ("nothing could be read for", outage.read, budget.read_gap),
        ("an event was due for", outage.stream, budget.stream_longest),
        ("an answer took", outage.answer, budget.answer),
        ("interrupted turns took (p99)", p99.interrupted, budget.interrupted),
        ("sockets were away (p99)", p99.away, budget.away),
        ("sockets were away (p95)", p99.away_p95, budget.away_p95),
        ("a socket was away", outage.away, budget.away_longest),
        ("a send took (p99)", p99.send_during, budget.slower.map(|by| (p99.send_before * by).max(NOTHING))),
    ];
    let over =
        rows.iter().filter_map(|(what, value, bound)| Some((what, *value, (*bound)?.saturating_mul(times))));
    over.filter(|(_, value, bound)| value > bound)
        .map(|(what, value, bound)| format!("{what} {value} ms, more than {bound} ms"))
        .collect()
}

fn seen(figures: &Figures, budget: &Budget) -> Vec<String> {
    let mut broken = Vec::new();
    let errors: Vec<_> =
        figures.errors.iter().filter(|(code, _)| !code.ends_with("edge_unreachable")).collect();
    let count: u64 = errors.iter().map(|(_, count)| **count).sum();
    if budget.no_failures && (count > 0 || figures.failed_reads > 0) {
        broken.push(format!("requests failed: {errors:?}, {} reads on every edge", figures.failed_reads));
    }
    if budget.completes && !figures.not_completed.is_empty() {
        broken.push(format!("turns did not complete: {:?}", figures.not_completed));
    }
    if budget.sockets_stay && figures.reconnects > 0 {
        broken.push(format!("{} sockets dropped", figures.reconnects));
    }
    if let Some(most) = budget.errors_per_mille
        && count * 1_000 > figures.sent * u64::from(most)
    {
        broken.push(format!("{count} errors in {} messages, more than {most} ‰", figures.sent));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Figures {
        Figures { sent: 100, acknowledged: 100, ..Figures::default() }
    }

    fn broken(change: impl Fn(&mut Figures), budget: Budget) -> Vec<String> {
        let mut figures = good();
        change(&mut figures);
        let report = Report::of("core-kill", figures, &budget, 1, vec![]);
        assert_eq!(report.verdict == "pass", report.broken.is_empty());
        report.broken
    }

    #[test]
    fn a_drill_passes_only_when_nothing_is_wrong() {
        assert_eq!(broken(|_| (), Budget::default()), [""; 0]);
        type Change = fn(&mut Figures);
        let faults: [(Change, &str); 7] = [
            (|it| it.lost = 1, "1 acknowledged messages are lost"),
            (|it| it.doubled = 2, "2 messages are doubled"),
            (|it| it.reordered = 1, "1 events came out of order"),
            (|it| it.gaps = 1, "1 events are missing between two others"),
            (|it| it.stuck = 1, "1 turns are stuck"),
            (|it| it.unanswered = 1, "1 messages were never answered"),
            (|it| it.acknowledged = 0, "nothing was acknowledged, so nothing was shown"),
        ];
        for (change, said) in faults {
            assert_eq!(broken(change, Budget::default()), [said]);
        }
    }

    #[test]
    fn a_budget_of_time_may_be_stretched_and_then_holds() {
        let budget = Budget { send_longest: Some(5_000), ..Budget::default() };
        let figures = Figures {
            outage_ms: super::super::figures::Outage { send: 5_001, ..Default::default() },
            ..good()
        };
        assert_eq!(
            Report::of("x", figures.clone(), &budget, 1, vec![]).broken,
            ["a send waited 5001 ms, more than 5000 ms"]
        );
        assert!(Report::of("x", figures.clone(), &budget, 2, vec![]).passed());
        assert!(!Report::of("x", figures, &budget, 2, vec!["not whole again".into()]).passed());
    }

    #[test]
    fn an_edge_that_is_away_is_no_failure_where_the_other_one_serves() {
        let budget =
            Budget { no_failures: true, sockets_stay: true, errors_per_mille: Some(1), ..Budget::default() };
        let one = |code: &str| [(code.to_owned(), 1)].into();
        assert_eq!(broken(|it| it.errors = one("read_edge_unreachable"), budget), [""; 0]);
        assert_eq!(broken(|it| it.errors = one("unavailable"), budget).len(), 2);
        assert_eq!(broken(|it| it.reconnects = 1, budget), ["1 sockets dropped"]);
    }

    #[test]
    fn a_turn_that_failed_is_a_failed_drill_where_turns_have_to_complete() {
        let failed: fn(&mut Figures) = |it| it.not_completed = [("failed".to_owned(), 2)].into();
        assert_eq!(broken(failed, Budget::default()), [""; 0]);
        let budget = Budget { completes: true, ..Budget::default() };
        assert_eq!(broken(failed, budget), [r#"turns did not complete: {"failed": 2}"#]);
    }
}
