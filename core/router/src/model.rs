//! The model: what was learned, and its verdict on a message.

use crate::{
    Doubt, Scored, Vectors, Verdict,
    chance::Chance,
    combine::{self, Views},
    kernels::{BY_ALL, BY_WORDS, Known, Likeness},
    masks::Masks,
    pairs::{self, Several},
    ridge::Ridge,
};

/// How many times as likely an agent of the turn before is as one that was not in it: about the odds with which turns of
/// the SGD dialogues stay with their service. What a message says itself is mostly stronger.
const STAYS: f64 = 6.0;

/// What the agents' texts teach.
#[derive(Debug)]
pub struct Model {
    pub(crate) agents: usize,
    pub(crate) known: Known,
    /// In the order of the views.
    pub(crate) ridges: Vec<Ridge>,
    /// By words, and by all views if there are vectors.
    pub(crate) mixes: Vec<Mix>,
    pub(crate) masks: Masks,
    pub(crate) strange: f32,
}

/// How views become one opinion, and what that is worth.
#[derive(Debug)]
pub(crate) struct Mix {
    pub(crate) weights: Vec<f64>,
    pub(crate) chance: Chance,
    pub(crate) several: Option<Several>,
}

/// A message with what is known around it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Message<'a> {
    /// What was written.
    pub text: &'a str,
    /// The agents of the turn before.
    pub previous: &'a [usize],
}

impl Model {
    /// Judges a message; decides where the chance of being right is at least so much.
    pub fn judge(&self, message: Message<'_>, vectors: Option<&dyn Vectors>, right: f64) -> Verdict {
        if self.agents == 0 {
            return Verdict::Open {
                best: Vec::new(),
                chance: 0.0,
                doubts: vec![Doubt::NoAgents],
                scored: Vec::new(),
            };
        }
        let likeness = self.known.likeness(&self.masks.apply(message.text), vectors);
        let by_all = likeness.meaning.is_some() && self.mixes.len() > 1;
        let mix = &self.mixes[usize::from(by_all)];
        let views = self.views(&likeness, by_all);
        let mut shares = combine::shares(&views, &mix.weights);
        stay(&mut shares, message.previous);
        let two = mix
            .several
            .as_ref()
            .map(|several| (several, several.chance_of_two(&combine::means(&views, &mix.weights))));
        let (agents, chance) = self.choose(mix, &shares, two);
        let mut doubts = Vec::new();
        if agents.is_empty() {
            doubts.push(Doubt::Nobody);
        }
        if !by_all && likeness.words.iter().copied().fold(0.0, f32::max) < self.strange {
            doubts.push(Doubt::Strange);
        }
        if chance < right {
            doubts.push(Doubt::Unsure);
        }
        let scored = self.scored(&shares);
        if doubts.is_empty() {
            Verdict::Decided { agents, chance, scored }
        } else {
            Verdict::Open { best: agents, chance, doubts, scored }
        }
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let mixes: usize = self.mixes.iter().map(|mix| mix.chance.bytes()).sum();
        self.known.bytes() + self.ridges.iter().map(Ridge::bytes).sum::<usize>() + mixes
    }

    fn views(&self, likeness: &Likeness, by_all: bool) -> Views {
        let views = if by_all { BY_ALL } else { BY_WORDS };
        views.iter().zip(&self.ridges).map(|(view, ridge)| ridge.score(&view.kernel(likeness))).collect()
    }

    /// Whom to ask, in the order of the registry, and the chance that this is exactly right.
    fn choose(&self, mix: &Mix, shares: &[f64], two: Option<(&Several, f64)>) -> (Vec<usize>, f64) {
        let [first, second] = pairs::likeliest(shares);
        if let Some((several, two)) = two.filter(|(_, two)| *two > 0.5 && first.max(second) < self.agents) {
            return (vec![first.min(second), first.max(second)], several.chance.of(two));
        }
        if first == self.agents {
            return (Vec::new(), shares[first]);
        }
        (vec![first], mix.chance.of(shares[first] * (1.0 - two.map_or(0.0, |(_, two)| two))))
    }

    fn scored(&self, shares: &[f64]) -> Vec<Scored> {
        let mut scored: Vec<Scored> = shares[..self.agents]
            .iter()
            .enumerate()
            .map(|(agent, share)| Scored { agent, share: *share })
            .collect();
        scored.sort_by(|one, other| other.share.total_cmp(&one.share));
        scored
    }
}

/// Bayes' rule with what the turn before says.
fn stay(shares: &mut [f64], previous: &[usize]) {
    for &agent in previous {
        if let Some(share) = shares.get_mut(agent) {
            *share *= STAYS;
        }
    }
    let all: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= all);
}
