//! Two opinions made one, and how much each counts, for each language apart.

use crate::route::combine::{self, Case, Start};
use std::collections::BTreeMap;

/// A share is never less, so that one opinion alone cannot rule a class out.
const LEAST: f64 = 1e-6;
/// The weights before anything is learned, and how far they may easily go.
const START: [Start; 2] = [Start { weight: 0.5, spread: 1.0 }; 2];
/// How far a language's weights easily go from those of all languages: a few messages must not decide alone.
const SPREAD: f64 = 0.3;

/// How much each opinion counts. Together they need not be one: two that agree make it surer than each alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Weight {
    pub(crate) lexical: f64,
    pub(crate) embedded: f64,
}

impl Weight {
    /// The words alone.
    const WORDS: Self = Self { lexical: 1.0, embedded: 0.0 };
}

/// The normalised product of both opinions, each to the power of its weight.
pub(crate) fn combine(lexical: &[f64], embedded: &[f64], weight: Weight) -> Vec<f64> {
    combine::shares(&scores(lexical, embedded), lexical.len(), &[weight.lexical, weight.embedded])
}

fn scores(lexical: &[f64], embedded: &[f64]) -> Vec<f32> {
    #[allow(clippy::cast_possible_truncation, reason = "a logarithm of a share needs no more digits")]
    let score = |share: &f64| share.max(LEAST).ln() as f32;
    lexical.iter().chain(embedded).map(score).collect()
}

/// What both models say about a message that neither has learned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldOut<'a> {
    /// None: it cannot be told.
    pub(crate) language: Option<&'a str>,
    pub(crate) class: usize,
    pub(crate) lexical: &'a [f64],
    pub(crate) embedded: &'a [f64],
}

/// The opinions' weights, by language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weights {
    overall: Weight,
    by_language: BTreeMap<String, Weight>,
}

impl Weights {
    /// Finds the weights under which the held-out messages surprise least.
    pub(crate) fn fit(held_out: &[HeldOut<'_>]) -> Self {
        let classes = held_out.first().map_or(0, |row| row.lexical.len());
        if classes == 0 {
            return Self { overall: Weight::WORDS, by_language: BTreeMap::new() };
        }
        let mut by_language: BTreeMap<String, Vec<Case>> = BTreeMap::new();
        let mut all = Vec::with_capacity(held_out.len());
        for row in held_out {
            let case = Case { scores: scores(row.lexical, row.embedded), class: row.class, weight: 1.0 };
            if let Some(language) = row.language {
                by_language.entry(language.to_owned()).or_default().push(case.clone());
            }
            all.push(case);
        }
        let overall = learned(&all, classes, START);
        let near = [overall.lexical, overall.embedded].map(|weight| Start { weight, spread: SPREAD });
        let by_language =
            by_language.into_iter().map(|(language, cases)| (language, learned(&cases, classes, near)));
        Self { overall, by_language: by_language.collect() }
    }

    /// The weights for a message. In a language without examples the embedder's worth is not known, and it does not
    /// count, unless `knows` has it; where the language could not be told, those of all languages hold.
    pub(crate) fn of(&self, language: Option<&str>, knows: impl Fn(&str) -> bool) -> Weight {
        match language {
            Some(language) => match self.by_language.get(language) {
                Some(learned) => *learned,
                None if knows(language) => self.overall,
                None => Weight::WORDS,
            },
            None => self.overall,
        }
    }
}

fn learned(cases: &[Case], classes: usize, start: [Start; 2]) -> Weight {
    match *combine::learn(cases, classes, &start) {
        // What speaks against the right agents is no opinion.
        [lexical, embedded] if embedded > 0.0 && lexical > 0.0 => Weight { lexical, embedded },
        [lexical, embedded] if embedded > lexical => Weight { lexical: 0.0, embedded },
        _ => Weight::WORDS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: [f64; 2] = [0.9, 0.1];
    const WRONG: [f64; 2] = [0.1, 0.9];

    fn rows(
        language: &'static str,
        count: usize,
        lexical: &'static [f64],
        embedded: &'static [f64],
    ) -> Vec<HeldOut<'static>> {
        vec![HeldOut { language: Some(language), class: 0, lexical, embedded }; count]
    }

    #[test]
    fn the_ends_are_the_opinions_themselves() {
        let close = |a: Vec<f64>, b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        let weight = |lexical, embedded| Weight { lexical, embedded };
        assert!(close(combine(&RIGHT, &WRONG, Weight::WORDS), RIGHT));
        assert!(close(combine(&RIGHT, &WRONG, weight(0.0, 1.0)), WRONG));
        assert!(close(combine(&[0.8, 0.2], &[0.2, 0.8], weight(0.5, 0.5)), [0.5, 0.5]));
        assert!(combine(&[1.0, 0.0], &[0.0, 1.0], weight(0.5, 0.5)).iter().all(|share| share.is_finite()));
    }

    /// One opinion is right 9 times of 10, the other as often as not.
    fn knowing(language: &'static str, count: usize, words_know: bool) -> Vec<HeldOut<'static>> {
        let opinion = |right: bool| if right { &RIGHT[..] } else { &WRONG[..] };
        let row = |i: usize| {
            let (known, unknown) = (opinion(!i.is_multiple_of(10)), opinion(i % 4 < 2));
            let (lexical, embedded) = if words_know { (known, unknown) } else { (unknown, known) };
            HeldOut { language: Some(language), class: 0, lexical, embedded }
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn a_language_where_it_does_not_help_gives_it_no_weight() {
        let mut held_out = knowing("en", 200, false);
        held_out.extend(knowing("sv", 200, true));
        let weights = Weights::fit(&held_out);
        let (en, sv) = (weights.of(Some("en"), |_| false), weights.of(Some("sv"), |_| false));
        assert!(en.embedded > 4.0 * en.lexical, "{en:?}");
        assert!(sv.lexical > 4.0 * sv.embedded, "{sv:?}");
        assert_eq!(weights.of(Some("fi"), |_| false), Weight::WORDS, "nothing is known of it there");
        assert_eq!(weights.of(Some("fr"), |language| language == "fr"), weights.of(None, |_| false));
        assert!(weights.of(None, |_| false).embedded > 0.0);
    }

    #[test]
    fn a_few_messages_of_a_language_do_not_decide_alone() {
        let mut held_out = knowing("en", 400, false);
        held_out.extend(rows("sv", 2, &RIGHT, &WRONG));
        assert!(Weights::fit(&held_out).of(Some("sv"), |_| false).embedded > 0.3);
        assert_eq!(Weights::fit(&[]).of(None, |_| true), Weight::WORDS);
    }
}
