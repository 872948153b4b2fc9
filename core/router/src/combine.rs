//! One opinion out of several: shares that grow with the weighted sum of what each view says. The weights are those that
//! make what is known likeliest (a logistic regression with as many weights as there are views).

use crate::matrix::narrow;

/// Newton's method comes to rest in fewer steps than these.
const STEPS: usize = 30;
/// How strongly the weights are held to where they begin: as if that had been seen in so many examples. It only matters
/// where there are few.
const HELD: f64 = 0.02;
/// A weight below nothing would have a view speak against what it sees.
const LEAST: f64 = 0.0;

/// What each view says of a text: by view, then by class.
pub(crate) type Views = Vec<Vec<f32>>;

/// The weighted sum of the views, by class.
pub(crate) fn sums(views: &Views, weights: &[f64]) -> Vec<f64> {
    let classes = views.first().map_or(0, Vec::len);
    let sum = |class| views.iter().zip(weights).map(|(view, weight)| f64::from(view[class]) * weight).sum();
    (0..classes).map(sum).collect()
}

/// The weighted mean of the views, by class: about 1 for what is meant, about a half where two are.
pub(crate) fn means(views: &Views, weights: &[f64]) -> Vec<f64> {
    let all: f64 = weights.iter().sum();
    sums(views, weights).into_iter().map(|sum| sum / all.max(f64::MIN_POSITIVE)).collect()
}

/// The shares of the classes.
pub(crate) fn shares(views: &Views, weights: &[f64]) -> Vec<f64> {
    let mut shares = sums(views, weights);
    let most = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    shares.iter_mut().for_each(|share| *share = (*share - most).exp());
    let all: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= all);
    shares
}

/// The weights that make what is known likeliest, beginning at some.
pub(crate) fn learn(cases: &[(Views, usize)], start: &[f64]) -> Vec<f64> {
    let mut weights = start.to_vec();
    let mut loss = loss_of(cases, &weights, start);
    for _ in 0..STEPS {
        let Some(step) = newton(cases, &weights, start) else { break };
        let mut scale = 1.0;
        let better = loop {
            let moved: Vec<f64> =
                weights.iter().zip(&step).map(|(weight, step)| (weight - scale * step).max(LEAST)).collect();
            let now = loss_of(cases, &moved, start);
            if now < loss {
                break Some((moved, now));
            }
            scale /= 2.0;
            if scale < 1e-3 {
                break None;
            }
        };
        let Some((moved, now)) = better else { break };
        let gained = loss - now;
        (weights, loss) = (moved, now);
        if gained < 1e-6 * loss {
            break;
        }
    }
    weights
}

fn loss_of(cases: &[(Views, usize)], weights: &[f64], start: &[f64]) -> f64 {
    let seen: f64 = cases.iter().map(|(views, right)| -shares(views, weights)[*right].max(1e-12).ln()).sum();
    seen + weights
        .iter()
        .zip(start)
        .map(|(weight, start)| HELD * (weight - start) * (weight - start))
        .sum::<f64>()
}

/// The gradient divided by the curvature; a weight at its least that would go below stays there.
fn newton(cases: &[(Views, usize)], weights: &[f64], start: &[f64]) -> Option<Vec<f64>> {
    let n = weights.len();
    let mut gradient: Vec<f64> =
        weights.iter().zip(start).map(|(weight, start)| 2.0 * HELD * (weight - start)).collect();
    let mut curvature = vec![0.0; n * n];
    (0..n).for_each(|i| curvature[i * n + i] = 2.0 * HELD);
    for (views, right) in cases {
        let shares = shares(views, weights);
        let expected: Vec<f64> = views
            .iter()
            .map(|view| view.iter().zip(&shares).map(|(score, share)| f64::from(*score) * share).sum())
            .collect();
        for i in 0..n {
            gradient[i] += expected[i] - f64::from(views[i][*right]);
            for j in 0..=i {
                let both = views[i].iter().zip(&views[j]).zip(&shares);
                let both: f64 = both.map(|((one, other), share)| f64::from(one * other) * share).sum();
                curvature[i * n + j] += both - expected[i] * expected[j];
            }
        }
    }
    let free: Vec<usize> = (0..n).filter(|i| weights[*i] > LEAST || gradient[*i] < 0.0).collect();
    let entries = free.iter().flat_map(|&i| free.iter().map(move |&j| (i.max(j), i.min(j))));
    let block = entries.map(|(i, j)| narrow(curvature[i * n + j])).collect();
    let inverse = crate::matrix::Matrix::of(free.len(), free.len(), block).inverse();
    let mut step = vec![0.0; n];
    for (row, &i) in free.iter().enumerate() {
        step[i] = free
            .iter()
            .enumerate()
            .map(|(column, &j)| f64::from(inverse.at(row, column)) * gradient[j])
            .sum();
    }
    (!free.is_empty() && step.iter().all(|step| step.is_finite())).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_that_is_right_gets_the_weight() {
        let cases: Vec<(Views, usize)> = (0..90)
            .map(|i| {
                let right = i % 3;
                let knows = (0..3).map(|class| {
                    f32::from(u8::from(class == if i % 10 == 0 { (right + 1) % 3 } else { right }))
                });
                let guesses = (0..3).map(|class| f32::from(u8::from(class == i * 7 / 3 % 3)));
                (vec![knows.collect(), guesses.collect()], right)
            })
            .collect();
        let weights = learn(&cases, &[1.0, 1.0]);
        assert!(weights[0] > 2.0 && weights[1] < 0.5, "{weights:?}");
        let share = shares(&cases[1].0, &weights)[1];
        assert!((share - 0.9).abs() < 0.05, "as sure as it is right: {share}");
    }

    #[test]
    fn nothing_known_leaves_the_weights() {
        assert_eq!(learn(&[], &[3.0, 4.0]), [3.0, 4.0]);
    }
}
