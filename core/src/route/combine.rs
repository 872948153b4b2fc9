//! Puts what several experts say together: a conditional logit with one weight for each expert, the same for all
//! agents, learned from what the experts say of examples that they have not seen.

/// Newton's steps at most.
const STEPS: usize = 40;
/// How strongly the weights are held to the ones that they begin with, in examples.
const PRIOR: f64 = 2.0;
/// A step changes no weight by more.
const MAX_STEP: f64 = 4.0;

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
    let mut weights: Vec<f64> = start.iter().map(|start| start.weight).collect();
    for _ in 0..STEPS {
        let mut surface = Surface::prior(&weights, start);
        cases.iter().for_each(|case| surface.add(case, classes, &weights));
        let mut moved = 0.0_f64;
        for (weight, step) in weights.iter_mut().zip(surface.step()) {
            let step = step.clamp(-MAX_STEP, MAX_STEP);
            *weight -= step;
            moved = moved.max(step.abs());
        }
        if moved < 1e-3 {
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

/// Slope and curvature of the loss at some weights.
struct Surface {
    slope: Vec<f64>,
    curve: Vec<Vec<f64>>,
}

impl Surface {
    fn prior(weights: &[f64], start: &[Start]) -> Self {
        let tightness: Vec<f64> = start.iter().map(|start| PRIOR / (start.spread * start.spread)).collect();
        let off = weights.iter().zip(start).map(|(weight, start)| weight - start.weight);
        let slope = off.zip(&tightness).map(|(off, tightness)| off * tightness).collect();
        let experts = weights.len();
        let cell = |e: usize, f: usize| if e == f { tightness[e] } else { 0.0 };
        let curve = (0..experts).map(|e| (0..experts).map(|f| cell(e, f)).collect()).collect();
        Self { slope, curve }
    }

    fn add(&mut self, case: &Case, classes: usize, weights: &[f64]) {
        let shares = shares(&case.scores, classes, weights);
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
    fn without_cases_the_weights_stay() {
        assert_eq!(learn(&[], 2, &START), [1.0, 1.0]);
    }
}
