//! A choice among agents without examples: whose description is nearest to the message?

use super::{
    regression::softmax,
    vector::{add_scaled, dot},
};

/// Differences of cosines that make one agent e times as likely; found on registries of sixteen tools.
const TEMPERATURE: f32 = 0.05;

/// The agents' descriptions, each as a vector of unit length at most.
#[derive(Clone, Debug)]
pub(crate) struct Descriptions(Vec<Vec<f32>>);

impl Descriptions {
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|vector| size_of::<Vec<f32>>() + vector.capacity() * size_of::<f32>()).sum()
    }

    /// Of each agent several vectors, which count by their weights.
    pub(crate) fn new(ways: &[Vec<f32>], weights: &[f32]) -> Self {
        let all: f32 = weights.iter().sum();
        let mean = |ways: &[Vec<f32>]| {
            let mut mean = vec![0.0; ways.first().map_or(0, Vec::len)];
            ways.iter().zip(weights).for_each(|(way, weight)| add_scaled(&mut mean, weight / all, way));
            mean
        };
        Self(ways.chunks_exact(weights.len().max(1)).map(mean).collect())
    }

    /// How near each agent is.
    pub(crate) fn cosines(&self, vector: &[f32]) -> Vec<f64> {
        self.nearness(vector).into_iter().map(f64::from).collect()
    }

    /// How likely each agent is, if it is for one of them. The cosines tell whether it is.
    pub(crate) fn score(&self, vector: &[f32]) -> Vec<f64> {
        let mut shares = self.nearness(vector);
        softmax(&mut shares, TEMPERATURE);
        shares.into_iter().map(f64::from).collect()
    }

    fn nearness(&self, vector: &[f32]) -> Vec<f32> {
        self.0.iter().map(|of| dot(of, vector)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_description_is_the_likeliest() {
        let of = Descriptions::new(&[vec![0.0, 1.0], vec![0.8, 0.6], vec![1.0, 0.0]], &[1.0]);
        assert_eq!(of.cosines(&[0.0, 1.0])[0], 1.0);
        let shares = of.score(&[0.0, 1.0]);
        assert!(shares[0] > 0.9 && shares[0] > shares[1] && shares[1] > shares[2], "{shares:?}");
    }
}
