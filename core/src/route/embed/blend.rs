//! Two opinions made one, and how much the second counts, for each language apart.

use std::collections::BTreeMap;

/// Held-out messages of a language, below which its weight leans on that of all languages.
const ENOUGH: f64 = 40.0;
const STEPS: u8 = 20;
/// A share is never less, so that one opinion alone cannot rule a class out.
const LEAST: f64 = 1e-6;

/// The normalised geometric mean: `weight` 0 is the lexical opinion alone, 1 the embedded one alone.
pub(crate) fn combine(lexical: &[f64], embedded: &[f64], weight: f64) -> Vec<f64> {
    let mean = |(l, e): (&f64, &f64)| ((1.0 - weight) * l.max(LEAST).ln() + weight * e.max(LEAST).ln()).exp();
    let mut shares: Vec<f64> = lexical.iter().zip(embedded).map(mean).collect();
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

/// What both models say about a message that neither has learned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldOut<'a> {
    pub(crate) language: &'a str,
    pub(crate) class: usize,
    pub(crate) lexical: &'a [f64],
    pub(crate) embedded: &'a [f64],
}

/// The embedded opinion's weight, by language.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Weights {
    overall: f64,
    by_language: BTreeMap<String, f64>,
}

impl Weights {
    /// Finds the weights under which the held-out messages surprise least.
    pub(crate) fn fit(held_out: &[HeldOut<'_>]) -> Self {
        let mut by_language: BTreeMap<String, Vec<HeldOut<'_>>> = BTreeMap::new();
        for row in held_out {
            by_language.entry(row.language.to_owned()).or_default().push(*row);
        }
        let curves: BTreeMap<String, Curve> =
            by_language.into_iter().map(|(language, rows)| (language, Curve::of(&rows))).collect();
        let all = curves.values().fold(Curve::default(), |sum, curve| sum.plus(curve, 1.0));
        let lean = |curve: &Curve| {
            let missing = (ENOUGH - curve.rows).max(0.0);
            curve.plus(&all, missing / all.rows.max(1.0)).lowest()
        };
        let by_language = curves.iter().map(|(language, curve)| (language.clone(), lean(curve))).collect();
        Self { overall: all.lowest(), by_language }
    }

    /// The weight for a message. In a language without examples the embedder's worth is not known, and it does not
    /// count; where the language could not be told, the weight of all languages does.
    pub(crate) fn of(&self, language: Option<&str>) -> f64 {
        match language {
            Some(language) => self.by_language.get(language).copied().unwrap_or_default(),
            None => self.overall,
        }
    }
}

/// How surprising some messages are under each weight.
#[derive(Clone, Debug, Default)]
struct Curve {
    rows: f64,
    surprise: [f64; STEPS as usize + 1],
}

impl Curve {
    fn of(rows: &[HeldOut<'_>]) -> Self {
        let mut curve = Self::default();
        for row in rows {
            curve.rows += 1.0;
            for (step, surprise) in (0..=STEPS).zip(&mut curve.surprise) {
                let shares = combine(row.lexical, row.embedded, weight_at(step));
                *surprise -= shares[row.class].max(LEAST).ln();
            }
        }
        curve
    }

    fn plus(&self, other: &Self, times: f64) -> Self {
        let mut sum = self.clone();
        sum.rows += times * other.rows;
        sum.surprise.iter_mut().zip(other.surprise).for_each(|(sum, other)| *sum += times * other);
        sum
    }

    /// The smallest of the best weights.
    fn lowest(&self) -> f64 {
        let steps = (0..=STEPS).zip(self.surprise);
        steps.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0.0, |(step, _)| weight_at(step))
    }
}

fn weight_at(step: u8) -> f64 {
    f64::from(step) / f64::from(STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: [f64; 2] = [0.9, 0.1];
    const WRONG: [f64; 2] = [0.2, 0.8];

    fn rows(
        language: &'static str,
        count: usize,
        lexical: &'static [f64],
        embedded: &'static [f64],
    ) -> Vec<HeldOut<'static>> {
        vec![HeldOut { language, class: 0, lexical, embedded }; count]
    }

    #[test]
    fn the_ends_are_the_opinions_themselves() {
        let close = |a: Vec<f64>, b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(close(combine(&RIGHT, &WRONG, 0.0), RIGHT));
        assert!(close(combine(&RIGHT, &WRONG, 1.0), WRONG));
        assert!(close(combine(&[0.8, 0.2], &[0.2, 0.8], 0.5), [0.5, 0.5]));
        assert!(combine(&[1.0, 0.0], &[0.0, 1.0], 0.5).iter().all(|share| share.is_finite()));
    }

    #[test]
    fn a_language_where_it_does_not_help_gives_it_no_weight() {
        let mut held_out = rows("en", 100, &WRONG, &RIGHT);
        held_out.extend(rows("sv", 100, &RIGHT, &WRONG));
        let weights = Weights::fit(&held_out);
        assert_eq!((weights.of(Some("en")), weights.of(Some("sv"))), (1.0, 0.0));
        assert_eq!(weights.of(Some("fi")), 0.0, "nothing is known of it there");
        assert!(weights.of(None) > 0.0);
    }

    #[test]
    fn a_few_messages_of_a_language_do_not_decide_alone() {
        let mut held_out = rows("en", 400, &WRONG, &RIGHT);
        held_out.extend(rows("sv", 2, &RIGHT, &WRONG));
        assert!(Weights::fit(&held_out).of(Some("sv")) > 0.5);
        assert_eq!(Weights::fit(&[]).of(None), 0.0);
    }
}
