//! The figures of an evaluation, pure arithmetic over answered rows.

use std::collections::BTreeMap;

const BINS: usize = 15;
/// How many of the accepted answers must be right.
const WANTED: f64 = 0.99;
/// The share of messages that are for nobody, where that is mixed in.
const OOS_SHARE: f64 = 0.20;

/// An answered row whose right agents are known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    /// Sorted; empty: it is for nobody.
    pub(super) truth: Vec<String>,
    pub(super) said: Vec<String>,
    pub(super) confidence: f64,
    /// Whether the router decided it by itself.
    pub(super) decided: bool,
    pub(super) lang: String,
    /// The agents of the turn before, of a conversation's row.
    pub(super) previous: Option<Vec<String>>,
}

impl Known {
    pub(super) fn in_scope(&self) -> bool {
        !self.truth.is_empty()
    }

    pub(super) fn right(&self) -> bool {
        self.in_scope() && self.truth == self.said
    }
}

/// Some answers of a certain confidence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bin {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) rows: usize,
    /// Mean.
    pub(super) confidence: f64,
    /// Share.
    pub(super) right: f64,
}

/// Share of in-scope rows that are exactly right.
pub(super) fn accuracy(rows: &[&Known]) -> Option<f64> {
    share(rows.iter().filter(|row| row.in_scope()).map(|row| row.right()))
}

/// The share of what holds; none of nothing.
pub(super) fn share(of: impl Iterator<Item = bool>) -> Option<f64> {
    let (mut hold, mut all) = (0_u32, 0_u32);
    for holds in of {
        all += 1;
        hold += u32::from(holds);
    }
    (all > 0).then(|| f64::from(hold) / f64::from(all))
}

/// What an out-of-scope row weighs, so that they are a fifth of the traffic; nothing without any.
pub(super) fn oos_weight(rows: &[&Known]) -> f64 {
    let inside = count(rows.iter().filter(|row| row.in_scope()).count());
    let outside = count(rows.len()) - inside;
    if outside == 0.0 { 0.0 } else { inside * OOS_SHARE / (1.0 - OOS_SHARE) / outside }
}

/// The lowest confidence at and above which 99 % of the answers are right; rows out of scope count with a weight.
pub(super) fn threshold(rows: &[&Known], oos_weight: f64) -> Option<f64> {
    let mut rows: Vec<_> = rows.iter().filter(|row| row.in_scope() || oos_weight > 0.0).collect();
    rows.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let (mut right, mut all, mut lowest) = (0.0, 0.0, None);
    for (i, row) in rows.iter().enumerate() {
        all += if row.in_scope() { 1.0 } else { oos_weight };
        right += f64::from(u8::from(row.right()));
        // Answers that are equally sure are accepted together.
        let last_of_equals = rows.get(i + 1).is_none_or(|next| next.confidence < row.confidence);
        if last_of_equals && right >= WANTED * all - 1e-9 {
            lowest = Some(row.confidence);
        }
    }
    lowest
}

/// The share of in-scope rows at or above a confidence, and how many of all accepted ones are right.
pub(super) fn selected(rows: &[&Known], tau: f64, oos_weight: f64) -> (Option<f64>, Option<f64>) {
    let (mut inside, mut accepted, mut right, mut errors) = (0.0, 0.0, 0.0, 0.0);
    for row in rows {
        let taken = row.confidence >= tau;
        if row.in_scope() {
            inside += 1.0;
            accepted += f64::from(u8::from(taken));
            right += f64::from(u8::from(taken && row.right()));
        } else if taken {
            errors += oos_weight;
        }
    }
    let coverage = (inside > 0.0).then(|| accepted / inside);
    let selective = (accepted + errors > 0.0).then(|| right / (accepted + errors));
    (coverage, selective)
}

/// The share of in-scope rows that the router decided by itself, and how many of all that it decided are right.
pub(super) fn decided(rows: &[&Known]) -> (Option<f64>, Option<f64>) {
    let inside = rows.iter().filter(|row| row.in_scope());
    let decided = rows.iter().filter(|row| row.decided);
    (share(inside.map(|row| row.decided)), share(decided.map(|row| row.right())))
}

/// How well confidence tells rows that are for somebody from those that are not: the area under the ROC curve.
pub(super) fn oos_auroc(rows: &[&Known]) -> Option<f64> {
    let mut sorted: Vec<_> = rows.iter().map(|row| (row.confidence, row.in_scope())).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins, mut inside) = (0.0, 0.0, 0.0);
    for equals in sorted.chunk_by(|a, b| a.0 == b.0) {
        let outside = count(equals.iter().filter(|(_, in_scope)| !in_scope).count());
        let here = count(equals.len()) - outside;
        wins += here * (below + outside / 2.0);
        below += outside;
        inside += here;
    }
    (below > 0.0 && inside > 0.0).then(|| wins / (below * inside))
}

/// In-scope answers by confidence.
pub(super) fn bins(rows: &[&Known]) -> Vec<Bin> {
    let width = 1.0 / count(BINS);
    let mut bins: Vec<Bin> = (0..BINS)
        .map(|i| Bin {
            from: count(i) * width,
            to: count(i + 1) * width,
            rows: 0,
            confidence: 0.0,
            right: 0.0,
        })
        .collect();
    for row in rows.iter().filter(|row| row.in_scope()) {
        let bin = bins.iter().position(|bin| row.confidence < bin.to).unwrap_or(BINS - 1);
        bins[bin].rows += 1;
        bins[bin].confidence += row.confidence;
        bins[bin].right += f64::from(u8::from(row.right()));
    }
    for bin in bins.iter_mut().filter(|bin| bin.rows > 0) {
        bin.confidence /= count(bin.rows);
        bin.right /= count(bin.rows);
    }
    bins
}

/// The expected calibration error.
pub(super) fn ece(bins: &[Bin]) -> Option<f64> {
    let all = count(bins.iter().map(|bin| bin.rows).sum());
    let off = bins.iter().map(|bin| (bin.confidence - bin.right).abs() * count(bin.rows)).sum::<f64>();
    (all > 0.0).then(|| off / all)
}

/// The mean of the labels' F1.
pub(super) fn macro_f1(rows: &[&Known]) -> Option<f64> {
    let mut counts: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.in_scope()) {
        for label in &row.truth {
            let found = row.said.contains(label);
            counts.entry(label).or_default()[if found { 0 } else { 1 }] += 1.0;
        }
        for label in row.said.iter().filter(|label| !row.truth.contains(label)) {
            counts.entry(label).or_default()[2] += 1.0;
        }
    }
    let of_truth = counts.values().filter(|[hit, missed, _]| hit + missed > 0.0);
    let f1: Vec<f64> =
        of_truth.map(|[hit, missed, wrong]| 2.0 * hit / (2.0 * hit + missed + wrong)).collect();
    mean(&f1)
}

/// Of rows for several agents: how much of both sets is in both.
pub(super) fn jaccard(rows: &[&Known]) -> Option<f64> {
    let of = |row: &&&Known| {
        let both = row.truth.iter().filter(|label| row.said.contains(label)).count();
        count(both) / count(row.truth.len() + row.said.len() - both)
    };
    mean(&rows.iter().filter(|row| row.truth.len() > 1).map(|row| of(&row)).collect::<Vec<_>>())
}

/// A quantile of sorted numbers.
pub(super) fn quantile(sorted: &[f64], at: f64) -> Option<f64> {
    let rank = (at * count(sorted.len())).ceil().max(1.0);
    sorted.iter().enumerate().find(|(i, _)| count(i + 1) >= rank).map(|(_, value)| *value)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count(values.len()))
}

pub(super) fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(truth: &str, said: &str, confidence: f64) -> Known {
        let labels = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        Known {
            truth: labels(truth),
            said: labels(said),
            confidence,
            decided: true,
            lang: String::new(),
            previous: None,
        }
    }

    fn refs(rows: &[Known]) -> Vec<&Known> {
        rows.iter().collect()
    }

    #[test]
    fn accuracy_leaves_out_what_is_for_nobody() {
        let rows =
            [known("a", "a", 0.9), known("a", "b", 0.8), known("", "a", 0.7), known("a b", "a b", 0.6)];
        assert_eq!(accuracy(&refs(&rows)), Some(2.0 / 3.0));
        assert_eq!(accuracy(&[]), None);
        assert_eq!(jaccard(&refs(&rows)), Some(1.0));
    }

    #[test]
    fn the_threshold_is_the_lowest_that_keeps_the_promise() {
        let mut rows: Vec<_> = (0..200).map(|i| known("a", "a", 1.0 - f64::from(i) / 1000.0)).collect();
        rows[100].said = vec!["b".into()];
        assert_eq!(threshold(&refs(&rows), 0.0), Some(rows[199].confidence));
        rows[150].said = vec!["b".into()];
        rows[160].said = vec!["b".into()];
        assert_eq!(threshold(&refs(&rows), 0.0), Some(rows[149].confidence));
        rows[0].said = vec!["b".into()];
        assert_eq!(threshold(&refs(&rows[..50]), 0.0), None);
    }

    #[test]
    fn accepted_rows_for_nobody_are_errors() {
        let rows = [known("a", "a", 0.9), known("a", "a", 0.8), known("", "a", 0.85), known("a", "a", 0.2)];
        let weight = oos_weight(&refs(&rows));
        assert!((weight - 0.75).abs() < 1e-9);
        assert_eq!(selected(&refs(&rows), 0.5, 0.0), (Some(2.0 / 3.0), Some(1.0)));
        let (_, selective) = selected(&refs(&rows), 0.5, weight);
        assert!((selective.unwrap() - 2.0 / 2.75).abs() < 1e-9);
        assert_eq!(threshold(&refs(&rows), weight), Some(0.9));
        assert_eq!(oos_auroc(&refs(&rows)), Some(1.0 / 3.0));
    }

    #[test]
    fn calibration_error_is_how_far_confidence_is_from_the_truth() {
        let rows: Vec<_> = (0..10).map(|i| known("a", if i < 8 { "a" } else { "b" }, 0.9)).collect();
        assert!((ece(&bins(&refs(&rows))).unwrap() - 0.1).abs() < 1e-9);
        let f1 = macro_f1(&refs(&rows)).unwrap();
        assert!((f1 - 16.0 / 18.0).abs() < 1e-9);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.99), Some(4.0));
    }
}
