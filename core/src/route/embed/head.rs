//! What is learned from vectors: a linear classifier, corrected by how close the nearest examples of each class are.
//! How much that counts, and how sure the result may be, is found on examples that were not learned.

use super::{
    regression::{Lesson, Linear, softmax},
    vector::dot,
    whitening::Whitening,
};

/// Samples times classes, beyond which samples of the larger classes are left out: a fit takes seconds then.
const MAX_WORK: usize = 2_000_000;
const FOLDS: usize = 4;
/// Nearest examples of a class that count: of twenty, more of them tell 77 close intents apart less well.
const NEIGHBOURS: usize = 2;
const CLOSENESS: [f32; 6] = [0.0, 4.0, 8.0, 16.0, 24.0, 32.0];

/// A vector of unit length to learn from.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) vector: Vec<f32>,
    pub(crate) class: usize,
    pub(crate) weight: f32,
    /// A message somebody would write, and not a description: it may be held out, and be a neighbour.
    pub(crate) is_message: bool,
}

/// The classifier.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    classes: usize,
    linear: Linear,
    whitening: Whitening,
    examples: Vec<Example>,
    closeness: f32,
    temperature: f32,
}

#[derive(Clone, Debug)]
struct Example {
    sample: usize,
    class: usize,
    vector: Vec<f32>,
    whitened: Vec<f32>,
}

/// A classifier, and what it would say about each message of its samples if it had not learned it.
#[derive(Debug)]
pub(crate) struct Trained {
    pub(crate) head: Head,
    /// In the order of the samples; none where a sample was not held out.
    pub(crate) held_out: Vec<Option<Vec<f64>>>,
}

/// An example and its cosine to a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Near {
    /// Its number among the samples.
    pub(crate) sample: usize,
    pub(crate) class: usize,
    pub(crate) cosine: f64,
}

impl Head {
    /// Learns; every sample's class is below `classes`.
    pub(crate) fn train(samples: &[Sample], classes: usize) -> Trained {
        let kept = kept(samples, classes);
        let folds = folds(samples, &kept, classes);
        let mut held_out: Vec<(usize, Features)> = Vec::new();
        for fold in 0..FOLDS {
            let learned: Vec<usize> =
                kept.iter().zip(&folds).filter(|(_, of)| **of != Some(fold)).map(|(i, _)| *i).collect();
            let head = Self::fit(samples, &learned, classes);
            let out = kept.iter().zip(&folds).filter(|(_, of)| **of == Some(fold));
            held_out.extend(out.map(|(&i, _)| (i, head.features(&samples[i].vector))));
        }
        let mut head = Self::fit(samples, &kept, classes);
        (head.closeness, head.temperature) = most_honest(samples, &held_out);
        let mut shares = vec![None; samples.len()];
        for (i, features) in &held_out {
            shares[*i] = Some(head.shares(features));
        }
        Trained { head, held_out: shares }
    }

    /// About how much memory it takes; of the rest only the examples and the whitening grow.
    pub(crate) fn bytes(&self) -> usize {
        let vectors = self.examples.iter().flat_map(|example| [&example.vector, &example.whitened]);
        let vectors: usize = vectors.map(|vector| vector.capacity() * size_of::<f32>()).sum();
        let width = self.examples.first().map_or(0, |example| example.vector.len());
        vectors + self.examples.capacity() * size_of::<Example>() + width * width * size_of::<f32>()
    }

    /// How likely each class is.
    pub(crate) fn score(&self, vector: &[f32]) -> Vec<f64> {
        self.shares(&self.features(vector))
    }

    /// The nearest examples, nearest first. How far the first one is tells how new a message is.
    pub(crate) fn nearest(&self, vector: &[f32], count: usize) -> Vec<Near> {
        let near = |example: &Example| Near {
            sample: example.sample,
            class: example.class,
            cosine: f64::from(dot(&example.vector, vector)),
        };
        let mut nearest: Vec<Near> = self.examples.iter().map(near).collect();
        nearest.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.sample.cmp(&b.sample)));
        nearest.truncate(count);
        nearest
    }

    fn fit(samples: &[Sample], learned: &[usize], classes: usize) -> Self {
        let width = samples.first().map_or(0, |sample| sample.vector.len());
        let lesson = |&i: &usize| {
            let Sample { vector, class, weight, .. } = &samples[i];
            Lesson { vector, class: *class, weight: *weight }
        };
        let lessons: Vec<Lesson<'_>> = learned.iter().map(lesson).collect();
        let linear = Linear::fit(&lessons, width, classes);
        let messages: Vec<usize> = learned.iter().copied().filter(|&i| samples[i].is_message).collect();
        let spread: Vec<_> = messages.iter().map(|&i| (&samples[i].vector[..], samples[i].class)).collect();
        let whitening = Whitening::fit(&spread, width, classes);
        let example = |&i: &usize| {
            let Sample { vector, class, .. } = &samples[i];
            Example { sample: i, class: *class, vector: vector.clone(), whitened: whitening.of(vector) }
        };
        let examples = messages.iter().map(example).collect();
        Self { classes, linear, whitening, examples, closeness: 0.0, temperature: 1.0 }
    }

    fn features(&self, vector: &[f32]) -> Features {
        let mut best = vec![[f32::NEG_INFINITY; NEIGHBOURS]; self.classes];
        let whitened = self.whitening.of(vector);
        for example in &self.examples {
            insert(&mut best[example.class], dot(&example.whitened, &whitened));
        }
        Features {
            logits: self.linear.logits(vector),
            closeness: best.iter().map(|best| mean(best)).collect(),
        }
    }

    fn shares(&self, features: &Features) -> Vec<f64> {
        let mut shares = features.combined(self.closeness);
        softmax(&mut shares, self.temperature);
        shares.into_iter().map(f64::from).collect()
    }
}

/// What is known of a message, by class.
struct Features {
    logits: Vec<f32>,
    closeness: Vec<f32>,
}

impl Features {
    fn combined(&self, weight: f32) -> Vec<f32> {
        self.logits.iter().zip(&self.closeness).map(|(logit, close)| logit + weight * close).collect()
    }
}

/// Keeps the largest, in descending order.
fn insert(best: &mut [f32; NEIGHBOURS], mut cosine: f32) {
    for place in best {
        if cosine > *place {
            std::mem::swap(place, &mut cosine);
        }
    }
}

/// A class without examples is at a right angle to everything.
fn mean(best: &[f32]) -> f32 {
    let found = best.iter().copied().filter(|cosine| cosine.is_finite());
    let (sum, count) = found.fold((0.0, 0.0_f32), |(sum, count), cosine| (sum + cosine, count + 1.0));
    sum / count.max(1.0)
}

/// All samples, or as many of each class as there is time for, evenly chosen.
fn kept(samples: &[Sample], classes: usize) -> Vec<usize> {
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); classes];
    samples.iter().enumerate().for_each(|(i, sample)| of_class[sample.class].push(i));
    let count = |most: usize| of_class.iter().map(|of| of.len().min(most)).sum::<usize>();
    let mut most = of_class.iter().map(Vec::len).max().unwrap_or_default();
    while most > 1 && count(most) * classes > MAX_WORK {
        most -= 1;
    }
    let evenly = |of: &Vec<usize>| {
        let take = of.len().min(most);
        (0..take).map(|i| of[i * of.len() / take]).collect::<Vec<_>>()
    };
    let mut kept: Vec<usize> = of_class.iter().flat_map(evenly).collect();
    kept.sort_unstable();
    kept
}

/// In which fold a sample is held out: in turns within its class.
fn folds(samples: &[Sample], kept: &[usize], classes: usize) -> Vec<Option<usize>> {
    let mut turns = vec![0_usize; classes];
    let mut fold = |&i: &usize| {
        let Sample { class, is_message, .. } = samples[i];
        is_message.then(|| {
            turns[class] += 1;
            turns[class] % FOLDS
        })
    };
    kept.iter().map(&mut fold).collect()
}

/// The weight of closeness and the temperature under which held-out messages surprise least.
fn most_honest(samples: &[Sample], held_out: &[(usize, Features)]) -> (f32, f32) {
    let surprise = |closeness: f32, temperature: f32| -> f64 {
        let of = |(i, features): &(usize, Features)| {
            let mut shares = features.combined(closeness);
            softmax(&mut shares, temperature);
            let Sample { class, weight, .. } = samples[*i];
            -f64::from(weight) * f64::from(shares[class].max(1e-9)).ln()
        };
        held_out.iter().map(of).sum()
    };
    let temperatures = (0..32).map(|i| 0.1 * 1.12_f32.powi(i));
    let candidates = temperatures.flat_map(|t| CLOSENESS.map(|closeness| (closeness * t.min(1.0), t)));
    let candidates = candidates.map(|(closeness, t)| (surprise(closeness, t), closeness, t));
    let best = candidates.min_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|_| !held_out.is_empty()).map_or((0.0, 1.0), |(_, closeness, t)| (closeness, t))
}

#[cfg(test)]
mod tests {
    use super::{super::vector::unit, *};

    /// Three classes around three axes, with some spread.
    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for i in 0..30_u8 {
            let class = usize::from(i % 3);
            let mut vector = vec![0.1 * f32::from(i % 7), 0.1 * f32::from(i % 5), 0.1 * f32::from(i % 4)];
            vector[class] += 1.0;
            samples.push(Sample { vector: unit(vector).unwrap(), class, weight: 1.0, is_message: true });
        }
        samples
    }

    #[test]
    fn it_learns_and_says_the_same_each_time() {
        let (first, second) = (Head::train(&samples(), 4), Head::train(&samples(), 4));
        for (i, sample) in samples().iter().enumerate() {
            let shares = first.head.score(&sample.vector);
            assert_eq!(shares, second.head.score(&sample.vector));
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-5);
            assert!(shares[sample.class] > 0.5, "{i} {shares:?}");
            let unseen = first.held_out[i].as_ref().unwrap();
            assert!(unseen[sample.class] > 0.4, "{i} {unseen:?}");
            assert!(shares[3] < 0.1, "a class without samples is not likely");
        }
    }

    #[test]
    fn contradicting_examples_make_it_unsure() {
        let mut contradicting = samples();
        contradicting.iter_mut().enumerate().for_each(|(i, sample)| sample.class = (i / 3) % 3);
        let head = Head::train(&contradicting, 3).head;
        let shares = head.score(&samples()[0].vector);
        assert!(shares.iter().all(|share| *share < 0.7), "{shares:?}");
    }

    #[test]
    fn the_nearest_example_tells_how_new_a_message_is() {
        let samples = samples();
        let head = Head::train(&samples, 3).head;
        let nearest = head.nearest(&samples[7].vector, 2);
        assert_eq!((nearest.len(), nearest[0].class), (2, samples[7].class));
        assert!(nearest[0].cosine > 0.999 && nearest[0].cosine >= nearest[1].cosine);
        assert!(head.nearest(&[-1.0, -1.0, -1.0], 1)[0].cosine < 0.0);
    }

    #[test]
    fn a_description_is_learned_and_not_held_out() {
        let mut samples = samples();
        samples[0].is_message = false;
        let trained = Head::train(&samples, 3);
        assert!(trained.held_out[0].is_none());
        assert!(trained.head.nearest(&samples[0].vector, 30).iter().all(|near| near.sample != 0));
    }

    #[test]
    fn without_samples_nothing_is_likelier() {
        let head = Head::train(&[], 2).head;
        assert_eq!(head.score(&[1.0, 0.0]), [0.5, 0.5]);
        assert!(head.nearest(&[1.0, 0.0], 3).is_empty());
    }

    #[test]
    fn a_class_with_very_many_samples_loses_some() {
        let sample = Sample { vector: vec![1.0], class: 0, weight: 1.0, is_message: true };
        let mut samples = vec![sample.clone(); 5_000];
        samples.push(Sample { class: 1, ..sample });
        let kept = kept(&samples, 1_000);
        assert!(kept.len() * 1_000 <= MAX_WORK && kept.contains(&5_000), "{}", kept.len());
    }
}
