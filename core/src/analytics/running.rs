//! What goes wrong, how fast it is, and how each part is.

use super::{
    counts::{Timed, What},
    definitions,
    histogram::{Histogram, float},
    sums::Sums,
    whose::{self, whose},
    window::Window,
};
use crate::{
    clock,
    core::Core,
    error::Result,
    store::{CountedRow, Part, PartKind, Span, View, reading},
};
use chrono::{DateTime, TimeDelta, Utc};
use switchboard_shared::{
    api::{
        AgentBreaker, CorePart, CoreReport, DrillPart, DrillReport, EdgePart, EdgeReport, FiguresOf,
        HouseParts, Latency, RunningAnalytics, RunningPoint, RunningTotals, Step,
    },
    ids::TenantId,
};

/// The share of requests and turns that is to go well.
const OBJECTIVE: f64 = 0.999;
/// What is counted for this page.
const WHATS: [What; 7] = [
    What::Requests,
    What::EdgeRefusals,
    What::Turns,
    What::Time(Timed::Acknowledgement),
    What::Time(Timed::Own),
    What::Time(Timed::Agent),
    What::Time(Timed::Answer),
];
const KINDS: [(Timed, &str); 4] = [
    (Timed::Acknowledgement, "acknowledgement"),
    (Timed::Own, "own"),
    (Timed::Agent, "agent"),
    (Timed::Answer, "answer"),
];
/// How long a part is shown that says nothing any more.
const SHOWN: TimeDelta = TimeDelta::minutes(2);

/// Reads and adds up.
pub(crate) async fn running(core: &Core, tenant: &TenantId, window: Window) -> Result<RunningAnalytics> {
    let now = clock::now();
    let whose = whose(core, tenant);
    let sums = whose::sums(core, tenant, whose, window, &WHATS).await?;
    let house = match whose {
        FiguresOf::House => Some(parts(core, now).await?),
        FiguresOf::Tenant => None,
    };
    Ok(RunningAnalytics {
        from: window.from,
        to: window.to,
        step: window.step,
        at: now,
        whose,
        totals: totals(&sums),
        points: window.marks().map(|at| point(&sums, at)).collect(),
        latency: KINDS.iter().map(|(timed, kind)| latency(kind, &sums.times(*timed))).collect(),
        breakers: breakers(core, tenant, now).await?,
        house,
        definitions: definitions::running(),
    })
}

fn totals(sums: &Sums) -> RunningTotals {
    let class = |class: &str| sums.of_kind(What::Requests, class);
    let (requests, errors) = (sums.all(What::Requests), class("5"));
    let (turns, failed) = (sums.all(What::Turns), sums.of_kind(What::Turns, "failed"));
    let of_edges = |class: &str| sums.of_kind(What::EdgeRefusals, class);
    let edge_errors = of_edges("5");
    RunningTotals {
        requests,
        client_errors: class("4"),
        errors,
        edge_refused: of_edges("4"),
        edge_errors,
        turns,
        failed,
        objective: OBJECTIVE,
        budget_left: budget_left(requests + edge_errors + turns, errors + edge_errors + failed),
    }
}

fn point(sums: &Sums, at: DateTime<Utc>) -> RunningPoint {
    let class = |class: &str| sums.of_kind_at(What::Requests, class, at);
    let (requests, errors) = (sums.all_at(What::Requests, at), class("5"));
    let (turns, failed) = (sums.all_at(What::Turns, at), sums.of_kind_at(What::Turns, "failed", at));
    let edge_errors = sums.of_kind_at(What::EdgeRefusals, "5", at);
    let p95 = |timed| sums.times_at(timed, at).quantile(0.95);
    RunningPoint {
        at,
        requests,
        client_errors: class("4"),
        errors,
        turns,
        failed,
        budget_left: budget_left(requests + edge_errors + turns, errors + edge_errors + failed),
        acknowledgement_p95_ms: p95(Timed::Acknowledgement),
        own_p95_ms: p95(Timed::Own),
        agent_p95_ms: p95(Timed::Agent),
    }
}

/// How much of what may go wrong is left, from 1 down; below 0 more went wrong than may.
fn budget_left(all: i64, bad: i64) -> Option<f64> {
    (all > 0).then(|| 1.0 - float(bad) / (float(all) * (1.0 - OBJECTIVE)))
}

fn latency(kind: &str, times: &Histogram) -> Latency {
    Latency {
        kind: kind.to_owned(),
        count: times.count(),
        p50_ms: times.quantile(0.5),
        p95_ms: times.quantile(0.95),
        p99_ms: times.quantile(0.99),
    }
}

/// Which of the tenant's agents some core did not ask in this minute or the one before.
async fn breakers(core: &Core, tenant: &TenantId, now: DateTime<Utc>) -> Result<Vec<AgentBreaker>> {
    let span = Span { step: Step::Minute, from: now - TimeDelta::minutes(2), to: now };
    let whats = [What::Breaker.name()];
    let rows = reading!(&core.store, tenant, View::Any, tx, tx.counts(tenant, &span, &whats))?;
    Ok(open(rows))
}

/// Of each agent what was seen last.
fn open(mut rows: Vec<CountedRow>) -> Vec<AgentBreaker> {
    rows.sort_by(|one, other| one.label.cmp(&other.label).then(other.at.cmp(&one.at)));
    rows.dedup_by(|later, first| later.label == first.label);
    let breaker = |n: i64| if n > 1 { "open" } else { "half_open" };
    rows.into_iter()
        .filter_map(|row| {
            Some(AgentBreaker { agent: row.label.parse().ok()?, breaker: breaker(row.n).to_owned() })
        })
        .collect()
}

async fn parts(core: &Core, now: DateTime<Utc>) -> Result<HouseParts> {
    let (store, since) = (&core.store, now - SHOWN);
    Ok(parts_of(
        store.parts(PartKind::Core, since).await?,
        store.parts(PartKind::Edge, since).await?,
        store.parts(PartKind::Drill, DateTime::UNIX_EPOCH).await?,
    ))
}

fn parts_of(
    cores: Vec<Part<CoreReport>>,
    edges: Vec<Part<EdgeReport>>,
    drills: Vec<Part<DrillReport>>,
) -> HouseParts {
    let load = |edge: &EdgeReport| {
        let most = i64::try_from(edge.max_connections.max(1)).unwrap_or(i64::MAX);
        (float(i64::try_from(edge.connections).unwrap_or(i64::MAX)) / float(most)).min(1.0)
    };
    let core = |part: Part<CoreReport>| CorePart { id: part.id, seen_at: part.at, report: part.report };
    let edge =
        |part: Part<EdgeReport>| EdgePart { seen_at: part.at, load: load(&part.report), report: part.report };
    HouseParts {
        cores: cores.into_iter().map(core).collect(),
        edges: edges.into_iter().map(edge).collect(),
        drill: drills.into_iter().map(|part| DrillPart { seen_at: part.at, report: part.report }).next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::definitions::numbers;
    use serde_json::json;
    use switchboard_shared::api::{HostRole, PostgresHost, RedisNode, RedisRole};

    #[test]
    fn the_budget_is_what_may_go_wrong_in_a_thousand() {
        assert_eq!(budget_left(0, 0), None);
        let left = |all, bad| (budget_left(all, bad).unwrap() * 1_000.0).round() / 1_000.0;
        assert_eq!((left(1_000, 0), left(2_000, 1), left(1_000, 1), left(1_000, 3)), (1.0, 0.5, 0.0, -2.0));
    }

    #[test]
    fn every_number_has_its_definition() {
        let row = |what: &str, label: &str| CountedRow {
            at: DateTime::UNIX_EPOCH,
            what: what.to_owned(),
            label: label.to_owned(),
            n: 1,
        };
        let times = KINDS.map(|(timed, _)| row(What::Time(timed).name(), "5"));
        let sums =
            Sums::of([row("requests", "2"), row("turns", "completed")].into_iter().chain(times).collect());
        let replica = PostgresHost { host: "host1".into(), role: HostRole::Replica, lag_ms: Some(3) };
        let node = RedisNode { node: "a:1".into(), role: RedisRole::Replica, lag_bytes: Some(3) };
        let core = CoreReport { postgres: vec![replica], redis: vec![node], ..CoreReport::default() };
        fn part<T>(report: T) -> Vec<Part<T>> {
            vec![Part { id: String::new(), at: DateTime::UNIX_EPOCH, report }]
        }
        let edge = EdgeReport { connections: 5, max_connections: 10, ..EdgeReport::default() };
        let house = parts_of(part(core), part(edge), Vec::new());
        assert_eq!(house.edges[0].load, 0.5);
        let latency = latency("own", &sums.times(Timed::Own));
        let json = json!([totals(&sums), point(&sums, DateTime::UNIX_EPOCH), latency, house]);
        let (known, numbers) = (definitions::running(), numbers(&json));
        assert!(numbers.len() > 20, "{numbers:?}");
        for name in numbers {
            assert!(known.contains_key(&name), "{name}");
        }
    }

    #[test]
    fn of_each_breaker_the_last_word_is_told() {
        let row = |minute: i64, agent: &str, n| CountedRow {
            at: DateTime::from_timestamp(minute * 60, 0).unwrap(),
            what: "most_breaker".to_owned(),
            label: agent.to_owned(),
            n,
        };
        let found = open(vec![row(1, "a", 2), row(2, "b", 2), row(2, "a", 1)]);
        let found: Vec<_> = found.iter().map(|one| (one.agent.as_str(), one.breaker.as_str())).collect();
        assert_eq!(found, [("a", "half_open"), ("b", "open")]);
    }
}
