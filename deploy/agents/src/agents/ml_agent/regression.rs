//! Linear least squares by the normal equations.

use crate::reading::statistics::{float, mean};

/// A fitted plane.
pub(super) struct Model {
    pub(super) intercept: f64,
    pub(super) weights: Vec<f64>,
    /// Coefficient of determination, R².
    pub(super) fit: f64,
    /// Root of the mean squared error.
    pub(super) error: f64,
}

impl Model {
    pub(super) fn predict(&self, point: &[f64]) -> f64 {
        self.intercept + self.weights.iter().zip(point).map(|(weight, value)| weight * value).sum::<f64>()
    }
}

/// Fits the last column by the others; none when the rows do not determine a plane.
pub(super) fn fit(rows: &[Vec<f64>]) -> Option<Model> {
    let inputs = rows.first()?.len() - 1;
    if rows.len() <= inputs {
        return None;
    }
    // Columns are centred first: it keeps the equations well-conditioned and leaves the intercept for last.
    let column = |place: usize| rows.iter().map(|row| row[place]).collect::<Vec<f64>>();
    let means: Vec<f64> = (0..=inputs).map(|place| mean(&column(place))).collect();
    let centred = |row: &[f64], place: usize| row[place] - means[place];
    let product = |a: usize, b: usize| rows.iter().map(|row| centred(row, a) * centred(row, b)).sum::<f64>();
    let system = (0..inputs).map(|a| (0..=inputs).map(|b| product(a, b)).collect()).collect();
    let weights = solve(system)?;
    let intercept =
        means[inputs] - weights.iter().zip(&means).map(|(weight, mean)| weight * mean).sum::<f64>();
    let mut model = Model { intercept, weights, fit: 1.0, error: 0.0 };
    let residual: f64 = rows.iter().map(|row| (row[inputs] - model.predict(&row[..inputs])).powi(2)).sum();
    let total = product(inputs, inputs);
    model.fit = if total > 0.0 { 1.0 - residual / total } else { 1.0 };
    model.error = (residual / float(rows.len())).sqrt();
    Some(model)
}

/// Gaussian elimination with row pivots; each row ends with its right-hand side.
fn solve(mut system: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let size = system.len();
    let scale = (0..size).map(|place| system[place][place].abs()).fold(0.0, f64::max);
    for column in 0..size {
        let pivot =
            (column..size).max_by(|a, b| system[*a][column].abs().total_cmp(&system[*b][column].abs()))?;
        if system[pivot][column].abs() <= scale * 1e-12 {
            return None;
        }
        system.swap(column, pivot);
        let lead = system[column].clone();
        for row in system.iter_mut().skip(column + 1) {
            let factor = row[column] / lead[column];
            row.iter_mut().zip(&lead).for_each(|(value, above)| *value -= factor * above);
        }
    }
    let mut solution = vec![0.0; size];
    for place in (0..size).rev() {
        let known: f64 = (place + 1..size).map(|other| system[place][other] * solution[other]).sum();
        solution[place] = (system[place][size] - known) / system[place][place];
    }
    Some(solution)
}
