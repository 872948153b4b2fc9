//! The local model: what a message is like, learned from the agents' own examples, names and skills. Several experts
//! score every agent, and the weight of each expert is learned from examples that it has not seen. It knows the
//! languages that the examples are in, and how much of a message it knows.

mod features;
mod near;
mod negatives;
mod phrases;
mod profiles;
mod ridge;
mod space;
#[cfg(test)]
mod tests;
mod training;

pub(in crate::route) use features::{is_mark, is_unspaced, words};
pub(crate) use near::Near;
pub(in crate::route) use negatives::NEGATIVES;
pub(in crate::route) use profiles::spaced;

use super::combine::{self, Case, Start};
use crate::agents::{Agent, Skill};
use features::Features;
use profiles::Profiles;
use ridge::Kernel;
use space::{Likeness, Space, Vector, to_f32};
use std::sync::Arc;
use training::{Linear, Sample};

/// Weights in memory at most; more agents get fewer features.
const MAX_WEIGHTS: usize = 16_000_000;
/// Examples of one agent that are learned.
pub(crate) const MAX_EXAMPLES: usize = 300;
/// Texts that the regression learns, evenly chosen; its work grows with their cube.
const MAX_FITTED: usize = 3_500;
/// How much of a description is learned: enough to say what an agent does, too little to claim everything.
const MAX_DESCRIPTION_CHARS: usize = 300;
const DESCRIPTION_WEIGHT: f32 = 0.3;
const NEGATIVE_WEIGHT: f32 = 0.6;
/// How much the regression is held back: by a message, and by a description.
const RIDGE: f32 = 0.3;
const DESCRIPTION_RIDGE: f32 = 1.2;
/// How alike all texts are for being texts: it lets the regression learn how frequent a class is.
const BIAS: f32 = 0.3;
/// Of the likeness to an agent's nearest example and to the next one.
const NEAREST: f32 = 0.6;

/// The experts, in the order of their scores.
const EXPERTS: usize = 7;
const REGRESSION: usize = 0;
const NEIGHBOURS: usize = 1;
const CENTRE: usize = 2;
const PROFILE: usize = 3;
const NOBODY: usize = 4;
const LINEAR: usize = 5;
const CROWD: usize = 6;

/// The experts' weights before anything is learned.
const START: [Start; EXPERTS] = [
    Start { weight: 4.0, spread: 10.0 },
    Start { weight: 2.0, spread: 10.0 },
    Start { weight: 2.0, spread: 10.0 },
    Start { weight: 10.0, spread: 10.0 },
    Start { weight: 0.0, spread: 2.0 },
    Start { weight: 0.5, spread: 2.0 },
    Start { weight: 0.0, spread: 10.0 },
];

/// What the agents' texts teach.
#[derive(Debug)]
pub(crate) struct Model {
    classes: usize,
    space: Space,
    likeness: Likeness,
    /// Of every text, messages first.
    texts: Vec<Learned>,
    messages: usize,
    /// `alphas[text * classes + class]`, of the texts that the regression has learned; zero of the others.
    alphas: Vec<f32>,
    /// By class: what the regression says of a text that is like none.
    base: Vec<f32>,
    /// By class: the squared length of the sum of its messages.
    centres: Vec<f32>,
    profiles: Profiles,
    linear: Linear,
    weights: Vec<f64>,
    held_out: Vec<HeldOut>,
}

#[derive(Debug)]
struct Learned {
    class: usize,
    text: String,
}

/// How likely each agent is, and nobody.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shares {
    /// In the order of the roster.
    pub(crate) agents: Vec<f64>,
    /// That it is for none of them.
    pub(crate) none: f64,
    /// Which share of the message's words the agents' texts have, rare words counting more.
    pub(crate) known: f64,
}

/// What the model says of an example of its own, had it not learned it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HeldOut {
    /// The agent, in the order of the roster; after the last one, nobody.
    pub(crate) class: usize,
    pub(crate) text: String,
    /// By class.
    pub(crate) shares: Vec<f64>,
}

impl Model {
    #[cfg(test)]
    pub(crate) fn train(agents: &[Arc<Agent>]) -> Self {
        Self::train_with(agents, &[])
    }

    /// The same with more messages that are for nobody.
    pub(crate) fn train_with(agents: &[Arc<Agent>], nobody: &[String]) -> Self {
        let texts = texts(agents, nobody);
        let classes = agents.len() + 1;
        let features: Vec<Features> = texts.iter().map(|text| Features::of(&text.text)).collect();
        let of_agent = texts.iter().map(|text| text.class != agents.len());
        let space = Space::new(features.iter().zip(of_agent), MAX_WEIGHTS / classes);
        let vectors: Vec<Vector> = features.iter().map(|features| space.vector(features)).collect();
        let mut model = Self {
            classes,
            likeness: Likeness::new(&vectors, space.len()),
            space,
            messages: texts.iter().filter(|text| text.is_message).count(),
            alphas: Vec::new(),
            base: vec![0.0; classes],
            centres: vec![0.0; classes],
            profiles: Profiles::new(agents),
            linear: Linear::train(&[], 0, classes),
            weights: Vec::new(),
            held_out: Vec::new(),
            texts: texts.into_iter().map(|text| Learned { class: text.class, text: text.text }).collect(),
        };
        model.learn(&vectors, &features);
        model
    }

    /// Scores a message.
    pub(crate) fn score(&self, text: &str) -> Shares {
        let features = Features::of(text);
        let mut scores = vec![0.0_f32; EXPERTS * self.classes];
        if !self.held_out.is_empty() {
            let vector = self.space.vector(&features);
            let likeness = self.likeness.to_all(&vector);
            scores = self.by_likeness(&likeness, None);
            self.regress(&likeness, expert(&mut scores, REGRESSION, self.classes));
            expert(&mut scores, LINEAR, self.classes).copy_from_slice(&self.linear.logits(&vector));
        }
        self.profiles.score(&features, expert(&mut scores, PROFILE, self.classes));
        let mut shares = combine::shares(&scores, self.classes, &self.weights);
        let none = shares.pop().unwrap_or(1.0);
        Shares { agents: shares, none, known: self.space.known(&features) }
    }

    /// What it says of its own examples, had it not learned them; to weigh another opinion against it.
    pub(crate) fn held_out(&self) -> &[HeldOut] {
        &self.held_out
    }

    fn learn(&mut self, vectors: &[Vector], features: &[Features]) {
        let classes = self.classes;
        let mut counts = vec![0_usize; classes];
        self.texts[..self.messages].iter().for_each(|text| counts[text.class] += 1);
        let with_examples = counts[..classes - 1].iter().any(|count| *count > 0);
        let left_out = self.fit_regression(vectors, &counts);
        self.weights = START.iter().map(|start| start.weight).collect();
        if !with_examples {
            // Nothing but profiles is known of the agents, and examples of nobody's must not speak against them.
            let only_profiles = |(expert, weight): (usize, &mut f64)| {
                if expert != PROFILE {
                    *weight = 0.0
                }
            };
            self.weights.iter_mut().enumerate().for_each(only_profiles);
            return;
        }
        let samples = self.samples(vectors, &counts);
        let rows = self.space.len();
        let linear = training::held_out(&samples, rows, classes);
        self.linear = Linear::train(&samples.iter().collect::<Vec<_>>(), rows, classes);
        let mean = to_f32(self.messages) / to_f32(classes);
        let case = |i: usize| {
            let class = self.texts[i].class;
            let mut scores = self.by_likeness(&self.likeness.to_all(&vectors[i]), Some(i));
            let of_regression = &left_out[i * classes..(i + 1) * classes];
            expert(&mut scores, REGRESSION, classes).copy_from_slice(of_regression);
            self.profiles.score(&features[i], expert(&mut scores, PROFILE, classes));
            expert(&mut scores, LINEAR, classes).copy_from_slice(&linear[i]);
            Case { scores, class, weight: f64::from((mean / to_f32(counts[class])).sqrt()) }
        };
        let cases: Vec<Case> = (0..self.messages).map(case).collect();
        self.weights = combine::learn(&cases, classes, &START);
        let held_out = |(case, text): (&Case, &Learned)| HeldOut {
            class: case.class,
            text: text.text.clone(),
            shares: combine::shares(&case.scores, classes, &self.weights),
        };
        self.held_out = cases.iter().zip(&self.texts).map(held_out).collect();
    }

    /// Fits the regression and the centres; returns the score of each text by the others.
    fn fit_regression(&mut self, vectors: &[Vector], counts: &[usize]) -> Vec<f32> {
        let (size, classes) = (self.texts.len(), self.classes);
        let step = size.div_ceil(MAX_FITTED).max(1);
        let fitted: Vec<usize> = (0..size).step_by(step).collect();
        let mut values = Vec::with_capacity(fitted.len() * fitted.len());
        for (i, vector) in vectors.iter().enumerate() {
            let likeness = self.likeness.to_all(vector);
            if i < self.messages {
                let same = self.texts[..self.messages].iter().zip(&likeness);
                let class = self.texts[i].class;
                self.centres[class] +=
                    same.filter(|(text, _)| text.class == class).map(|(_, l)| l).sum::<f32>();
            }
            if i % step == 0 {
                values.extend(fitted.iter().map(|&j| curved(likeness[j]) + BIAS));
            }
        }
        let mean = to_f32(self.messages) / to_f32(classes);
        let ridge = |&i: &usize| {
            let often = (to_f32(counts[self.texts[i].class].max(1)) / mean.max(1.0)).sqrt();
            often * if i < self.messages { RIDGE } else { DESCRIPTION_RIDGE }
        };
        let ridges: Vec<f32> = fitted.iter().map(ridge).collect();
        let mut targets = vec![0.0; fitted.len() * classes];
        for (at, &i) in fitted.iter().enumerate() {
            targets[at * classes + self.texts[i].class] = 1.0;
        }
        let fit = ridge::fit(Kernel { size: fitted.len(), values }, &targets, &ridges, classes);
        self.alphas = vec![0.0; size * classes];
        fit.alphas.chunks_exact(classes).for_each(|alphas| ridge::add(&mut self.base, BIAS, alphas));
        for (at, &i) in fitted.iter().enumerate() {
            self.alphas[i * classes..(i + 1) * classes]
                .copy_from_slice(&fit.alphas[at * classes..(at + 1) * classes]);
        }
        let mut left_out = vec![0.0; size * classes];
        for (i, vector) in vectors.iter().enumerate() {
            let own = &mut left_out[i * classes..(i + 1) * classes];
            if i % step == 0 {
                own.copy_from_slice(&fit.left_out[i / step * classes..(i / step + 1) * classes]);
            } else {
                self.regress(&self.likeness.to_all(vector), own);
            }
        }
        left_out
    }

    fn regress(&self, likeness: &[f32], scores: &mut [f32]) {
        ridge::add(scores, 1.0, &self.base);
        for (&likeness, alphas) in likeness.iter().zip(self.alphas.chunks_exact(self.classes)) {
            if likeness > 0.0 {
                ridge::add(scores, curved(likeness), alphas);
            }
        }
    }

    fn samples(&self, vectors: &[Vector], counts: &[usize]) -> Vec<Sample> {
        let sample = |(i, vector): (usize, &Vector)| {
            let (class, is_message) = (self.texts[i].class, i < self.messages);
            let own = match (is_message, class + 1 == self.classes) {
                (false, _) => DESCRIPTION_WEIGHT,
                (true, true) => NEGATIVE_WEIGHT,
                (true, false) => 1.0,
            };
            // An agent with many examples must not drown the others.
            let weight = own * (12.0 / to_f32(counts[class].max(1))).sqrt().min(1.5);
            Sample { vector: vector.clone(), class, weight, is_message }
        };
        vectors.iter().enumerate().map(sample).collect()
    }

    /// The scores of the experts that go by likeness alone; `without`: a text that is to be left out.
    fn by_likeness(&self, likeness: &[f32], without: Option<usize>) -> Vec<f32> {
        let classes = self.classes;
        let mut scores = vec![0.0_f32; EXPERTS * classes];
        let mut next = vec![0.0_f32; classes];
        for (i, (&likeness, text)) in likeness.iter().zip(&self.texts[..self.messages]).enumerate() {
            if likeness == 0.0 || Some(i) == without {
                continue;
            }
            let nearest = &mut scores[NEIGHBOURS * classes + text.class];
            if likeness > *nearest {
                next[text.class] = std::mem::replace(nearest, likeness);
            } else {
                next[text.class] = next[text.class].max(likeness);
            }
            scores[CENTRE * classes + text.class] += likeness;
            scores[CROWD * classes + text.class] += likeness.powi(3);
        }
        for class in 0..classes {
            let nearest = &mut scores[NEIGHBOURS * classes + class];
            *nearest = NEAREST * *nearest + (1.0 - NEAREST) * next[class];
            let crowd = &mut scores[CROWD * classes + class];
            *crowd = crowd.cbrt();
            let sum = &mut scores[CENTRE * classes + class];
            let own = without.is_some_and(|without| self.texts[without].class == class);
            let centre = self.centres[class] - if own { 2.0 * *sum + 1.0 } else { 0.0 };
            *sum /= centre.max(0.5).sqrt();
        }
        scores[NOBODY * classes + classes - 1] = 1.0;
        scores
    }
}

/// The regression's kernel: closeness counts more than in proportion, so that pairs of features count beside features.
fn curved(likeness: f32) -> f32 {
    likeness * likeness.max(0.0).sqrt()
}

fn expert(scores: &mut [f32], expert: usize, classes: usize) -> &mut [f32] {
    &mut scores[expert * classes..(expert + 1) * classes]
}

/// A text to learn from; the class after the last agent is nobody.
struct Text {
    text: String,
    class: usize,
    is_message: bool,
}

/// All texts, the messages first.
fn texts(agents: &[Arc<Agent>], nobody: &[String]) -> Vec<Text> {
    let mut texts = Vec::new();
    let mut tags = Vec::new();
    for (class, agent) in agents.iter().enumerate() {
        for text in agent.all_examples().take(MAX_EXAMPLES) {
            // A single word is a tag rather than a message; as a message it would claim all that have the word.
            let is_message = words(text).len() > 1;
            let list = if is_message { &mut texts } else { &mut tags };
            list.push(Text { text: text.to_owned(), class, is_message });
        }
    }
    let nobody = negatives::NEGATIVES.iter().copied().chain(nobody.iter().map(String::as_str));
    texts.extend(nobody.map(|text| Text { text: text.to_owned(), class: agents.len(), is_message: true }));
    texts.append(&mut tags);
    for (class, agent) in agents.iter().enumerate() {
        let description: String = agent.description.chars().take(MAX_DESCRIPTION_CHARS).collect();
        let own = format!("{} {description}", profiles::spaced(&agent.name));
        let skills = agent.skills.iter().map(skill);
        texts.extend(std::iter::once(own).chain(skills).map(|text| Text { text, class, is_message: false }));
    }
    texts
}

fn skill(skill: &Skill) -> String {
    let description: String = skill.description.chars().take(MAX_DESCRIPTION_CHARS).collect();
    format!("{} {description} {}", profiles::spaced(&skill.name), skill.tags.join(" "))
}
