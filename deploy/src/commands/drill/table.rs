//! One figure of a drill, and the bound that it is held to.

use std::time::Duration;

/// A row of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) what: String,
    pub(super) figures: String,
    value: f64,
    bound: f64,
    unit: &'static str,
}

impl Row {
    /// How long another tenant's messages took.
    pub(super) fn waited(what: String, mut times: Vec<Duration>, bound: Duration) -> Self {
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let most = times.last().copied().unwrap_or_default();
        let figures = format!("median {} ms, max {} ms", median.as_millis(), most.as_millis());
        Self { what, figures, value: most.as_secs_f64() * 1e3, bound: bound.as_secs_f64() * 1e3, unit: "ms" }
    }

    /// How much memory a process took more than before.
    pub(super) fn grew(what: String, before_mb: f64, peak_mb: f64, bound_mb: f64) -> Self {
        let figures = format!("{before_mb:.0} MB before, {peak_mb:.0} MB at most");
        Self { what, figures, value: peak_mb - before_mb, bound: bound_mb, unit: "MB more" }
    }

    /// How many of something there were.
    pub(super) fn counted(what: String, figures: String, value: f64, bound: f64) -> Self {
        Self { what, figures, value, bound, unit: "" }
    }

    pub(super) fn holds(&self) -> bool {
        self.value <= self.bound
    }

    pub(super) fn line(&self) -> String {
        let Self { what, figures, bound, unit, .. } = self;
        let holds = if self.holds() { "holds" } else { "DOES NOT HOLD" };
        format!("{what:70}  {figures:34}  at most {bound:.0} {unit}: {holds}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_bound_holds() {
        let times = [900, 20, 30].map(Duration::from_millis).to_vec();
        let row = Row::waited("a flood".into(), times.clone(), Duration::from_secs(1));
        assert!(row.holds() && row.line().contains("median 30 ms, max 900 ms"), "{}", row.line());
        assert!(!Row::waited("a flood".into(), times, Duration::from_millis(800)).holds());
        assert!(Row::grew("core".into(), 20.0, 320.0, 200.0).line().ends_with("DOES NOT HOLD"));
    }
}
