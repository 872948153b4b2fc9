//! Arithmetic on vectors.

/// The mean over the rows of `width` numbers each.
pub(super) fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0_f32; width];
    let mut count = 0.0_f32;
    for row in rows.chunks_exact(width.max(1)) {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value);
        count += 1.0;
    }
    mean.iter_mut().for_each(|mean| *mean /= count.max(1.0));
    mean
}

/// Brings a vector to unit length; none if it has no direction.
pub(super) fn unit(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = dot(&vector, &vector).sqrt();
    if !length.is_finite() || length < 1e-12 {
        return None;
    }
    vector.iter_mut().for_each(|value| *value /= length);
    Some(vector)
}

/// The scalar product, which is the cosine for vectors of unit length. Sixteen sums at once, since the compiler may not
/// reorder a single one into vector instructions.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let (a_blocks, b_blocks) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        for i in 0..16 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// Adds `scale` times the other vector.
pub(super) fn add_scaled(to: &mut [f32], scale: f32, vector: &[f32]) {
    to.iter_mut().zip(vector).for_each(|(to, value)| *to += scale * value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_rows_is_taken_by_column() {
        assert_eq!(mean(&[1.0, 2.0, 3.0, 6.0], 2), [2.0, 4.0]);
        assert_eq!(mean(&[], 2), [0.0, 0.0]);
    }

    #[test]
    fn a_vector_without_direction_has_no_unit() {
        assert_eq!(unit(vec![3.0, 4.0]), Some(vec![0.6, 0.8]));
        assert_eq!(unit(vec![0.0, 0.0]), None);
        assert_eq!(unit(vec![f32::NAN, 1.0]), None);
    }

    #[test]
    fn the_scalar_product_counts_every_number() {
        let (a, b): (Vec<f32>, Vec<f32>) = ((0..37).map(|i: u8| f32::from(i)).collect(), vec![2.0; 37]);
        assert!((dot(&a, &b) - 1332.0).abs() < 1e-3);
    }
}
