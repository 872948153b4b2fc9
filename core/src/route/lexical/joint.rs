//! Examples that several agents have: a message like them is for all of these together. Every agent is learned by itself
//! (binary relevance; Tsoumakas and Katakis, 2007), so that any number of them may be named.

use super::{
    likeness::Likeness,
    regression::{self, Regression, Texts},
    space::Vector,
};
use crate::route::trust::Trust;

/// From this probability on an agent is one of those that a message is for: the likeliest set.
const ONE_OF_THEM: f64 = 0.5;
/// Newton's steps that the calibration takes; it has two parameters and is convex.
const STEPS: usize = 25;
/// How strongly it is held to even odds, in examples.
const PRIOR: f64 = 1e-3;

/// What is learned where there are such examples.
#[derive(Debug)]
pub(super) struct Joint {
    regression: Regression,
    agents: usize,
    odds: Odds,
    trust: Trust,
}

/// Several agents for one message.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::route) struct Together {
    /// In the order of the roster, each with its probability.
    pub(in crate::route) agents: Vec<(usize, f64)>,
    /// The probability of exactly these.
    pub(in crate::route) share: f64,
    /// How often that is right for examples that were not learned.
    pub(in crate::route) right: f64,
}

impl Joint {
    pub(super) fn bytes(&self) -> usize {
        self.regression.bytes() + self.trust.bytes()
    }

    /// Takes all texts, messages first: of each its class, the last of which is nobody; of each message the first one
    /// that says the same.
    pub(super) fn fit(
        first_said: &[usize],
        classes_of: Vec<usize>,
        vectors: &[Vector],
        likeness: &Likeness,
        classes: usize,
    ) -> Option<Self> {
        let (messages, agents) = (first_said.len(), classes - 1);
        let mut classes_of: Vec<Vec<usize>> = classes_of.into_iter().map(|class| vec![class]).collect();
        let mut distinct = Vec::new();
        let mut shared = false;
        for (i, &first) in first_said.iter().enumerate() {
            let class = classes_of[i][0];
            if first == i {
                distinct.push(i);
            } else if class < agents && !classes_of[first].contains(&class) {
                classes_of[first].push(class);
                shared = true;
            }
        }
        if !shared {
            return None;
        }
        distinct.extend(messages..classes_of.len());
        let fitted = regression::fitted(&distinct);
        let cases = || fitted.iter().copied().enumerate().take_while(|(_, i)| *i < messages);
        let texts = Texts { vectors, likeness, classes_of, messages, classes };
        let (regression, left_out) = Regression::fit(&texts, &fitted);
        let scores = |at: usize| &left_out[at * classes..at * classes + agents];
        let is_for = |i: usize, agent: usize| texts.classes_of[i].contains(&agent);
        let pairs = cases().flat_map(|(at, i)| (0..agents).map(move |agent| (at, i, agent)));
        let truths = pairs.map(|(at, i, agent)| (f64::from(scores(at)[agent]), is_for(i, agent)));
        let odds = Odds::fit(&truths.collect::<Vec<_>>());
        let mut guesses = Vec::new();
        let (mut won, mut lost) = (0, 0);
        for (at, i) in cases() {
            let (named, share) = odds.likeliest(scores(at));
            if named.len() > 1 {
                let truth = &texts.classes_of[i];
                let right = named.len() == truth.len() && named.iter().all(|(agent, _)| is_for(i, *agent));
                won += usize::from(right);
                lost += usize::from(truth.len() == 1);
                guesses.push((share, right));
            }
        }
        // An example that two agents happen to have must not draw what is for one of them.
        if won <= lost {
            return None;
        }
        let trust = Trust::of(guesses);
        Some(Self { regression, agents, odds, trust })
    }

    /// The agents that a message is for, by its likeness to all texts, if they are several.
    pub(super) fn together(&self, likeness: &[f32]) -> Option<Together> {
        let mut scores = vec![0.0; self.agents + 1];
        self.regression.score(likeness, &mut scores);
        let (agents, share) = self.odds.likeliest(&scores[..self.agents]);
        (agents.len() > 1).then(|| Together { agents, share, right: self.trust.right(share) })
    }
}

/// Turns a score into a probability (Platt, 1999).
#[derive(Debug, Clone, Copy, Default)]
struct Odds {
    slope: f64,
    offset: f64,
}

impl Odds {
    fn fit(cases: &[(f64, bool)]) -> Self {
        let mut odds = Self::default();
        for _ in 0..STEPS {
            let (mut g, mut h) = ([PRIOR * odds.slope, PRIOR * odds.offset], [PRIOR, 0.0, PRIOR]);
            for &(score, truth) in cases {
                let p = odds.of(score);
                let (off, curve) = (p - f64::from(u8::from(truth)), p * (1.0 - p));
                g = [g[0] + off * score, g[1] + off];
                h = [h[0] + curve * score * score, h[1] + curve * score, h[2] + curve];
            }
            let det = h[0] * h[2] - h[1] * h[1];
            if det <= 0.0 {
                break;
            }
            odds.slope -= (h[2] * g[0] - h[1] * g[1]) / det;
            odds.offset -= (h[0] * g[1] - h[1] * g[0]) / det;
        }
        odds
    }

    fn of(&self, score: f64) -> f64 {
        1.0 / (1.0 + (-(self.slope * score + self.offset)).exp())
    }

    /// The likeliest set of agents, if each is in it or not whatever the others are; and how likely it is.
    fn likeliest(&self, scores: &[f32]) -> (Vec<(usize, f64)>, f64) {
        let mut named = Vec::new();
        let mut share = 1.0;
        for (agent, score) in scores.iter().enumerate() {
            let p = self.of(f64::from(*score));
            share *= p.max(1.0 - p);
            if p >= ONE_OF_THEM {
                named.push((agent, p));
            }
        }
        (named, share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calibrated_score_is_as_often_right_as_it_says() {
        let often = |score: f64, of_ten: usize| (0..100).map(move |i| (score, i % 10 < of_ten));
        let cases: Vec<_> = often(0.1, 1).chain(often(0.9, 9)).collect();
        let odds = Odds::fit(&cases);
        assert!((odds.of(0.1) - 0.1).abs() < 0.01 && (odds.of(0.9) - 0.9).abs() < 0.01, "{odds:?}");
        let (named, share) = odds.likeliest(&[0.9, 0.1, 0.9]);
        assert_eq!(named.iter().map(|(agent, _)| *agent).collect::<Vec<_>>(), [0, 2]);
        assert!((share - 0.729).abs() < 0.02, "{share}");
    }
}
