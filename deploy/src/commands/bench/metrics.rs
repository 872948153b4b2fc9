//! What a core has counted, as Prometheus reads it, from one moment to another.

use std::collections::BTreeMap;

/// Counters by their names with labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters(BTreeMap<String, f64>);

impl Counters {
    /// Reads the text format.
    pub(crate) fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.rsplit_once(' '));
        Self(pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    }

    /// What came since then.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let since = |(name, value): (&String, &f64)| {
            (name.clone(), value - before.0.get(name).copied().unwrap_or_default())
        };
        Self(self.0.iter().map(since).collect())
    }

    /// All of a name, whatever its labels.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let is_of = |counter: &str| counter.split('{').next() == Some(name);
        let all = self.0.iter().filter(|(counter, _)| is_of(counter));
        // Nothing is 0 and not -0.
        all.fold(0.0, |sum, (_, value)| sum + value)
    }

    /// The values of a name by one of its labels.
    pub(crate) fn by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let start = format!("{name}{{{label}=\"");
        let of = |(counter, value): (&String, &f64)| {
            Some((counter.strip_prefix(&start)?.strip_suffix("\"}")?.to_owned(), *value))
        };
        self.0.iter().filter_map(of).collect()
    }

    /// Mean and squared coefficient of variation of a histogram without labels, each of its buckets taken to be at its
    /// middle; none of one that counted nothing.
    pub(crate) fn moments(&self, histogram: &str) -> Option<(f64, f64)> {
        let count = self.sum(&format!("{histogram}_count"));
        let mean = self.sum(&format!("{histogram}_sum")) / count;
        let (mut below, mut squares) = ((0.0, 0.0), 0.0);
        for (bound, all) in self.buckets(histogram) {
            let middle = if bound.is_finite() { f64::midpoint(below.0, bound) } else { below.0 };
            squares += (all - below.1) * (middle - mean).powi(2);
            below = (bound, all);
        }
        (count > 0.0 && mean > 0.0).then(|| (mean, squares / count / mean.powi(2)))
    }

    fn buckets(&self, histogram: &str) -> Vec<(f64, f64)> {
        let buckets = self.by(&format!("{histogram}_bucket"), "le").into_iter();
        let mut buckets: Vec<_> =
            buckets.filter_map(|(bound, count)| Some((bound.parse::<f64>().ok()?, count))).collect();
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        buckets
    }

    /// So much of a histogram without labels is below this, in its own unit; none of one that counted nothing. Between two
    /// bounds it is taken to be spread evenly.
    pub(crate) fn quantile(&self, histogram: &str, quantile: f64) -> Option<f64> {
        let buckets = self.buckets(histogram);
        let wanted = buckets.last().map(|(_, all)| all * quantile).filter(|wanted| *wanted > 0.0)?;
        let mut below = (0.0, 0.0);
        for (bound, count) in buckets {
            if count >= wanted {
                let share = (wanted - below.1) / (count - below.1);
                // What is beyond the last bound is at least that.
                return Some(if bound.is_finite() { below.0 + share * (bound - below.0) } else { below.0 });
            }
            below = (bound, count);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_between_two_moments_is_counted_and_a_quantile_lies_within_its_bucket() {
        let text = |few: u32, all: u32| {
            format!(
                "# HELP t times\nt_bucket{{le=\"1\"}} {few}\nt_bucket{{le=\"2\"}} {all}\nt_bucket{{le=\"+Inf\"}} {all}\n\
                 n_total{{a=\"x\"}} {few}\nn_total{{a=\"y\"}} {all}\nn_total_other 7\n"
            )
        };
        let since = Counters::read(&text(60, 150)).since(&Counters::read(&text(10, 50)));
        assert_eq!(since.sum("n_total"), 150.0);
        assert_eq!(since.by("n_total", "a")["y"], 100.0);
        assert_eq!(since.quantile("t", 0.25), Some(0.5));
        assert_eq!(since.quantile("t", 0.75), Some(1.5));
        // A hundred: half of them at 0.5 and half at 1.5.
        let text = format!("{}t_sum 150\nt_count 150\n", text(60, 150));
        let before =
            "t_bucket{le=\"1\"} 10\nt_bucket{le=\"2\"} 50\nt_bucket{le=\"+Inf\"} 50\nt_sum 50\nt_count 50\n";
        let since = Counters::read(&text).since(&Counters::read(before));
        assert_eq!(since.moments("t"), Some((1.0, 0.25)));
        assert_eq!(Counters::default().moments("t"), None);
        assert_eq!(Counters::default().quantile("t", 0.5), None);
    }
}
