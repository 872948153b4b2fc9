//! Puts what several experts say together: a conditional logit with one weight for each expert, the same for all
//! agents, learned from what the experts say of examples that they have not seen.

/// Newton's steps at most.
const STEPS: usize = 40;
/// How strongly the weights are held to the ones that they begin with, in examples.
const PRIOR: f64 = 2.0;
/// A step that makes the loss less by no more than this part of it is the last one.
const ENOUGH: f64 = 1e-7;
/// A step is halved so often at most until it is one for the better.
const HALVINGS: i32 = 20;

/// What the experts say of one message: `scores[expert * classes + class]`.
#[derive(Debug, Clone)]
pub(in crate::route) struct Case {
    pub(in crate::route) scores: Vec<f32>,
    /// The class it is of.
    pub(in crate::route) class: usize,
    pub(in crate::route) weight: f64,
}

/// A weight before anything is learned, and how far it may easily go.
#[derive(Debug, Clone, Copy)]
pub(in crate::route) struct Start {
    pub(in crate::route) weight: f64,
    pub(in crate::route) spread: f64,
}

/// Learns the experts' weights. A negative one is no mistake: where two experts say nearly the same, what one says more
/// than the other may speak against it.
pub(in crate::route) fn learn(cases: &[Case], classes: usize, start: &[Start]) -> Vec<f64> {
    let at = |weights: &[f64]| Surface::of(cases, classes, weights, start);
    let mut weights: Vec<f64> = start.iter().map(|start| start.weight).collect();
    let mut surface = at(&weights);
    for _ in 0..STEPS {
        let (loss, step) = (surface.loss, surface.step());
        let moved = (0..HALVINGS).map(|halved| 0.5_f64.powi(halved)).find_map(|part| {
            let moved: Vec<f64> =
                weights.iter().zip(&step).map(|(weight, step)| weight - part * step).collect();
            let surface = at(&moved);
            (surface.loss < loss).then_some((moved, surface))
        });
        let Some(moved) = moved else { break };
        (weights, surface) = moved;
        if loss - surface.loss < ENOUGH * loss {
            break;
        }
    }
    weights
}

/// The probability of each class.
pub(in crate::route) fn shares(scores: &[f32], classes: usize, weights: &[f64]) -> Vec<f64> {
    let mut shares = vec![0.0_f64; classes];
    for (weight, scores) in weights.iter().zip(scores.chunks_exact(classes)) {
        for (share, score) in shares.iter_mut().zip(scores) {
            *share += weight * f64::from(*score);
        }
    }
    let top = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for share in &mut shares {
        *share = (*share - top).exp();
        sum += *share;
    }
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

/// The loss at some weights, its slope and its curvature.
struct Surface {
    loss: f64,
    slope: Vec<f64>,
    curve: Vec<Vec<f64>>,
}

impl Surface {
    fn of(cases: &[Case], classes: usize, weights: &[f64], start: &[Start]) -> Self {
        let mut surface = Self::prior(weights, start);
        cases.iter().for_each(|case| surface.add(case, classes, weights));
        surface
    }

    fn prior(weights: &[f64], start: &[Start]) -> Self {
        let tightness: Vec<f64> = start.iter().map(|start| PRIOR / (start.spread * start.spread)).collect();
        let off = || weights.iter().zip(start).map(|(weight, start)| weight - start.weight).zip(&tightness);
        let loss = off().map(|(off, tightness)| off * off * tightness / 2.0).sum();
        let slope = off().map(|(off, tightness)| off * tightness).collect();
        let experts = weights.len();
        let cell = |e: usize, f: usize| if e == f { tightness[e] } else { 0.0 };
        let curve = (0..experts).map(|e| (0..experts).map(|f| cell(e, f)).collect()).collect();
        Self { loss, slope, curve }
    }

    fn add(&mut self, case: &Case, classes: usize, weights: &[f64]) {
        let shares = shares(&case.scores, classes, weights);
        self.loss -= case.weight * shares[case.class].max(f64::MIN_POSITIVE).ln();
        let scores: Vec<&[f32]> = case.scores.chunks_exact(classes).collect();
        let mean = |of: &dyn Fn(usize) -> f64| {
            shares.iter().enumerate().map(|(c, share)| share * of(c)).sum::<f64>()
        };
        let means: Vec<f64> = scores.iter().map(|scores| mean(&|c| f64::from(scores[c]))).collect();
        for (e, of_e) in scores.iter().enumerate() {
            self.slope[e] += case.weight * (means[e] - f64::from(of_e[case.class]));
            for (f, of_f) in scores.iter().enumerate().take(e + 1) {
                let both = mean(&|c| f64::from(of_e[c]) * f64::from(of_f[c]));
                let value = case.weight * (both - means[e] * means[f]);
                self.curve[e][f] += value;
                if f != e {
                    self.curve[f][e] += value;
                }
            }
        }
    }

    /// Newton's step: the slope divided by the curvature (Gauss, with pivots).
    fn step(self) -> Vec<f64> {
        let (mut rows, mut step) = (self.curve, self.slope);
        let size = step.len();
        let safe = |value: f64| if value.abs() < 1e-12 { 1e-12 } else { value };
        for i in 0..size {
            let pivot = (i..size).max_by(|&a, &b| rows[a][i].abs().total_cmp(&rows[b][i].abs())).unwrap_or(i);
            rows.swap(i, pivot);
            step.swap(i, pivot);
            let (above, below) = rows.split_at_mut(i + 1);
            for (at, row) in (i + 1..).zip(below) {
                let times = row[i] / safe(above[i][i]);
                row.iter_mut().zip(&above[i]).for_each(|(value, above)| *value -= times * above);
                step[at] -= times * step[i];
            }
        }
        for i in (0..size).rev() {
            let known: f64 = (i + 1..size).map(|k| rows[i][k] * step[k]).sum();
            step[i] = (step[i] - known) / safe(rows[i][i]);
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: [Start; 2] = [Start { weight: 1.0, spread: 5.0 }; 2];

    /// The first expert is right 9 times of 10, the second says nothing.
    fn cases() -> Vec<Case> {
        let case = |i: usize| {
            let said = if i.is_multiple_of(10) { [0.0, 1.0] } else { [1.0, 0.0] };
            Case { scores: [said, [0.5, 0.5]].concat(), class: 0, weight: 1.0 }
        };
        (0..200).map(case).collect()
    }

    #[test]
    fn an_expert_is_believed_as_much_as_it_is_right() {
        let weights = learn(&cases(), 2, &START);
        let shares = shares(&[1.0, 0.0, 0.5, 0.5], 2, &weights);
        assert!((shares[0] - 0.9).abs() < 0.03, "{shares:?} {weights:?}");
    }

    #[test]
    fn what_a_few_cases_teach_cannot_be_bettered() {
        let loose = [Start { weight: 2.0, spread: 50.0 }; 3];
        for count in 2..30_u8 {
            let case = |i: u8| {
                let (sure, wrong) = (f32::from(i % 5), f32::from(u8::from(i % 7 == 1)));
                let scores = vec![0.4 * sure, wrong, 0.2, 3.0 * wrong, 0.5, 0.1 * f32::from(i % 3)];
                Case { scores, class: 0, weight: 1.0 }
            };
            let cases: Vec<Case> = (0..count).map(case).collect();
            let slope = Surface::of(&cases, 2, &learn(&cases, 2, &loose), &loose).slope;
            assert!(slope.iter().all(|slope| slope.abs() < 0.01), "{count}: {slope:?}");
        }
    }

    #[test]
    fn without_cases_the_weights_stay() {
        assert_eq!(learn(&[], 2, &START), [1.0, 1.0]);
    }
}
