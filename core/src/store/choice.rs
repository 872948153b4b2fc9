//! Where a read goes: pure, from how fresh it has to be and what the hosts are.

use super::topology::Topology;
use std::time::Duration;

/// How fresh what is read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// A moment old will do.
    Any,
    /// With everything that this core has committed.
    Own,
    /// With everything that every core has committed, while there is a primary.
    Latest,
}

/// One host that may be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) host: usize,
    /// `replica` or `primary`, and why, as the metric has them.
    pub(super) to: &'static str,
    pub(super) why: &'static str,
    /// Only if it has replayed what this core has committed.
    pub(super) if_own: bool,
}

/// The hosts in the order in which they are tried. `turn` spreads reads over replicas that are equally good. While there
/// is no primary an old view is better than none.
pub(super) fn order(topology: &Topology, view: View, turn: usize, max_lag: Duration) -> Vec<Choice> {
    let replica = |host, why, if_own| Choice { host, to: "replica", why, if_own };
    let mut near: Vec<_> = topology.replicas.iter().filter(|replica| replica.lag <= max_lag).collect();
    let turns = turn.checked_rem(near.len()).unwrap_or(0);
    near.rotate_left(turns);
    let mut most = topology.replicas.clone();
    most.sort_by_key(|replica| std::cmp::Reverse(replica.replayed));
    let Some(writer) = topology.writer else {
        return most.iter().map(|replica_| replica(replica_.host, "no_primary", false)).collect();
    };
    let primary = |why| Choice { host: writer, to: "primary", why, if_own: false };
    let fallback = most.iter().map(|other| replica(other.host, "no_primary", false));
    match view {
        View::Latest => [primary("latest")].into_iter().chain(fallback).collect(),
        View::Any | View::Own => {
            let (why, if_own) = if view == View::Own { ("own", true) } else { ("spread", false) };
            let instead = if near.is_empty() { "no_replica" } else { "behind" };
            let spread = near.into_iter().map(|near| replica(near.host, why, if_own));
            spread.chain([primary(instead)]).chain(fallback).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::topology::Replica;

    fn topology(writer: Option<usize>, lags_ms: &[u64]) -> Topology {
        let replica = |(i, lag): (usize, &u64)| Replica {
            host: i + 1,
            lag: Duration::from_millis(*lag),
            replayed: 1_000 - lag,
        };
        Topology { timeline: 1, writer, replicas: lags_ms.iter().enumerate().map(replica).collect() }
    }

    fn hosts(topology: &Topology, view: View, turn: usize) -> Vec<(usize, &'static str)> {
        let order = order(topology, view, turn, Duration::from_millis(100));
        order.into_iter().map(|choice| (choice.host, choice.why)).collect()
    }

    #[test]
    fn reads_are_spread_over_the_replicas_and_one_that_is_behind_is_passed_over() {
        let three = topology(Some(0), &[0, 500, 20]);
        assert_eq!(hosts(&three, View::Any, 0)[..3], [(1, "spread"), (3, "spread"), (0, "behind")]);
        assert_eq!(hosts(&three, View::Own, 1)[..3], [(3, "own"), (1, "own"), (0, "behind")]);
        assert_eq!(hosts(&topology(Some(0), &[500]), View::Any, 0)[0], (0, "no_replica"));
        assert_eq!(hosts(&topology(Some(0), &[]), View::Own, 7), [(0, "no_replica")]);
    }

    #[test]
    fn without_a_primary_the_replica_that_has_most_is_read_first_however_far_behind() {
        for view in [View::Any, View::Own, View::Latest] {
            let found = hosts(&topology(None, &[900, 500]), view, 0);
            assert_eq!(found, [(2, "no_primary"), (1, "no_primary")], "{view:?}");
        }
        let found = hosts(&topology(Some(0), &[20]), View::Latest, 0);
        assert_eq!(found, [(0, "latest"), (1, "no_primary")]);
    }
}
