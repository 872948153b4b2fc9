//! Dense matrices of 32-bit numbers, row by row: products, and the inverse that ridge regression needs.

use ndarray::ArrayView2;

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

    /// The inverse of a symmetric positive definite matrix, by its blocks' Schur complement.
    pub(crate) fn inverse(&self) -> Self {
        if self.rows <= SMALL {
            return self.small_inverse();
        }
        let half = self.rows / 2;
        let (top, side, rest) = (
            self.block(0, 0, half, half),
            self.block(half, 0, self.rows - half, half),
            self.block(half, half, self.rows - half, self.rows - half),
        );
        let top = top.inverse();
        let carried = side.times(&top);
        let mut rest = rest;
        subtract(&mut rest, &carried.times_turned(&side));
        let rest = rest.inverse();
        let corner = rest.times(&carried);
        let mut first = turned(&carried).times(&corner);
        first.numbers.iter_mut().zip(&top.numbers).for_each(|(sum, number)| *sum += number);
        let mut inverse = Self::zeros(self.rows, self.rows);
        for row in 0..half {
            inverse.row_mut(row)[..half].copy_from_slice(first.row(row));
        }
        for row in half..self.rows {
            for column in 0..half {
                let number = -corner.at(row - half, column);
                inverse.numbers[row * self.columns + column] = number;
                inverse.numbers[column * self.columns + row] = number;
            }
            inverse.row_mut(row)[half..].copy_from_slice(rest.row(row - half));
        }
        inverse
    }

    fn view(&self) -> ArrayView2<'_, f32> {
        ArrayView2::from_shape((self.rows, self.columns), &self.numbers)
            .expect("it has as many numbers as places")
    }

    fn block(&self, row: usize, column: usize, rows: usize, columns: usize) -> Self {
        let numbers = (row..row + rows).flat_map(|row| &self.row(row)[column..column + columns]);
        Self { rows, columns, numbers: numbers.copied().collect() }
    }

    /// Gauss and Jordan's elimination in place; a positive definite matrix needs no exchange of rows.
    fn small_inverse(&self) -> Self {
        let n = self.rows;
        let mut a: Vec<f64> = self.numbers.iter().map(|number| f64::from(*number)).collect();
        for pivot in 0..n {
            let scale = 1.0 / a[pivot * n + pivot].max(LEAST_PIVOT);
            a[pivot * n + pivot] = 1.0;
            a[pivot * n..(pivot + 1) * n].iter_mut().for_each(|number| *number *= scale);
            let row = a[pivot * n..(pivot + 1) * n].to_vec();
            for other in (0..n).filter(|other| *other != pivot) {
                let factor = std::mem::take(&mut a[other * n + pivot]);
                let numbers = a[other * n..(other + 1) * n].iter_mut().zip(&row);
                numbers.for_each(|(number, above)| *number -= factor * above);
            }
        }
        Self { rows: n, columns: n, numbers: a.into_iter().map(narrow).collect() }
    }
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

fn turned(of: &Matrix) -> Matrix {
    let mut turned = Matrix::zeros(of.columns, of.rows);
    for row in 0..of.rows {
        of.row(row)
            .iter()
            .enumerate()
            .for_each(|(column, number)| turned.numbers[column * of.rows + row] = *number);
    }
    turned
}

fn subtract(from: &mut Matrix, what: &Matrix) {
    from.numbers.iter_mut().zip(&what.numbers).for_each(|(from, what)| *from -= what);
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
