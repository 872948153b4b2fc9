//! How often the router is right where it is at least so sure, from examples that were left out.

/// Where little was left out, the share itself counts as so many examples, and as sure as this at most.
const OWN_OPINION: f64 = 20.0;
const AS_SURE: f64 = 0.95;

/// What was left out, the surest first.
#[derive(Debug, Default)]
pub(crate) struct Chance(Vec<(f64, f64)>);

impl Chance {
    /// Of each left-out example the share of what was chosen, and whether that was right.
    pub(crate) fn learn(mut left_out: Vec<(f64, bool)>) -> Self {
        left_out.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let (mut all, mut right) = (OWN_OPINION, OWN_OPINION * AS_SURE);
        let mut steps: Vec<(f64, f64)> = Vec::with_capacity(left_out.len());
        for (share, is_right) in left_out {
            all += 1.0;
            right += f64::from(u8::from(is_right));
            match steps.last_mut().filter(|(last, _)| *last <= share) {
                Some((_, chance)) => *chance = right / all,
                None => steps.push((share, right / all)),
            }
        }
        // Who is surer is no less likely right.
        let mut least = 0.0_f64;
        for (_, chance) in steps.iter_mut().rev() {
            least = least.max(*chance);
            *chance = least;
        }
        Self(steps)
    }

    /// The chance of being right with such a share.
    pub(crate) fn of(&self, share: f64) -> f64 {
        let surer = self.0.partition_point(|(left_out, _)| *left_out > share);
        match self.0.get(surer).or(self.0.last()) {
            Some((_, chance)) => *chance,
            None => share,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<(f64, f64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_are_right_most_often() {
        let left_out = (0..1000).map(|i| (f64::from(i) / 1000.0, i > 500 || i % 2 == 0)).collect();
        let chance = Chance::learn(left_out);
        assert!(chance.of(0.9) > 0.98 && chance.of(0.2) < 0.85, "{} {}", chance.of(0.9), chance.of(0.2));
        assert!(chance.of(0.7) >= chance.of(0.6));
    }

    #[test]
    fn a_few_right_ones_do_not_suffice() {
        assert!(Chance::learn(vec![(0.99, true); 20]).of(0.99) < 0.98);
        assert!((Chance::default().of(0.7) - 0.7).abs() < 1e-9, "nothing left out: its own opinion");
    }
}
