//! Makes confidence honest: what the rows of `--dev` say about how often answers of a stage are right.

use super::answers::Answer;

/// Stages with fewer rows keep what they said.
const FEWEST: usize = 40;
const STEPS: usize = 200;
/// How strongly a map is held to leaving everything as it is, in rows.
const PRIOR: f64 = 5.0;

/// A map of confidence for each stage: a line on the log-odds (Platt, 1999), so that the order within a stage stays.
#[derive(Debug, Default)]
pub(super) struct Calibration(Vec<(&'static str, Line)>);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    slope: f64,
    shift: f64,
}

impl Calibration {
    /// Fits the maps on answers that are known to be right or wrong.
    pub(super) fn fit<'a>(known: impl Iterator<Item = (&'a Answer, bool)>) -> Self {
        let mut by_stage: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
        for (answer, right) in known {
            let point = (log_odds(answer.confidence), f64::from(u8::from(right)));
            match by_stage.iter_mut().find(|(stage, _)| *stage == answer.answered_by()) {
                Some((_, points)) => points.push(point),
                None => by_stage.push((answer.answered_by(), vec![point])),
            }
        }
        by_stage.retain(|(_, points)| points.len() >= FEWEST);
        Self(by_stage.into_iter().map(|(stage, points)| (stage, Line::fit(&points))).collect())
    }

    pub(super) fn apply(&self, answer: &mut Answer) {
        if let Some((_, line)) = self.0.iter().find(|(stage, _)| *stage == answer.answered_by()) {
            answer.confidence = line.at(log_odds(answer.confidence));
        }
    }
}

impl Line {
    /// Newton's method on the logistic loss, held to the identity by a few rows' weight.
    fn fit(points: &[(f64, f64)]) -> Self {
        let mut line = Self { slope: 1.0, shift: 0.0 };
        for _ in 0..STEPS {
            let (mut ds, mut dt) = (PRIOR * (line.slope - 1.0), PRIOR * 0.2 * line.shift);
            let (mut ss, mut st, mut tt) = (PRIOR, 0.0, PRIOR * 0.2);
            for &(x, right) in points {
                let share = line.at(x);
                let (error, weight) = (share - right, (share * (1.0 - share)).max(1e-6));
                ds += error * x;
                dt += error;
                ss += weight * x * x;
                st += weight * x;
                tt += weight;
            }
            let determinant = (ss * tt - st * st).max(1e-9);
            let (slope, shift) = ((tt * ds - st * dt) / determinant, (ss * dt - st * ds) / determinant);
            line.slope = (line.slope - slope.clamp(-0.5, 0.5)).clamp(0.05, 10.0);
            line.shift -= shift.clamp(-0.5, 0.5);
            if slope.abs() + shift.abs() < 1e-9 {
                break;
            }
        }
        line
    }

    fn at(self, x: f64) -> f64 {
        1.0 / (1.0 + (-(self.slope * x + self.shift)).exp())
    }
}

fn log_odds(share: f64) -> f64 {
    let share = share.clamp(1e-6, 1.0 - 1e-6);
    (share / (1.0 - share)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::events::Stage;

    fn answer(confidence: f64) -> Answer {
        Answer { labels: vec![], confidence, us: 1.0, stage: Stage::Lexical, degraded: None, decided: true }
    }

    #[test]
    fn what_was_too_sure_becomes_less_so_and_keeps_its_order() {
        let answers: Vec<_> = (0..400).map(|i| answer(if i % 2 == 0 { 0.95 } else { 0.6 })).collect();
        let known = answers.iter().enumerate().map(|(i, answer)| (answer, i % 10 < 6));
        let calibration = Calibration::fit(known);
        let after = |confidence: f64| {
            let mut answer = answer(confidence);
            calibration.apply(&mut answer);
            answer.confidence
        };
        assert!((after(0.95) - 0.6).abs() < 0.08, "{}", after(0.95));
        assert!(after(0.99) > after(0.95) && after(0.95) > after(0.6));
    }

    #[test]
    fn what_the_llm_left_behind_says_nothing_about_what_the_local_model_decides() {
        let late = Answer { degraded: Some("timed_out"), decided: false, ..answer(0.9) };
        let known = (0..100).flat_map(|_| [(answer(0.9), true), (late.clone(), false)]).collect::<Vec<_>>();
        let calibration = Calibration::fit(known.iter().map(|(answer, right)| (answer, *right)));
        let (mut decided, mut left) = (answer(0.9), late);
        calibration.apply(&mut decided);
        calibration.apply(&mut left);
        assert!(decided.confidence > 0.9 && left.confidence < 0.5, "{decided:?} {left:?}");
    }

    #[test]
    fn a_few_rows_change_nothing() {
        let sure = answer(0.9);
        let calibration = Calibration::fit([(&sure, false)].into_iter());
        let mut same = sure.clone();
        calibration.apply(&mut same);
        assert_eq!(same, sure);
    }
}
