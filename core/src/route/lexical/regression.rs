//! One expert: a regression on how like the learned texts a message is. It weighs all examples against each other, which
//! the nearest ones alone do not.

use super::{
    likeness::Likeness,
    ridge::{self, Kernel},
    space::{Vector, to_f32},
    texts::evenly,
};

/// Texts that a regression learns, evenly chosen; its work grows with their cube.
const MAX_FITTED: usize = 3_500;
/// How much a regression is held back: by a message, and by a description.
const RIDGE: f32 = 0.3;
const DESCRIPTION_RIDGE: f32 = 1.2;
/// How alike all texts are for being texts: it lets a regression learn how frequent a class is.
const BIAS: f32 = 0.3;
/// How far likeness is curved: 0 not at all, 1 so that none of what is in proportion is left.
const CURVE: f32 = 0.6;

/// Learned texts, the messages first.
pub(super) struct Texts<'a> {
    pub(super) vectors: &'a [Vector],
    pub(super) likeness: &'a Likeness,
    /// Of each text; an example may be several agents'.
    pub(super) classes_of: Vec<Vec<usize>>,
    pub(super) messages: usize,
    pub(super) classes: usize,
}

/// What was learned.
#[derive(Debug, Default)]
pub(super) struct Regression {
    texts: usize,
    /// `alphas[class * texts + text]`; zero of texts that were left out.
    alphas: Vec<f32>,
    /// By class: what it says of a text that is like none.
    base: Vec<f32>,
}

impl Regression {
    pub(super) fn bytes(&self) -> usize {
        (self.alphas.capacity() + self.base.capacity()) * size_of::<f32>()
    }

    /// Fits it to some of the texts; returns with it the score of each of these by the others.
    pub(super) fn fit(texts: &Texts<'_>, fitted: &[usize]) -> (Self, Vec<f32>) {
        let (size, classes) = (texts.vectors.len(), texts.classes);
        let mut values = Vec::with_capacity(fitted.len() * fitted.len());
        let mut targets = vec![0.0; fitted.len() * classes];
        for (at, &i) in fitted.iter().enumerate() {
            let likeness = texts.likeness.to_all(&texts.vectors[i]);
            values.extend(fitted.iter().map(|&j| curved(likeness[j]) + BIAS));
            texts.classes_of[i].iter().for_each(|class| targets[at * classes + class] = 1.0);
        }
        let ridges = ridges(texts, fitted);
        let fit = ridge::fit(Kernel { size: fitted.len(), values }, &targets, &ridges, classes);
        let (mut alphas, mut base) = (vec![0.0; size * classes], vec![0.0; classes]);
        for (own, &i) in fit.alphas.chunks_exact(classes).zip(fitted) {
            ridge::add(&mut base, BIAS, own);
            own.iter().enumerate().for_each(|(class, alpha)| alphas[class * size + i] = *alpha);
        }
        (Self { texts: size, alphas, base }, fit.left_out)
    }

    /// Adds what it says of a text by its likeness to all.
    pub(super) fn score(&self, likeness: &[f32], scores: &mut [f32]) {
        let curved: Vec<f32> = likeness.iter().copied().map(curved).collect();
        let classes = self.alphas.chunks_exact(self.texts.max(1)).zip(&self.base);
        for ((alphas, base), score) in classes.zip(scores) {
            *score += base + ridge::dot(&curved, alphas);
        }
    }
}

/// Those of the texts that are fitted.
pub(super) fn fitted(texts: &[usize]) -> Vec<usize> {
    evenly(texts.len(), MAX_FITTED).map(|at| texts[at]).collect()
}

/// What likeness counts for: more than in proportion where there is much of it, so that features that come together count
/// beside single ones; in proportion where there is little, which is all that a few examples give.
fn curved(likeness: f32) -> f32 {
    likeness * (1.0 - CURVE + CURVE * likeness.sqrt())
}

/// The examples of an agent with many are held back more, so that they do not drown the others'.
fn ridges(texts: &Texts<'_>, fitted: &[usize]) -> Vec<f32> {
    let mut counts = vec![0_usize; texts.classes];
    texts.classes_of[..texts.messages].iter().flatten().for_each(|class| counts[*class] += 1);
    let mean = (to_f32(texts.messages) / to_f32(texts.classes)).max(1.0);
    let ridge = |&i: &usize| {
        let count = texts.classes_of[i].iter().map(|class| counts[*class]).max().unwrap_or_default();
        let often = (to_f32(count.max(1)) / mean).sqrt();
        often * if i < texts.messages { RIDGE } else { DESCRIPTION_RIDGE }
    };
    fitted.iter().map(ridge).collect()
}
