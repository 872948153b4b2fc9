//! What the local model is held to before it decides: how sure it is of the likeliest agent, how far behind the next one
//! is, how much of the message it knows, and how often it was right where it was so sure.

use super::{guess::best, lexical::Shares};
use crate::config::RouteConfig;

/// How the likeliest agent stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    pub(super) best: usize,
    pub(super) share: f64,
    /// Before the next agent, or nobody.
    pub(super) lead: f64,
    /// Which share of the words is known.
    pub(super) known: f64,
    /// Whether it was asked in the turn before: then what is new goes on with what was known.
    pub(super) goes_on: bool,
    /// How often it is right with such a share; of a part of a message it is not asked.
    pub(super) right: f64,
}

/// A bound, and what is held against it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub(super) key: &'static str,
    pub(super) value: f64,
    pub(super) limit: f64,
    pub(super) met: bool,
}

pub(super) const ACCEPT: &str = "route.accept";
pub(super) const ACCEPT_EACH: &str = "route.accept_each";
pub(super) const MARGIN: &str = "route.margin";
pub(super) const MIN_KNOWN: &str = "route.min_known";
pub(super) const RIGHT: &str = "route.right";

/// How often it must be right.
pub(super) fn right(value: f64, config: &RouteConfig) -> Bound {
    Bound { key: RIGHT, value, limit: config.right, met: value >= config.right }
}

impl Standing {
    /// None without agents.
    pub(super) fn of(shares: &Shares, previous: &[usize]) -> Option<Self> {
        let (best, share) = best(&shares.agents)?;
        let others = shares.agents.iter().enumerate().filter(|(i, _)| *i != best).map(|(_, share)| *share);
        let next = others.fold(shares.none, f64::max);
        let goes_on = previous.contains(&best);
        Some(Self { best, share, lead: share - next, known: shares.known, goes_on, right: 1.0 })
    }

    pub(super) fn is_sure(&self, accept: f64, config: &RouteConfig) -> bool {
        self.bounds(accept, config).iter().all(|bound| bound.met)
    }

    /// Whether it stands out from the others, however often that may be wrong.
    pub(super) fn stands_out(&self, accept: f64, config: &RouteConfig) -> bool {
        Self { right: 1.0, ..*self }.is_sure(accept, config)
    }

    /// `accept` is another one for a message than for a part of it.
    pub(super) fn bounds(&self, accept: f64, config: &RouteConfig) -> [Bound; 4] {
        let bound = |key, value: f64, limit: f64| Bound { key, value, limit, met: value >= limit };
        let known = bound(MIN_KNOWN, self.known, config.min_known);
        [
            bound(ACCEPT, self.share, accept),
            bound(MARGIN, self.lead, config.margin),
            Bound { met: known.met || self.goes_on, ..known },
            right(self.right, config),
        ]
    }
}
