//! Multinomial logistic regression over dense vectors, fitted by L-BFGS (Nocedal and Wright, Numerical Optimization,
//! 2nd edition, algorithm 7.4). Deterministic: no order of samples, no rate and no chance is in it.

use super::vector::{add_scaled, dot};
use std::collections::VecDeque;

/// The inverse strength of the penalty on weights, per sample; weak, since the temperature is fitted afterwards.
const LOOSENESS: f32 = 50.0;
/// Steps that are remembered to guess the curvature from.
const MEMORY: usize = 6;
const MOST_STEPS: usize = 40;
const FEWEST_STEPS: usize = 8;
/// Multiplications that one fit may take; more samples or classes get fewer steps.
const WORK: usize = 4_000_000_000;
/// A class this unlikely takes no part in a sample's slope.
const NEGLIGIBLE: f32 = 1e-5;
/// How sure the classifier by nearest mean is that the fit starts from.
const SHARPNESS: f32 = 10.0;

/// A vector to learn from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lesson<'a> {
    pub(super) vector: &'a [f32],
    pub(super) class: usize,
    pub(super) weight: f32,
}

/// A linear model: of each class one weight per number, and a bias behind them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Linear {
    width: usize,
    weights: Vec<f32>,
}

impl Linear {
    pub(super) fn fit(lessons: &[Lesson<'_>], width: usize, classes: usize) -> Self {
        let mut model = Self::by_means(lessons, width, classes);
        let steps = WORK / (lessons.len() * classes * width * 2).max(1);
        let mut here = model.surprise(lessons);
        let mut memory = Memory::default();
        for _ in 0..steps.clamp(FEWEST_STEPS, MOST_STEPS) {
            let direction = memory.direction(&here.slope);
            let Some((next, there)) = model.step(&here, &direction, lessons) else { break };
            let gained = here.loss - there.loss;
            memory.add(&model.weights, &next.weights, &here.slope, &there.slope);
            (model, here) = (next, there);
            if gained < 1e-5 * here.loss {
                break;
            }
        }
        model
    }

    pub(super) fn logits(&self, vector: &[f32]) -> Vec<f32> {
        let rows = self.weights.chunks_exact(self.width + 1);
        rows.map(|row| dot(&row[..self.width], vector) + row[self.width]).collect()
    }

    /// Starts from each class's mean, which is right for most samples already.
    fn by_means(lessons: &[Lesson<'_>], width: usize, classes: usize) -> Self {
        let mut weights = vec![0.0; classes * (width + 1)];
        let mut totals = vec![0.0_f32; classes];
        for lesson in lessons {
            let at = lesson.class * (width + 1);
            add_scaled(&mut weights[at..at + width], lesson.weight, lesson.vector);
            totals[lesson.class] += lesson.weight;
        }
        for (row, total) in weights.chunks_exact_mut(width + 1).zip(totals) {
            row.iter_mut().for_each(|weight| *weight *= SHARPNESS / total.max(1e-6));
        }
        Self { width, weights }
    }

    /// Goes in the direction as far as it helps (Armijo's condition); none when it does not help at all.
    fn step(&self, here: &Surprise, direction: &[f32], lessons: &[Lesson<'_>]) -> Option<(Self, Surprise)> {
        let slope = f64::from(dot(&here.slope, direction));
        let mut length = 1.0_f32;
        for _ in 0..12 {
            let mut next = self.clone();
            add_scaled(&mut next.weights, -length, direction);
            let there = next.surprise(lessons);
            if there.loss <= here.loss - 1e-4 * f64::from(length) * slope {
                return Some((next, there));
            }
            length *= 0.4;
        }
        None
    }

    fn surprise(&self, lessons: &[Lesson<'_>]) -> Surprise {
        let total: f32 = lessons.iter().map(|lesson| lesson.weight).sum::<f32>().max(1e-6);
        let mut slope = vec![0.0; self.weights.len()];
        let mut loss = 0.0_f64;
        for lesson in lessons {
            let mut shares = self.logits(lesson.vector);
            softmax(&mut shares, 1.0);
            let share = lesson.weight / total;
            loss -= f64::from(share) * f64::from(shares[lesson.class].max(1e-30)).ln();
            shares[lesson.class] -= 1.0;
            for (row, too_much) in slope.chunks_exact_mut(self.width + 1).zip(shares) {
                if too_much.abs() > NEGLIGIBLE {
                    add_scaled(&mut row[..self.width], share * too_much, lesson.vector);
                    row[self.width] += share * too_much;
                }
            }
        }
        let penalty = 1.0 / (LOOSENESS * total);
        for (slope, weights) in
            slope.chunks_exact_mut(self.width + 1).zip(self.weights.chunks_exact(self.width + 1))
        {
            let weights = &weights[..self.width];
            add_scaled(&mut slope[..self.width], penalty, weights);
            loss += 0.5 * f64::from(penalty * dot(weights, weights));
        }
        Surprise { loss, slope }
    }
}

/// How badly a model explains the lessons, and in which direction that grows.
struct Surprise {
    loss: f64,
    slope: Vec<f32>,
}

/// The last steps and how the slope changed over them.
#[derive(Default)]
struct Memory(VecDeque<(Vec<f32>, Vec<f32>, f32)>);

impl Memory {
    fn add(&mut self, from: &[f32], to: &[f32], slope_from: &[f32], slope_to: &[f32]) {
        let step: Vec<f32> = to.iter().zip(from).map(|(to, from)| to - from).collect();
        let change: Vec<f32> = slope_to.iter().zip(slope_from).map(|(to, from)| to - from).collect();
        let curvature = dot(&step, &change);
        if curvature <= 1e-12 {
            return;
        }
        if self.0.len() == MEMORY {
            self.0.pop_front();
        }
        self.0.push_back((step, change, curvature));
    }

    /// The slope, corrected by the curvature that was seen.
    fn direction(&self, slope: &[f32]) -> Vec<f32> {
        let mut direction = slope.to_vec();
        let mut amounts = Vec::with_capacity(self.0.len());
        for (step, change, curvature) in self.0.iter().rev() {
            let amount = dot(step, &direction) / curvature;
            add_scaled(&mut direction, -amount, change);
            amounts.push(amount);
        }
        // Without any step yet, one that changes logits by about one.
        let scale = match self.0.back() {
            Some((_, change, curvature)) => curvature / dot(change, change).max(1e-20),
            None => 1.0 / dot(slope, slope).sqrt().max(1e-6),
        };
        direction.iter_mut().for_each(|value| *value *= scale);
        for ((step, change, curvature), amount) in self.0.iter().zip(amounts.into_iter().rev()) {
            let back = dot(change, &direction) / curvature;
            add_scaled(&mut direction, amount - back, step);
        }
        direction
    }
}

/// Turns logits into probabilities.
pub(super) fn softmax(logits: &mut [f32], temperature: f32) {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in &mut *logits {
        *logit = ((*logit - top) / temperature).exp();
        sum += *logit;
    }
    logits.iter_mut().for_each(|logit| *logit /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lessons(vectors: &[([f32; 2], usize)]) -> Vec<Lesson<'_>> {
        vectors.iter().map(|(vector, class)| Lesson { vector, class: *class, weight: 1.0 }).collect()
    }

    #[test]
    fn the_slope_is_the_change_of_the_loss() {
        let vectors = [([0.6, 0.8], 0), ([1.0, 0.0], 1), ([0.8, -0.6], 2), ([0.0, 1.0], 0)];
        let lessons = lessons(&vectors);
        let mut model = Linear::by_means(&lessons, 2, 3);
        let here = model.surprise(&lessons);
        for i in 0..model.weights.len() {
            let before = model.weights[i];
            model.weights[i] = before + 1e-2;
            let more = model.surprise(&lessons).loss;
            model.weights[i] = before - 1e-2;
            let less = model.surprise(&lessons).loss;
            model.weights[i] = before;
            let measured = (more - less) / 2e-2;
            assert!((measured - f64::from(here.slope[i])).abs() < 1e-3, "{i}: {measured} {}", here.slope[i]);
        }
    }

    #[test]
    fn the_fit_finds_what_means_do_not() {
        // The means of both classes lie in the same direction; only the second number tells them apart.
        let vectors = [([1.0, 0.3], 0), ([0.2, 0.1], 0), ([1.0, -0.1], 1), ([2.0, -0.1], 1)];
        let lessons = lessons(&vectors);
        let model = Linear::fit(&lessons, 2, 2);
        assert!(model.surprise(&lessons).loss < Linear::by_means(&lessons, 2, 2).surprise(&lessons).loss);
        for lesson in &lessons {
            let logits = model.logits(lesson.vector);
            assert!(logits[lesson.class] > logits[1 - lesson.class], "{lesson:?} {logits:?}");
        }
        assert_eq!(model, Linear::fit(&lessons, 2, 2));
    }
}
