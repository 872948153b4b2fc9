//! A choice among agents without examples: whose description is nearest to the message?

use super::{regression::softmax, vector::dot};

/// Differences of cosines that make one agent e times as likely; found on registries of sixteen tools.
const TEMPERATURE: f32 = 0.05;

/// The agents' descriptions, each as vectors of unit length: the whole, and where it helps the sentences.
#[derive(Clone, Debug)]
pub(crate) struct Descriptions(Vec<Vec<Vec<f32>>>);

impl Descriptions {
    pub(crate) fn new(vectors: Vec<Vec<Vec<f32>>>) -> Self {
        Self(vectors)
    }

    /// The largest cosine of each agent; none has a cosine of -1.
    pub(crate) fn cosines(&self, vector: &[f32]) -> Vec<f64> {
        self.nearest(vector).into_iter().map(f64::from).collect()
    }

    /// How likely each agent is, if it is for one of them. The cosines tell whether it is.
    pub(crate) fn score(&self, vector: &[f32]) -> Vec<f64> {
        let mut shares = self.nearest(vector);
        softmax(&mut shares, TEMPERATURE);
        shares.into_iter().map(f64::from).collect()
    }

    fn nearest(&self, vector: &[f32]) -> Vec<f32> {
        let nearest = |of: &Vec<Vec<f32>>| of.iter().map(|of| dot(of, vector)).fold(-1.0, f32::max);
        self.0.iter().map(nearest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_an_agents_descriptions_counts() {
        let of = Descriptions::new(vec![vec![vec![1.0, 0.0], vec![0.0, 1.0]], vec![vec![0.8, 0.6]], vec![]]);
        assert_eq!(of.cosines(&[0.0, 1.0])[0], 1.0);
        let shares = of.score(&[0.0, 1.0]);
        assert!(shares[0] > 0.9 && shares[0] > shares[1] && shares[1] > shares[2], "{shares:?}");
    }
}
