//! Kernel ridge regression onto who is asked (Rifkin, Yeo and Poggio, 2003), and what it would say of each of its own
//! examples had it not learned it: exactly, from the inverse that it needs anyway (Cawley and Talbot, 2008).

use crate::matrix::Matrix;

/// How much the regression is held back. From 0.1 to 1 the development cuts differ by less than half a point.
const HELD_BACK: f32 = 0.1;

/// What was learned: of each example, how it speaks for each class.
#[derive(Debug)]
pub(crate) struct Ridge {
    weights: Matrix,
}

/// A regression with what it takes to leave examples out.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) ridge: Ridge,
    inverse: Matrix,
}

impl Ridge {
    /// Learns the classes of examples, of which a kernel tells how alike they are.
    pub(crate) fn fit(mut kernel: Matrix, truth: &Matrix) -> Fitted {
        for i in 0..kernel.rows() {
            kernel.row_mut(i)[i] += HELD_BACK;
        }
        let inverse = kernel.inverse();
        Fitted { ridge: Self { weights: inverse.times(truth) }, inverse }
    }

    /// What it says of a text that is so much like each example: about 1 for its class, about 0 for the others.
    pub(crate) fn score(&self, kernel: &[f32]) -> Vec<f32> {
        let mut scores = vec![0.0; self.weights.columns()];
        for (alike, weights) in kernel.iter().zip(self.weights.numbers().chunks_exact(scores.len().max(1))) {
            scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += alike * weight);
        }
        scores
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.weights.numbers())
    }
}

impl Fitted {
    /// What it says of each example when that one is left out, and with it those that are told to go along.
    pub(crate) fn left_out(&self, truth: &Matrix, along: &[Vec<usize>]) -> Matrix {
        let mut left_out = Matrix::zeros(truth.rows(), truth.columns());
        for (i, along) in along.iter().enumerate() {
            let group: Vec<usize> = std::iter::once(i).chain(along.iter().copied()).collect();
            // The first row of the inverse of the group's block: what the error of the example is made of.
            let first = self.block(&group).inverse();
            for (row, &member) in first.row(0).iter().zip(&group) {
                let errors = left_out.row_mut(i).iter_mut().zip(self.ridge.weights.row(member));
                errors.for_each(|(error, weight)| *error += row * weight);
            }
            let right = truth.row(i).iter().zip(left_out.row_mut(i));
            right.for_each(|(right, error)| *error = right - *error);
        }
        left_out
    }

    /// What it says of a new text when some of its examples are left out.
    pub(crate) fn score_without(&self, kernel: &[f32], without: &[usize]) -> Vec<f32> {
        let solved = self.block(without).inverse();
        let mut scores = self.ridge.score(kernel);
        for (i, &one) in without.iter().enumerate() {
            let carried: f32 =
                kernel.iter().zip(self.inverse.row(one)).map(|(alike, inverse)| alike * inverse).sum();
            for (j, &other) in without.iter().enumerate() {
                let by = carried * solved.at(i, j);
                let weights = self.ridge.weights.row(other).iter();
                scores.iter_mut().zip(weights).for_each(|(score, weight)| *score -= by * weight);
            }
        }
        scores
    }

    fn block(&self, of: &[usize]) -> Matrix {
        let numbers = of.iter().flat_map(|&row| of.iter().map(move |&column| self.inverse.at(row, column)));
        Matrix::of(of.len(), of.len(), numbers.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(of: &[f32], to: &[f32]) -> Vec<Vec<f32>> {
        of.iter().map(|a| to.iter().map(|b| (-(a - b) * (a - b)).exp()).collect()).collect()
    }

    #[test]
    fn what_is_left_out_is_what_was_never_learned() {
        let at = [0.0, 0.3, 1.0, 1.4, 2.0, 2.2];
        let truth = Matrix::of(6, 2, vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
        let all = Ridge::fit(Matrix::of_rows(&kernel(&at, &at)), &truth);
        let along = vec![vec![], vec![4], vec![], vec![], vec![], vec![]];
        let left_out = all.left_out(&truth, &along);
        for (i, gone) in [(0, vec![0]), (1, vec![1, 4])] {
            let kept: Vec<usize> = (0..6).filter(|j| !gone.contains(j)).collect();
            let points: Vec<f32> = kept.iter().map(|j| at[*j]).collect();
            let rest = Matrix::of_rows(&kept.iter().map(|j| truth.row(*j).to_vec()).collect::<Vec<_>>());
            let never = Ridge::fit(Matrix::of_rows(&kernel(&points, &points)), &rest).ridge;
            let wanted = never.score(&kernel(&at[i..=i], &points)[0]);
            let without = all.score_without(&kernel(&at[i..=i], &at)[0], &gone);
            for class in 0..2 {
                assert!((left_out.at(i, class) - wanted[class]).abs() < 1e-3);
                assert!((without[class] - wanted[class]).abs() < 1e-3);
            }
        }
    }
}
