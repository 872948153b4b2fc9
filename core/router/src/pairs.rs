//! Messages for two agents, learned without any grammar: from pairs of examples put together, of two agents and of one.

use crate::{
    chance::Chance,
    combine::{self, Views},
    learning::Text,
    matrix::narrow,
};

/// So many pairs of two agents are drawn, and as many of one: each costs as much as a message.
const PAIRS: usize = 120;
/// Fewer pairs teach nothing.
const FEWEST: usize = 20;

/// Two examples that are put together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair(usize, usize);

impl Pair {
    pub(crate) fn members(self) -> [usize; 2] {
        [self.0, self.1]
    }

    pub(crate) fn joined(self, texts: &[Text<'_>]) -> String {
        format!("{}\n{}", texts[self.0].text, texts[self.1].text)
    }

    fn is_of_two(self, texts: &[Text<'_>]) -> bool {
        texts[self.0].class != texts[self.1].class
    }
}

/// Draws pairs in one language, of two agents and of one in turn; always the same.
pub(crate) fn draw(texts: &[Text<'_>], agents: usize) -> Vec<Pair> {
    let messages: Vec<usize> =
        (0..texts.len()).filter(|i| texts[*i].is_message && texts[*i].class < agents).collect();
    let mut pairs = Vec::new();
    let mut random = 1_u64;
    let mut below = |bound: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap_or_default() % bound
    };
    for i in 0..if messages.len() < FEWEST { 0 } else { 2 * PAIRS } {
        let one = messages[below(messages.len())];
        let fits = |other: &usize| {
            let (one, other) = (&texts[one], &texts[*other]);
            (one.class == other.class) == (i % 2 == 1) && one.text != other.text && one.speaks_like(other)
        };
        // A few tries are enough to find a partner where there are some.
        let partner = (0..PAIRS).map(|_| messages[below(messages.len())]).find(fits);
        pairs.extend(partner.map(|other| Pair(one, other)));
    }
    pairs
}

/// When a message is for the two likeliest agents.
#[derive(Debug)]
pub(crate) struct Several {
    weights: Vec<f64>,
    pub(crate) chance: Chance,
}

impl Several {
    /// Learns from what is said of pairs that were left out, and of single examples, most of which are for one.
    pub(crate) fn learn(
        pairs: &[Pair],
        means: &[Vec<f64>],
        singles: &[Vec<f64>],
        texts: &[Text<'_>],
    ) -> Option<Self> {
        let of_two = pairs.iter().filter(|pair| pair.is_of_two(texts)).count();
        if of_two < FEWEST || pairs.len() - of_two < FEWEST {
            return None;
        }
        let cases =
            pairs.iter().zip(means).map(|(pair, means)| (views(means), usize::from(pair.is_of_two(texts))));
        let singles = singles.iter().map(|means| (views(means), 0));
        let weights = combine::learn(&cases.chain(singles).collect::<Vec<_>>(), &[1.0; 4]);
        let mut several = Self { weights, chance: Chance::default() };
        let judged = pairs.iter().zip(means).filter_map(|(pair, means)| {
            let two = several.chance_of_two(means);
            let right = [texts[pair.0].class, texts[pair.1].class];
            (two > 0.5).then(|| {
                (two, pair.is_of_two(texts) && likeliest(means).iter().all(|class| right.contains(class)))
            })
        });
        let judged = judged.collect();
        several.chance = Chance::learn(judged);
        Some(several)
    }

    /// How likely a message is for the two likeliest, and not for one.
    pub(crate) fn chance_of_two(&self, means: &[f64]) -> f64 {
        combine::shares(&views(means), &self.weights)[1]
    }
}

/// What speaks for two agents: that a second one scores much; and for one: that others do as well, or hardly any.
fn views(means: &[f64]) -> Views {
    let [first, second] = likeliest(means);
    let others = (0..means.len()).filter(|class| ![first, second].contains(class));
    let third = others.map(|class| means[class]).fold(0.0, f64::max);
    vec![
        vec![0.0, narrow(means[second])],
        vec![narrow(third), 0.0],
        vec![narrow(means[first]), 0.0],
        vec![1.0, 0.0],
    ]
}

/// The likeliest class.
pub(crate) fn best(shares: &[f64]) -> usize {
    likeliest(shares)[0]
}

/// The two likeliest classes; the same one twice where there is only one.
pub(crate) fn likeliest(shares: &[f64]) -> [usize; 2] {
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|one, other| shares[*other].total_cmp(&shares[*one]));
    let first = order.first().copied().unwrap_or_default();
    [first, order.get(1).copied().unwrap_or(first)]
}
