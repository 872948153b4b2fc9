//! The experts that go by likeness alone: an agent's nearest examples, all of them together, and those that are close.

use super::{CENTRE, CROWD, NEIGHBOURS, expert, ridge, space::Vector};
use std::ops::Range;

/// Of the likeness to an agent's nearest example and to the next one.
const NEAREST: f32 = 0.6;
/// Examples that are looked at together.
const LANES: usize = 4;

/// The examples of each class.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// Those of a class stand together.
    by_class: Vec<Range<usize>>,
    /// By class: the squared length of the sum of its examples.
    centres: Vec<f32>,
}

/// What some likenesses come to.
#[derive(Debug, Clone, Copy, Default)]
struct Summary {
    sum: f32,
    cubes: f32,
    nearest: f32,
    next: f32,
}

impl Neighbours {
    /// Takes the class of each example.
    pub(super) fn new(examples: impl Iterator<Item = usize>, classes: usize) -> Self {
        let mut by_class = vec![0..0; classes];
        for (i, class) in examples.enumerate() {
            let own = &mut by_class[class];
            *own = if own.end == 0 { i..i + 1 } else { own.start..i + 1 };
        }
        Self { by_class, centres: vec![0.0; classes] }
    }

    /// Learns how long the sums of the examples are, in a space of so many rows.
    pub(super) fn learn(&mut self, examples: &[Vector], rows: usize) {
        for (centre, own) in self.centres.iter_mut().zip(&self.by_class) {
            let mut sum = vec![0.0_f32; rows];
            let features = examples[own.clone()].iter().flat_map(|example| &example.features);
            features.for_each(|(row, value)| sum[*row as usize] += value);
            *centre = ridge::dot(&sum, &sum);
        }
    }

    /// Scores by the likeness to all examples; `without`: the class of one that is left out, whose likeness is none.
    pub(super) fn score(&self, likeness: &[f32], without: Option<usize>, scores: &mut [f32]) {
        let classes = self.by_class.len();
        for (class, examples) in self.by_class.iter().enumerate() {
            let all = Summary::of(&likeness[examples.clone()]);
            let centre = self.centres[class] - if without == Some(class) { 2.0 * all.sum + 1.0 } else { 0.0 };
            expert(scores, NEIGHBOURS, classes)[class] = NEAREST * all.nearest + (1.0 - NEAREST) * all.next;
            expert(scores, CROWD, classes)[class] = all.cubes.cbrt();
            expert(scores, CENTRE, classes)[class] = all.sum / centre.max(0.5).sqrt();
        }
    }
}

impl Summary {
    /// Every lane sees to its own part, and they are put together at the end: the processor works on them at once.
    fn of(likeness: &[f32]) -> Self {
        let mut lanes = Lanes::default();
        let (chunks, rest) = likeness.as_chunks();
        chunks.iter().for_each(|chunk| lanes.add(chunk));
        let mut last = [0.0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        lanes.add(&last);
        lanes.together()
    }
}

/// Summaries side by side.
#[derive(Debug, Default)]
struct Lanes {
    sum: [f32; LANES],
    cubes: [f32; LANES],
    nearest: [f32; LANES],
    next: [f32; LANES],
}

impl Lanes {
    fn add(&mut self, likeness: &[f32; LANES]) {
        for (lane, &likeness) in likeness.iter().enumerate() {
            self.sum[lane] += likeness;
            self.cubes[lane] += likeness * likeness * likeness;
        }
        for (lane, &likeness) in likeness.iter().enumerate() {
            let (nearer, farther) = in_order(self.nearest[lane], likeness);
            self.nearest[lane] = nearer;
            self.next[lane] = in_order(self.next[lane], farther).0;
        }
    }

    fn together(self) -> Summary {
        let (mut nearest, mut next) = (0.0, 0.0);
        for (&likeness, &other) in self.nearest.iter().zip(&self.next) {
            let (nearer, farther) = in_order(nearest, likeness);
            nearest = nearer;
            next = in_order(in_order(next, other).0, farther).0;
        }
        Summary { sum: self.sum.iter().sum(), cubes: self.cubes.iter().sum(), nearest, next }
    }
}

/// The larger one first. Unlike what knows of values that are no number, this is an instruction each.
fn in_order(a: f32, b: f32) -> (f32, f32) {
    (if a > b { a } else { b }, if a < b { a } else { b })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_two_are_found_wherever_they_stand() {
        let mut likeness: Vec<f32> = (0..11).map(|i| (i * 7 % 11) as f32 / 20.0).collect();
        for _ in 0..11 {
            likeness.rotate_left(1);
            let all = Summary::of(&likeness);
            assert_eq!((all.nearest, all.next), (0.5, 0.45));
            assert!((all.sum - 2.75).abs() < 1e-5);
            assert!((all.cubes - likeness.iter().map(|l| l.powi(3)).sum::<f32>()).abs() < 1e-5);
        }
        assert_eq!(Summary::of(&[0.3, 0.3]).next, 0.3);
        assert_eq!(Summary::of(&[]).nearest, 0.0);
    }
}
