//! How often the local model is right where it is so sure (the risk-coverage curve of selective classification; Geifman
//! and El-Yaniv, 2017), by what it says of examples that it has not learned. A share is only the model's own opinion.

use super::guess::best;

/// The model's own opinion counts as so many examples, so that a few that happen to be right do not prove anything ...
const OPINION: f64 = 20.0;
/// ... and so many of these at most are right, however sure it is: it takes some eighty more to show 99 of 100.
const SUREST: f64 = 0.95;

/// What is learned.
#[derive(Debug, Default)]
pub(super) enum Trust {
    /// There are descriptions alone: the share itself is all that there is.
    #[default]
    Opinion,
    /// The curve: at and above a share, so many are right. Both rise.
    Curve(Vec<(f64, f64)>),
}

impl Trust {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Opinion => 0,
            Self::Curve(curve) => curve.capacity() * size_of::<(f64, f64)>(),
        }
    }

    /// Learns it from the shares of messages that were not learned, each with the class that alone is right for it, if
    /// one is; the last class is nobody.
    pub(super) fn learn<'a>(held_out: impl Iterator<Item = (Option<usize>, &'a [f64])>) -> Self {
        let guess = |(class, shares): (Option<usize>, &[f64])| {
            let (agents, none) = shares.split_at(shares.len().checked_sub(1)?);
            let (agent, share) = best(agents).filter(|(_, share)| *share >= none[0])?;
            Some((share, class == Some(agent)))
        };
        let mut held_out = held_out.peekable();
        if held_out.peek().is_none() {
            return Self::Opinion;
        }
        Self::of(held_out.filter_map(guess).collect())
    }

    /// Learns it from how sure the guesses were, and whether they were right.
    pub(super) fn of(mut guesses: Vec<(f64, bool)>) -> Self {
        guesses.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut all, mut shares, mut right) = (0.0, 0.0, 0.0);
        let mut from_above = Vec::with_capacity(guesses.len());
        // What is equally sure is trusted together.
        for equals in guesses.chunk_by(|a, b| a.0 == b.0) {
            for (share, is_right) in equals {
                all += 1.0;
                shares += share;
                right += f64::from(u8::from(*is_right));
            }
            from_above.push((equals[0].0, (right + OPINION * (shares / all).min(SUREST)) / (all + OPINION)));
        }
        let mut curve: Vec<(f64, f64)> = Vec::new();
        for (share, right) in from_above.into_iter().rev() {
            if curve.last().is_none_or(|last| right > last.1) {
                curve.push((share, right));
            }
        }
        Self::Curve(curve)
    }

    /// How many of the messages with such a share or a greater one are right.
    pub(super) fn right(&self, share: f64) -> f64 {
        match self {
            Self::Opinion => share,
            // Of the examples none was given to an agent: there is nothing to go by but the model's own opinion.
            Self::Curve(curve) if curve.is_empty() => share.min(SUREST),
            Self::Curve(curve) => {
                // Below the least sure of them it is no better than all of them are.
                let below = curve.partition_point(|(from, _)| *from <= share);
                curve[below.saturating_sub(1)].1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a share of 0.9 on all are right, below a half; as many of each.
    fn trust(count: usize) -> Trust {
        let rows: Vec<(usize, [f64; 3])> = (0..count)
            .flat_map(|i| [(0, [0.99, 0.005, 0.005]), (i % 2, [0.6, 0.2, 0.2]), (2, [0.1, 0.2, 0.7])])
            .collect();
        Trust::learn(rows.iter().map(|(class, shares)| (Some(*class), shares.as_slice())))
    }

    #[test]
    fn it_takes_some_eighty_examples_to_show_99_of_100() {
        let right = |count: usize| Trust::of(vec![(0.999, true); count]).right(0.999);
        assert!(right(79) < 0.99 && right(81) > 0.99, "{} {}", right(79), right(81));
    }

    #[test]
    fn it_is_trusted_as_far_as_it_was_right() {
        let trust = trust(500);
        assert!(trust.right(0.995) > 0.99 && trust.right(0.99) > 0.99, "{trust:?}");
        assert!((trust.right(0.7) - 0.75).abs() < 0.02, "{trust:?}");
        assert!((trust.right(0.3) - trust.right(0.6)).abs() < 1e-9, "{trust:?}");
    }

    #[test]
    fn a_few_examples_prove_little_and_none_nothing() {
        let rows = [(0, [1.0, 0.0]), (0, [0.9, 0.1])];
        let trust = Trust::learn(rows.iter().map(|(class, shares)| (Some(*class), shares.as_slice())));
        assert!((0.95..0.97).contains(&trust.right(0.9)), "{trust:?}");
        assert!((Trust::default().right(0.999) - 0.999).abs() < 1e-9);
        let nobodys = Trust::learn(std::iter::once((Some(0), [0.1, 0.9].as_slice())));
        assert!(nobodys.right(0.999) < 0.96 && (nobodys.right(0.5) - 0.5).abs() < 1e-9, "{nobodys:?}");
    }
}
