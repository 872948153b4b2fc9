//! The network: a table look-up, convolutions over two, three and five pieces, a sum, and a few dense layers.

use super::archive::Archive;
use crate::matrix::Matrix;

const WIDTH: usize = 512;
const BRANCH: usize = 256;
const PROJECTED: usize = BRANCHES.len() * BRANCH;
const FEATURES: usize = WIDTH + PROJECTED;
const HIDDEN: usize = 320;
/// The table comes in blocks; a piece's block is its number modulo so many.
const BLOCKS: usize = 17;
const ROWS: usize = 7_530;
/// Keeps divisions apart from zero; the encoder's own.
const EPSILON: f32 = 1e-12;
/// Of each branch: its name in the file, how many pieces it sees, and how many of them stand before.
const BRANCHES: [(&str, usize, usize); 3] = [("2", 2, 0), ("3", 3, 1), ("5", 5, 2)];

#[derive(Debug)]
pub(super) struct Network {
    blocks: Vec<Vec<u8>>,
    low: Vec<f32>,
    scale: Vec<f32>,
    projections: Vec<Dense>,
    projected: Norm,
    branches: Vec<Branch>,
    norm: Norm,
    sum: Dense,
    dense: [Matrix; 4],
    past: [Matrix; 2],
}

#[derive(Debug)]
struct Branch {
    pieces: usize,
    before: usize,
    convolutions: [Dense; 2],
}

#[derive(Debug)]
struct Dense {
    weights: Matrix,
    bias: Vec<f32>,
}

#[derive(Debug)]
struct Norm {
    gain: Vec<f32>,
    shift: Vec<f32>,
}

impl Network {
    pub(super) fn read(mut from: Archive) -> Result<Self, &'static str> {
        let from = &mut from;
        let blocks = (1..=BLOCKS).map(|i| from.bytes(&format!("q{i}"), ROWS * WIDTH));
        let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
        let (low, scale) = (from.floats("lo", BLOCKS)?, from.floats("scale", BLOCKS)?);
        let projections = BRANCHES.map(|(name, ..)| {
            Dense::read(from, &format!("proj{name}"), &format!("proj_b{name}"), WIDTH, BRANCH)
        });
        let projections = projections.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut projected = Norm { gain: Vec::new(), shift: Vec::new() };
        for (name, ..) in BRANCHES {
            projected.gain.extend(from.floats(&format!("ln_g{name}"), BRANCH)?);
            projected.shift.extend(from.floats(&format!("ln_b{name}"), BRANCH)?);
        }
        let branches = BRANCHES.map(|(name, pieces, before)| Branch::read(from, name, pieces, before));
        let branches = branches.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            blocks,
            low,
            scale,
            projections,
            projected,
            branches,
            norm: Norm::read(from, "ln_g", "ln_b", FEATURES)?,
            sum: Dense::read(from, "cnn_W", "cnn_b", FEATURES, WIDTH)?,
            dense: [
                matrix(from, "d0", WIDTH, HIDDEN)?,
                matrix(from, "d1", HIDDEN, HIDDEN)?,
                matrix(from, "d2", HIDDEN, WIDTH)?,
                matrix(from, "d3", WIDTH, WIDTH)?,
            ],
            past: [matrix(from, "p1", WIDTH, HIDDEN)?, matrix(from, "p3", HIDDEN, WIDTH)?],
        })
    }

    /// The unit vector of a text's pieces.
    pub(super) fn encode(&self, pieces: &[u32]) -> Vec<f32> {
        let embedded = self.embedded(pieces);
        let projected = self.projected(&embedded);
        let branches = self.branches.iter().zip(projected).map(|(branch, projected)| branch.apply(projected));
        let branches: Vec<Matrix> = branches.collect();
        let mut summed = Matrix::zeros(1, FEATURES);
        for row in 0..pieces.len() {
            let mut features = Vec::with_capacity(FEATURES);
            features.extend_from_slice(embedded.row(row));
            branches.iter().for_each(|branch| features.extend_from_slice(branch.row(row)));
            self.norm.apply(&mut features);
            summed.row_mut(0).iter_mut().zip(&features).for_each(|(sum, feature)| *sum += feature);
        }
        let mut mean = summed.times(&self.sum.weights);
        #[expect(clippy::cast_precision_loss, reason = "texts have a few hundred pieces")]
        let length = pieces.len() as f32;
        let shifted = mean.row_mut(0).iter_mut().zip(&self.sum.bias);
        shifted.for_each(|(mean, bias)| *mean = (*mean + length * bias) / length.sqrt());
        self.answer(&mean)
    }

    fn embedded(&self, pieces: &[u32]) -> Matrix {
        let mut embedded = Matrix::zeros(pieces.len(), WIDTH);
        for (i, &piece) in pieces.iter().enumerate() {
            let piece = usize::try_from(piece).unwrap_or_default().min(BLOCKS * ROWS - 1);
            let (block, row) = (piece % BLOCKS, piece / BLOCKS);
            let bytes = &self.blocks[block][row * WIDTH..(row + 1) * WIDTH];
            for (number, byte) in embedded.row_mut(i).iter_mut().zip(bytes) {
                *number = f32::from(*byte) * self.scale[block] + self.low[block];
            }
        }
        embedded
    }

    /// What each branch begins with; they are normalised together.
    fn projected(&self, embedded: &Matrix) -> Vec<Matrix> {
        let mut projected: Vec<Matrix> = self.projections.iter().map(|dense| dense.apply(embedded)).collect();
        for row in 0..embedded.rows() {
            let mut together: Vec<f32> =
                projected.iter().flat_map(|branch| branch.row(row)).copied().collect();
            self.projected.apply(&mut together);
            for (branch, part) in projected.iter_mut().zip(together.chunks_exact(BRANCH)) {
                branch.row_mut(row).copy_from_slice(part);
            }
        }
        projected
    }

    fn answer(&self, mean: &Matrix) -> Vec<f32> {
        let first = relu(mean.times(&self.dense[0]));
        let second = relu(plus(mean.times(&self.past[0]), &first.times(&self.dense[1])));
        let third = relu(second.times(&self.dense[2]));
        let last = plus(second.times(&self.past[1]), &third.times(&self.dense[3]));
        let vector: Vec<f32> = last.row(0).iter().map(|number| number.tanh()).collect();
        let length = vector.iter().map(|number| number * number).sum::<f32>().max(EPSILON).sqrt();
        vector.into_iter().map(|number| number / length).collect()
    }
}

impl Branch {
    fn read(from: &mut Archive, name: &str, pieces: usize, before: usize) -> Result<Self, &'static str> {
        let convolution = |from: &mut Archive, which: &str| {
            let (weights, bias) = (format!("w{which}_{name}"), format!("b{which}_{name}"));
            Dense::read(from, &weights, &bias, pieces * BRANCH, BRANCH)
        };
        Ok(Self { pieces, before, convolutions: [convolution(from, "1")?, convolution(from, "2")?] })
    }

    fn apply(&self, mut now: Matrix) -> Matrix {
        for convolution in &self.convolutions {
            now = plus(relu(convolution.apply(&self.windows(&now))), &now);
        }
        now
    }

    /// Each piece with those around it, zeros beyond the ends.
    fn windows(&self, of: &Matrix) -> Matrix {
        let mut windows = Matrix::zeros(of.rows(), self.pieces * BRANCH);
        for row in 0..of.rows() {
            for (i, window) in windows.row_mut(row).chunks_exact_mut(BRANCH).enumerate() {
                if let Some(at) = (row + i).checked_sub(self.before).filter(|at| *at < of.rows()) {
                    window.copy_from_slice(of.row(at));
                }
            }
        }
        windows
    }
}

impl Dense {
    fn read(
        from: &mut Archive,
        weights: &str,
        bias: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Self, &'static str> {
        Ok(Self { weights: matrix(from, weights, rows, columns)?, bias: from.floats(bias, columns)? })
    }

    fn apply(&self, to: &Matrix) -> Matrix {
        let mut result = to.times(&self.weights);
        for row in 0..result.rows() {
            result.row_mut(row).iter_mut().zip(&self.bias).for_each(|(number, bias)| *number += bias);
        }
        result
    }
}

impl Norm {
    fn read(from: &mut Archive, gain: &str, shift: &str, length: usize) -> Result<Self, &'static str> {
        Ok(Self { gain: from.floats(gain, length)?, shift: from.floats(shift, length)? })
    }

    /// Layer normalisation (Ba et al., 2016).
    fn apply(&self, row: &mut [f32]) {
        #[expect(clippy::cast_precision_loss, reason = "rows have about a thousand numbers")]
        let length = row.len() as f32;
        let mean = row.iter().sum::<f32>() / length;
        let variance = row.iter().map(|number| (number - mean) * (number - mean)).sum::<f32>() / length;
        let scale = (variance + EPSILON).sqrt().recip();
        for (number, (gain, shift)) in row.iter_mut().zip(self.gain.iter().zip(&self.shift)) {
            *number = (*number - mean) * scale * gain + shift;
        }
    }
}

fn matrix(from: &mut Archive, name: &str, rows: usize, columns: usize) -> Result<Matrix, &'static str> {
    Ok(Matrix::of(rows, columns, from.floats(name, rows * columns)?))
}

fn relu(mut of: Matrix) -> Matrix {
    of.numbers_mut().iter_mut().for_each(|number| *number = number.max(0.0));
    of
}

fn plus(mut one: Matrix, other: &Matrix) -> Matrix {
    one.numbers_mut().iter_mut().zip(other.numbers()).for_each(|(one, other)| *one += other);
    one
}
