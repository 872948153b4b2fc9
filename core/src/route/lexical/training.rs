//! Training: multinomial logistic regression by AdaGrad over sparse vectors. Deterministic, in milliseconds.

use super::space::Vector;

/// A text to learn from.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) vector: Vector,
    pub(super) class: usize,
    pub(super) weight: f32,
    /// Whether it is a message somebody would write, and not a description.
    pub(super) is_message: bool,
}

/// A linear model; `weights[row * classes + class]`.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    classes: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// Slow, since few examples say little: a fast one learns them by heart.
const RATE: f32 = 0.15;
const MOST_EPOCHS: usize = 14;
const FEWEST_EPOCHS: usize = 3;
/// Multiplications that one training may take; more samples or agents get fewer epochs.
const WORK: usize = 1_500_000_000;
const FOLDS: usize = 3;

impl Linear {
    pub(super) fn bytes(&self) -> usize {
        (self.weights.capacity() + self.bias.capacity()) * size_of::<f32>()
    }

    pub(super) fn train(samples: &[&Sample], rows: usize, classes: usize) -> Self {
        let mut model = Self { classes, weights: vec![0.0; rows * classes], bias: vec![0.0; classes] };
        let mut squares = vec![1e-3_f32; rows * classes];
        let per_epoch: usize = samples.iter().map(|sample| sample.vector.features.len() * classes * 3).sum();
        let epochs = (WORK / per_epoch.max(1)).clamp(FEWEST_EPOCHS, MOST_EPOCHS);
        let mut order: Vec<usize> = (0..samples.len()).collect();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..epochs {
            shuffle(&mut order, &mut random);
            for &i in &order {
                model.learn(samples[i], &mut squares);
            }
        }
        model
    }

    fn learn(&mut self, sample: &Sample, squares: &mut [f32]) {
        let mut slope = self.logits(&sample.vector);
        softmax(&mut slope);
        slope[sample.class] -= 1.0;
        for slope in &mut slope {
            *slope *= sample.weight;
        }
        for (bias, slope) in self.bias.iter_mut().zip(&slope) {
            *bias -= 0.01 * slope;
        }
        for &(row, value) in &sample.vector.features {
            let at = row as usize * self.classes;
            let weights = &mut self.weights[at..at + self.classes];
            let squares = &mut squares[at..at + self.classes];
            for ((weight, square), slope) in weights.iter_mut().zip(squares).zip(&slope) {
                let slope = slope * value;
                *square += slope * slope;
                *weight -= RATE * slope / square.sqrt();
            }
        }
    }

    pub(super) fn logits(&self, vector: &Vector) -> Vec<f32> {
        let mut logits = self.bias.clone();
        for &(row, value) in &vector.features {
            let at = row as usize * self.classes;
            for (logit, weight) in logits.iter_mut().zip(&self.weights[at..at + self.classes]) {
                *logit += value * weight;
            }
        }
        logits
    }
}

/// Turns logits into probabilities.
fn softmax(logits: &mut [f32]) {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in &mut *logits {
        *logit = (*logit - top).exp();
        sum += *logit;
    }
    for logit in logits {
        *logit /= sum;
    }
}

/// The logits of every message by a model that has not learned it; of a description, none.
pub(super) fn held_out(samples: &[Sample], rows: usize, classes: usize) -> Vec<Vec<f32>> {
    let mut logits = vec![Vec::new(); samples.len()];
    for fold in 0..FOLDS {
        let of_fold = |i: usize| samples[i].is_message && i % FOLDS == fold;
        let learned: Vec<_> = (0..samples.len()).filter(|&i| !of_fold(i)).map(|i| &samples[i]).collect();
        let model = Linear::train(&learned, rows, classes);
        for i in (0..samples.len()).filter(|&i| of_fold(i)) {
            logits[i] = model.logits(&samples[i].vector);
        }
    }
    logits
}

fn shuffle(order: &mut [usize], random: &mut u64) {
    for i in (1..order.len()).rev() {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = usize::try_from(*random >> 33).unwrap_or_default() % (i + 1);
        order.swap(i, pick);
    }
}
