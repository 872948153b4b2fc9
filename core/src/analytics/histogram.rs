//! Times in fixed buckets, so that rows of different cores can be added up; pure.

use std::{collections::BTreeMap, time::Duration};

/// The upper bounds of the buckets in milliseconds, as rows name them. Each is at most twice the one before, so a
/// percentile is no further off than that.
const BOUNDS: [(u64, &str); 31] = [
    (1, "1"),
    (2, "2"),
    (3, "3"),
    (5, "5"),
    (7, "7"),
    (10, "10"),
    (15, "15"),
    (20, "20"),
    (30, "30"),
    (50, "50"),
    (70, "70"),
    (100, "100"),
    (150, "150"),
    (200, "200"),
    (300, "300"),
    (500, "500"),
    (700, "700"),
    (1_000, "1000"),
    (1_500, "1500"),
    (2_000, "2000"),
    (3_000, "3000"),
    (5_000, "5000"),
    (7_000, "7000"),
    (10_000, "10000"),
    (15_000, "15000"),
    (20_000, "20000"),
    (30_000, "30000"),
    (45_000, "45000"),
    (60_000, "60000"),
    (90_000, "90000"),
    (120_000, "120000"),
];
/// What took longer than the last bound.
const LONGER: &str = "longer";

/// The bucket of a time.
pub(super) fn bucket(time: Duration) -> &'static str {
    let fits = |(bound, _): &&(u64, &str)| time <= Duration::from_millis(*bound);
    BOUNDS.iter().find(fits).map_or(LONGER, |(_, name)| name)
}

/// How many times are in each bucket, by its upper bound; the last one has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Histogram(BTreeMap<u64, i64>);

impl Histogram {
    /// Takes a row in; a bucket that this version does not know counts as the longest.
    pub(super) fn add(&mut self, bucket: &str, n: i64) {
        *self.0.entry(bucket.parse().unwrap_or(u64::MAX)).or_default() += n;
    }

    pub(super) fn count(&self) -> i64 {
        self.0.values().sum()
    }

    /// The time in milliseconds that so large a share of all did not exceed. Within a bucket they are taken to lie evenly; beyond
    /// the last bound all that is known is that bound.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let wanted = share * float(count);
        let mut below = 0.0;
        for (bound, n) in &self.0 {
            let within = float(*n);
            if below + within >= wanted {
                let (from, to) = limits(*bound);
                return Some(from + (to - from) * ((wanted - below) / within.max(1.0)));
            }
            below += within;
        }
        self.0.keys().last().map(|bound| limits(*bound).1)
    }
}

/// Where a bucket begins and ends.
fn limits(bound: u64) -> (f64, f64) {
    let below = BOUNDS.iter().rev().map(|(known, _)| *known).find(|known| *known < bound);
    let from = below.unwrap_or(0);
    let to = if bound == u64::MAX { from } else { bound };
    (float(i64::try_from(from).unwrap_or(i64::MAX)), float(i64::try_from(to).unwrap_or(i64::MAX)))
}

/// Counts are far below 2^53.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(super) fn float(n: i64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_its_bucket_and_each_is_named_by_its_bound() {
        for (us, name) in
            [(0, "1"), (1_000, "1"), (1_001, "2"), (119_999_999, "120000"), (120_000_001, LONGER)]
        {
            assert_eq!(bucket(Duration::from_micros(us)), name, "{us}");
        }
        assert!(BOUNDS.iter().all(|(bound, name)| bound.to_string() == *name));
        assert!(BOUNDS.windows(2).all(|two| two[0].0 < two[1].0 && two[1].0 <= 2 * two[0].0));
    }

    #[test]
    fn a_percentile_lies_in_the_bucket_of_its_time() {
        let mut times = Histogram::default();
        assert_eq!(times.quantile(0.5), None);
        for ms in 1..=100 {
            times.add(bucket(Duration::from_millis(ms)), 1);
        }
        assert_eq!(times.count(), 100);
        for (share, ms) in [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0)] {
            let found = times.quantile(share).unwrap();
            assert!((found - ms).abs() < 1e-9, "{share}: {found}");
        }
        times.add(LONGER, 900);
        assert_eq!(times.quantile(0.99), Some(120_000.0), "all that is known of what took longer");
    }
}
