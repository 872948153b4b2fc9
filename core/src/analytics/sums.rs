//! Counts as they were read, added up as an answer needs them; pure.

use super::{
    counts::{Timed, What},
    histogram::Histogram,
};
use crate::store::CountedRow;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};

/// All counts of a window.
#[derive(Debug, Default)]
pub(super) struct Sums {
    by_what: HashMap<String, BTreeMap<String, BTreeMap<DateTime<Utc>, i64>>>,
}

impl Sums {
    pub(super) fn of(rows: Vec<CountedRow>) -> Self {
        let mut sums = Self::default();
        for CountedRow { at, what, label, n } in rows {
            let kinds = sums.by_what.entry(what).or_default();
            *kinds.entry(label).or_default().entry(at).or_default() += n;
        }
        sums
    }

    /// Of every kind, in the whole window.
    pub(super) fn all(&self, what: What) -> i64 {
        self.kinds(what).flat_map(|(_, by_time)| by_time.values()).sum()
    }

    /// Of one kind, in the whole window.
    pub(super) fn of_kind(&self, what: What, label: &str) -> i64 {
        self.kinds(what).filter(|(own, _)| *own == label).flat_map(|(_, by_time)| by_time.values()).sum()
    }

    /// Of every kind, in one step.
    pub(super) fn all_at(&self, what: What, at: DateTime<Utc>) -> i64 {
        self.kinds(what).filter_map(|(_, by_time)| by_time.get(&at)).sum()
    }

    /// Of one kind, in one step.
    pub(super) fn of_kind_at(&self, what: What, label: &str, at: DateTime<Utc>) -> i64 {
        self.kinds(what).filter(|(own, _)| *own == label).filter_map(|(_, by_time)| by_time.get(&at)).sum()
    }

    /// Every kind with its sum, the largest first.
    pub(super) fn ranked(&self, what: What) -> Vec<(String, i64)> {
        let mut kinds: Vec<_> = self
            .kinds(what)
            .map(|(label, by_time)| (label.to_owned(), by_time.values().sum::<i64>()))
            .collect();
        kinds.sort_by(|(one, n), (other, m)| m.cmp(n).then_with(|| one.cmp(other)));
        kinds
    }

    /// The times of the whole window.
    pub(super) fn times(&self, timed: Timed) -> Histogram {
        let mut times = Histogram::default();
        for (bucket, by_time) in self.kinds(What::Time(timed)) {
            times.add(bucket, by_time.values().sum());
        }
        times
    }

    /// The times of one step.
    pub(super) fn times_at(&self, timed: Timed, at: DateTime<Utc>) -> Histogram {
        let mut times = Histogram::default();
        for (bucket, by_time) in self.kinds(What::Time(timed)) {
            times.add(bucket, by_time.get(&at).copied().unwrap_or(0));
        }
        times
    }

    fn kinds(&self, what: What) -> impl Iterator<Item = (&str, &BTreeMap<DateTime<Utc>, i64>)> {
        let kinds = self.by_what.get(what.name()).into_iter().flatten();
        kinds.map(|(label, by_time)| (label.as_str(), by_time))
    }
}
