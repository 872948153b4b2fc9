//! Dense matrices of 32-bit numbers, row by row: products, and the inverse that ridge regression needs.

use ndarray::{Array2, ArrayView2, Axis, concatenate};

/// A matrix.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    rows: usize,
    columns: usize,
    numbers: Vec<f32>,
}

/// Up to this size a matrix is inverted number by number; above it by blocks, which are products.
const SMALL: usize = 48;
/// Keeps a pivot apart from zero where rounding has eaten it.
const LEAST_PIVOT: f64 = 1e-9;

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, numbers: vec![0.0; rows * columns] }
    }

    /// Of numbers, row after row; there are `rows` times `columns` of them.
    pub(crate) fn of(rows: usize, columns: usize, numbers: Vec<f32>) -> Self {
        debug_assert_eq!(numbers.len(), rows * columns);
        Self { rows, columns, numbers }
    }

    /// Of rows that are equally long.
    pub(crate) fn of_rows(rows: &[Vec<f32>]) -> Self {
        Self { rows: rows.len(), columns: rows.first().map_or(0, Vec::len), numbers: rows.concat() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.columns..(row + 1) * self.columns]
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.numbers[row * self.columns..(row + 1) * self.columns]
    }

    pub(crate) fn at(&self, row: usize, column: usize) -> f32 {
        self.numbers[row * self.columns + column]
    }

    pub(crate) fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    pub(crate) fn numbers_mut(&mut self) -> &mut [f32] {
        &mut self.numbers
    }

    /// The product with another one that has as many rows as this has columns.
    pub(crate) fn times(&self, other: &Self) -> Self {
        product(self, other, false)
    }

    /// The product with another one turned over.
    pub(crate) fn times_turned(&self, other: &Self) -> Self {
        product(self, other, true)
    }

    /// The inverse of a symmetric positive definite matrix, calculated with 64 bits: what kernels of alike texts leave
    /// of 32 after the subtractions is too little.
    pub(crate) fn inverse(&self) -> Self {
        let inverse = inverse(self.view().mapv(f64::from).view());
        Self { rows: self.rows, columns: self.columns, numbers: inverse.into_iter().map(narrow).collect() }
    }

    fn view(&self) -> ArrayView2<'_, f32> {
        ArrayView2::from_shape((self.rows, self.columns), &self.numbers)
            .expect("it has as many numbers as places")
    }
}

/// By its blocks' Schur complement, which is made of products.
fn inverse(of: ArrayView2<'_, f64>) -> Array2<f64> {
    let size = of.nrows();
    if size <= SMALL {
        return small_inverse(of.to_owned());
    }
    let half = size / 2;
    let (above, below) = of.split_at(Axis(0), half);
    let (top, _) = above.split_at(Axis(1), half);
    let (side, rest) = below.split_at(Axis(1), half);
    let top = inverse(top);
    let carried = side.dot(&top);
    let rest = inverse((&rest - &carried.dot(&side.t())).view());
    let corner = -rest.dot(&carried);
    let top = top - carried.t().dot(&corner);
    let beside = |left, right| concatenate(Axis(1), &[left, right]).expect("they have as many rows");
    let (above, below) = (beside(top.view(), corner.t()), beside(corner.view(), rest.view()));
    concatenate(Axis(0), &[above.view(), below.view()]).expect("they have as many columns")
}

/// Gauss and Jordan's elimination; a positive definite matrix needs no exchange of rows.
fn small_inverse(mut a: Array2<f64>) -> Array2<f64> {
    for pivot in 0..a.nrows() {
        let scale = 1.0 / a[[pivot, pivot]].max(LEAST_PIVOT);
        a[[pivot, pivot]] = 1.0;
        a.row_mut(pivot).mapv_inplace(|number| number * scale);
        let row = a.row(pivot).to_owned();
        for other in (0..a.nrows()).filter(|other| *other != pivot) {
            let factor = std::mem::take(&mut a[[other, pivot]]);
            a.row_mut(other).scaled_add(-factor, &row);
        }
    }
    a
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the numbers were 32 bits wide before they were added up"
)]
pub(crate) fn narrow(number: f64) -> f32 {
    number as f32
}

fn product(one: &Matrix, other: &Matrix, turn: bool) -> Matrix {
    let (one, other) = (one.view(), other.view());
    let product = if turn { one.dot(&other.t()) } else { one.dot(&other) };
    let (rows, columns) = product.dim();
    let (mut numbers, offset) = product.into_raw_vec_and_offset();
    numbers.drain(..offset.unwrap_or_default());
    Matrix { rows, columns, numbers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        for size in [1, 7, 48, 49, 130] {
            let random: Vec<f32> = (0..size * size).map(|i| ((i * 7919 + 13) % 101) as f32 / 101.0).collect();
            let some = Matrix::of(size, size, random);
            let mut positive = some.times_turned(&some);
            (0..size).for_each(|i| positive.numbers[i * size + i] += 1.0);
            let one = positive.times(&positive.inverse());
            for row in 0..size {
                for column in 0..size {
                    let wanted = f32::from(u8::from(row == column));
                    assert!(
                        (one.at(row, column) - wanted).abs() < 1e-2,
                        "{size}: {row}, {column}: {}",
                        one.at(row, column)
                    );
                }
            }
        }
    }
}
