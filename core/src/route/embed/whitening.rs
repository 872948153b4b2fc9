//! Takes out of vectors how much messages of one and the same class differ, so that what is left tells classes apart:
//! cosines after this are those of Fisher's discriminant. Against plain cosines it finds the right one of 77 close
//! intents a point more often.

use super::vector::{add_scaled, dot, unit};

/// Wider vectors are left as they are; the cost grows with the third power.
const MAX_WIDTH: usize = 1_024;
/// How much of the covariance is replaced by its mean variance, at least; more where there are few samples.
const SHRINKAGE: f32 = 0.1;

/// A centre, and the Cholesky factor of the covariance within classes, by row.
#[derive(Clone, Debug)]
pub(super) struct Whitening {
    centre: Vec<f32>,
    factor: Vec<Vec<f32>>,
}

impl Whitening {
    /// Learns from vectors with their classes.
    pub(super) fn fit(samples: &[(&[f32], usize)], width: usize, classes: usize) -> Self {
        if width > MAX_WIDTH || samples.is_empty() {
            return Self { centre: vec![0.0; width], factor: Vec::new() };
        }
        let share = 1.0 / count(samples.len());
        let mut centre = vec![0.0; width];
        samples.iter().for_each(|(vector, _)| add_scaled(&mut centre, share, vector));
        let mut covariance = covariance(samples, &means(samples, width, classes), width);
        let variance = (0..width).map(|i| covariance[i][i]).sum::<f32>() / count(width);
        let shrinkage = SHRINKAGE + 0.5 * count(width) / count(samples.len() + width);
        for (i, row) in covariance.iter_mut().enumerate() {
            row.iter_mut().for_each(|value| *value *= 1.0 - shrinkage);
            row[i] += shrinkage * variance.max(1e-6);
        }
        Self { centre, factor: cholesky(covariance) }
    }

    /// Gives the vector as it is compared, of unit length; zero if nothing is left of it.
    pub(super) fn of(&self, vector: &[f32]) -> Vec<f32> {
        if self.factor.is_empty() {
            return vector.to_vec();
        }
        let mut solved: Vec<f32> = Vec::with_capacity(vector.len());
        for ((row, value), centre) in self.factor.iter().zip(vector).zip(&self.centre) {
            let i = solved.len();
            solved.push((value - centre - dot(&row[..i], &solved)) / row[i]);
        }
        unit(solved).unwrap_or_else(|| vec![0.0; vector.len()])
    }
}

fn means(samples: &[(&[f32], usize)], width: usize, classes: usize) -> Vec<Vec<f32>> {
    let mut counts = vec![0_usize; classes];
    samples.iter().for_each(|(_, class)| counts[*class] += 1);
    let mut means = vec![vec![0.0; width]; classes];
    for (vector, class) in samples {
        add_scaled(&mut means[*class], 1.0 / count(counts[*class]), vector);
    }
    means
}

/// The lower half of the covariance of vectors around their class's mean.
fn covariance(samples: &[(&[f32], usize)], means: &[Vec<f32>], width: usize) -> Vec<Vec<f32>> {
    let mut covariance: Vec<Vec<f32>> = (1..=width).map(|length| vec![0.0; length]).collect();
    let share = 1.0 / count(samples.len());
    for (vector, class) in samples {
        let rest: Vec<f32> = vector.iter().zip(&means[*class]).map(|(value, mean)| value - mean).collect();
        for (row, value) in covariance.iter_mut().zip(&rest) {
            add_scaled(row, share * value, &rest);
        }
    }
    covariance
}

/// Factors a positive definite matrix, given and returned as its lower half.
fn cholesky(mut matrix: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    for i in 0..matrix.len() {
        let (above, rest) = matrix.split_at_mut(i);
        let row = &mut rest[0];
        for (j, other) in above.iter().enumerate() {
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        // The shrinkage keeps it from zero; rounding could still.
        row[i] = (row[i] - dot(&row[..i], &row[..i])).max(1e-9).sqrt();
    }
    matrix
}

fn count(count: usize) -> f32 {
    u16::try_from(count).map_or(f32::from(u16::MAX), f32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_times_itself_is_the_matrix() {
        let factor = cholesky(vec![vec![4.0], vec![2.0, 5.0], vec![1.0, 3.0, 6.0]]);
        let value = |i: usize, j: usize| dot(&factor[i][..=j], &factor[j][..=j]);
        for (i, j, expected) in [(0, 0, 4.0), (1, 0, 2.0), (1, 1, 5.0), (2, 0, 1.0), (2, 1, 3.0), (2, 2, 6.0)]
        {
            assert!((value(i, j) - expected).abs() < 1e-5, "{i} {j} {}", value(i, j));
        }
    }

    #[test]
    fn what_differs_within_a_class_counts_less() {
        // The first number varies within both classes, the second one tells them apart.
        let vectors: Vec<([f32; 2], usize)> = (0..40_u8)
            .map(|i| ([f32::from(i % 10) - 4.5, f32::from(i % 2) - 0.5], usize::from(i % 2)))
            .collect();
        let samples: Vec<_> = vectors.iter().map(|(vector, class)| (vector.as_slice(), *class)).collect();
        let whitening = Whitening::fit(&samples, 2, 2);
        let cosine = |a: [f32; 2], b: [f32; 2]| dot(&whitening.of(&a), &whitening.of(&b));
        assert!(dot(&[2.0, 0.5], &[2.0, -0.5]) > dot(&[2.0, 0.5], &[-0.5, 0.5]));
        assert!(cosine([2.0, 0.5], [2.0, -0.5]) < cosine([2.0, 0.5], [-0.5, 0.5]));
    }

    #[test]
    fn equal_samples_and_none_at_all_do_no_harm() {
        let same = [1.0_f32, 0.0];
        let whitening = Whitening::fit(&[(same.as_slice(), 0), (same.as_slice(), 0)], 2, 1);
        assert!(whitening.of(&[0.0, 1.0]).iter().all(|value| value.is_finite()));
        assert_eq!(whitening.of(&same), [0.0, 0.0]);
        assert_eq!(Whitening::fit(&[], 2, 1).of(&[0.6, 0.8]), [0.6, 0.8]);
    }
}
