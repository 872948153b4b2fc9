//! Kernel ridge regression (Saunders, 1998): the scores that fit all examples at once, in closed form, and with them,
//! for nothing, what each example would have been scored had it not been learned.

/// Rows that are worked on together: they stay in the processor's cache.
const BLOCK: usize = 32;

/// A symmetric matrix of similarities between samples; only `values[i * size + j]` with `j <= i` is read.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) size: usize,
    pub(super) values: Vec<f32>,
}

/// What was fitted.
#[derive(Debug)]
pub(super) struct Fit {
    /// `alphas[sample * classes + class]`: how much likeness to a sample speaks for a class.
    pub(super) alphas: Vec<f32>,
    /// `left_out[sample * classes + class]`: the score of a sample by the others.
    pub(super) left_out: Vec<f32>,
}

/// Fits one regression for each class to `targets[sample * classes + class]`; `ridges` hold each sample's back.
pub(super) fn fit(mut kernel: Kernel, targets: &[f32], ridges: &[f32], classes: usize) -> Fit {
    let size = kernel.size;
    for (i, ridge) in ridges.iter().enumerate() {
        kernel.values[i * size + i] += ridge;
    }
    factor(&mut kernel);
    invert(&mut kernel);
    let inverse = &kernel;
    // The inverse is RᵀR for the inverted factor R: alphas = Rᵀ(R targets).
    let mut half = vec![0.0_f32; size * classes];
    for i in 0..size {
        let sum = &mut half[i * classes..(i + 1) * classes];
        for (j, &value) in inverse.values[i * size..=i * size + i].iter().enumerate() {
            add(sum, value, &targets[j * classes..(j + 1) * classes]);
        }
    }
    let (mut alphas, mut diagonal) = (vec![0.0_f32; size * classes], vec![0.0_f32; size]);
    for i in 0..size {
        let from = &half[i * classes..(i + 1) * classes];
        for (j, &value) in inverse.values[i * size..=i * size + i].iter().enumerate() {
            add(&mut alphas[j * classes..(j + 1) * classes], value, from);
            diagonal[j] += value * value;
        }
    }
    let mut left_out = targets.to_vec();
    for (i, diagonal) in diagonal.iter().enumerate() {
        let row = i * classes..(i + 1) * classes;
        for (score, alpha) in left_out[row.clone()].iter_mut().zip(&alphas[row]) {
            *score -= alpha / diagonal;
        }
    }
    Fit { alphas, left_out }
}

/// Replaces the matrix by its lower triangular factor (Cholesky).
fn factor(kernel: &mut Kernel) {
    let size = kernel.size;
    for start in (0..size).step_by(BLOCK) {
        let end = (start + BLOCK).min(size);
        let (done, block) = kernel.values.split_at_mut(start * size);
        for j in 0..start {
            let other = &done[j * size..=j * size + j];
            for row in block[..(end - start) * size].chunks_exact_mut(size) {
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
        }
        for i in start..end {
            for j in start..=i {
                let (before, rest) = block.split_at_mut((i - start) * size);
                let row = &mut rest[..size];
                if j == i {
                    let square = row[i] - dot(&row[..i], &row[..i]);
                    row[i] = square.max(1e-6).sqrt();
                } else {
                    let other = &before[(j - start) * size..(j - start) * size + j + 1];
                    row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
                }
            }
        }
    }
}

/// Replaces a lower triangular matrix by its inverse.
fn invert(factor: &mut Kernel) {
    let size = factor.size;
    let mut weights = vec![0.0_f32; BLOCK * size];
    for start in (0..size).step_by(BLOCK) {
        let end = (start + BLOCK).min(size);
        let (done, block) = factor.values.split_at_mut(start * size);
        let block = &mut block[..(end - start) * size];
        for (weights, row) in weights.chunks_exact_mut(size).zip(block.chunks_exact_mut(size)) {
            weights.copy_from_slice(row);
            row.fill(0.0);
        }
        for j in 0..start {
            let other = &done[j * size..=j * size + j];
            for (weights, row) in weights.chunks_exact(size).zip(block.chunks_exact_mut(size)) {
                add(&mut row[..=j], -weights[j], other);
            }
        }
        for i in start..end {
            let (before, rest) = block.split_at_mut((i - start) * size);
            let weights = &weights[(i - start) * size..(i - start + 1) * size];
            let row = &mut rest[..size];
            for j in start..i {
                let other = &before[(j - start) * size..(j - start) * size + j + 1];
                add(&mut row[..=j], -weights[j], other);
            }
            row[i] = 1.0;
            row[..=i].iter_mut().for_each(|value| *value /= weights[i]);
        }
    }
}

pub(super) fn add(to: &mut [f32], times: f32, from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += times * from;
    }
}

/// Sixteen sums at once, so that the compiler may use the processor's wide registers.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let (a, b) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Likenesses of `size` made-up samples.
    fn kernel(size: usize) -> Kernel {
        let point = |i: usize, d: usize| ((i * 7 + d * 13) % 11) as f32 / 11.0;
        let likeness = |i, j| (0..5).map(|d| point(i, d) * point(j, d)).sum::<f32>() / 5.0;
        let values = (0..size * size).map(|at| likeness(at / size, at % size)).collect();
        Kernel { size, values }
    }

    fn targets(size: usize) -> Vec<f32> {
        (0..size * 2).map(|at| f32::from(u8::from((at / 2) % 2 == at % 2))).collect()
    }

    #[test]
    fn the_fit_solves_its_equations() {
        let size = 70;
        let fit = fit(kernel(size), &targets(size), &vec![0.5; size], 2);
        let kernel = kernel(size);
        for i in 0..size {
            let likeness: f32 = (0..size).map(|j| kernel.values[i * size + j] * fit.alphas[j * 2]).sum();
            let left = likeness + 0.5 * fit.alphas[i * 2];
            assert!((left - targets(size)[i * 2]).abs() < 1e-3, "row {i}: {left}");
        }
    }

    #[test]
    fn what_is_left_out_is_scored_as_if_it_had_not_been_learned() {
        let size = 20;
        let whole = fit(kernel(size), &targets(size), &vec![0.5; size], 2);
        let (all, last) = (kernel(size), size - 1);
        let values = (0..last * last).map(|at| all.values[at / last * size + at % last]).collect();
        let without = fit(Kernel { size: last, values }, &targets(size)[..last * 2], &vec![0.5; last], 2);
        let score: f32 = (0..last).map(|j| all.values[last * size + j] * without.alphas[j * 2]).sum();
        assert!((score - whole.left_out[last * 2]).abs() < 1e-3);
    }
}
