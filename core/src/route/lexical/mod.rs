//! The local model: what a message is like, learned from the agents' own examples, names and skills. Several experts
//! score every agent, and the weight of each expert is learned from examples that it has not seen. It knows the
//! languages that the examples are in, and how much of a message it knows.

mod features;
mod joint;
mod likeness;
mod near;
mod negatives;
mod neighbours;
mod phrases;
mod profiles;
mod regression;
mod ridge;
mod space;
#[cfg(test)]
mod tests;
mod texts;
mod training;
mod vocabulary;
mod words;

pub(in crate::route) use joint::Together;
pub(crate) use near::Near;
pub(in crate::route) use negatives::NEGATIVES;
pub(in crate::route) use profiles::spaced;
pub(crate) use texts::examples;
pub(in crate::route) use words::{is_mark, is_unspaced, words};

use super::combine::{self, Case, Start};
use crate::agents::Agent;
use features::Features;
use joint::Joint;
use likeness::Likeness;
use neighbours::Neighbours;
use profiles::Profiles;
use regression::{Regression, Texts};
use space::{Space, Vector, to_f32};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use texts::texts;
use training::{Linear, Sample};
use vocabulary::{Place, Vocabulary};

/// Weights in memory at most; more agents get fewer features.
const MAX_WEIGHTS: usize = 16_000_000;
/// Examples that are scored as if they had not been learned; more say hardly more, and each costs as much as a message.
const MAX_HELD_OUT: usize = 4_000;
const DESCRIPTION_WEIGHT: f32 = 0.3;
const NEGATIVE_WEIGHT: f32 = 0.6;

/// The experts, in the order of their scores.
const EXPERTS: usize = 7;
const REGRESSION: usize = 0;
const NEIGHBOURS: usize = 1;
const CENTRE: usize = 2;
const PROFILE: usize = 3;
const NOBODY: usize = 4;
const LINEAR: usize = 5;
const CROWD: usize = 6;

/// So many examples are few: what so many say of the experts' weights counts for half.
const FEW: f32 = 100.0;
/// The experts' weights before anything is learned.
const START: [Start; EXPERTS] = [
    Start { weight: 4.0, spread: 10.0 },
    Start { weight: 2.0, spread: 10.0 },
    Start { weight: 2.0, spread: 10.0 },
    Start { weight: 10.0, spread: 10.0 },
    Start { weight: 0.0, spread: 2.0 },
    Start { weight: 1.5, spread: 2.0 },
    Start { weight: 0.0, spread: 10.0 },
];

/// What the agents' texts teach.
#[derive(Debug)]
pub(crate) struct Model {
    classes: usize,
    vocabulary: Vocabulary,
    space: Space,
    likeness: Likeness,
    /// Of every text, messages first.
    texts: Vec<Learned>,
    messages: usize,
    regression: Regression,
    neighbours: Neighbours,
    profiles: Profiles,
    linear: Linear,
    weights: Vec<f64>,
    held_out: Vec<HeldOut>,
    joint: Option<Joint>,
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
    /// Whether it is for its agent alone, as far as is known, and not for all that have it together.
    pub(crate) alone: bool,
}

impl HeldOut {
    /// The class that alone is right for it.
    pub(crate) fn only(&self) -> Option<usize> {
        self.alone.then_some(self.class)
    }
}

/// Which class has which example, among those that were held out.
pub(crate) struct Owners<'a>(HashSet<(usize, &'a str)>);

impl Owners<'_> {
    pub(crate) fn have(&self, class: usize, text: &str) -> bool {
        self.0.contains(&(class, text))
    }
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
        let (space, of_texts) = Space::new(features.iter().zip(of_agent), MAX_WEIGHTS / classes);
        let (profiles, of_profiles) = Profiles::new(agents);
        let vocabulary = Vocabulary::new(of_texts, of_profiles);
        let places: Vec<_> = features.iter().map(|features| vocabulary.find(features)).collect();
        let vectors: Vec<Vector> = places.iter().map(|places| space.vector(places)).collect();
        let messages = texts.iter().filter(|text| text.is_message).count();
        let mut model = Self {
            classes,
            vocabulary,
            likeness: Likeness::new(&vectors, &space),
            space,
            messages,
            regression: Regression::default(),
            neighbours: Neighbours::new(texts[..messages].iter().map(|text| text.class), classes),
            profiles,
            linear: Linear::train(&[], 0, classes),
            weights: Vec::new(),
            held_out: Vec::new(),
            joint: None,
            texts: texts.into_iter().map(|text| Learned { class: text.class, text: text.text }).collect(),
        };
        model.learn(&vectors, &places);
        model
    }

    /// About how much memory it takes: what its vectors have room for.
    pub(crate) fn bytes(&self) -> usize {
        let texts: usize = self.texts.iter().map(|text| size_of::<Learned>() + text.text.capacity()).sum();
        let held_out = self.held_out.iter().map(|held| {
            size_of::<HeldOut>() + held.text.capacity() + held.shares.capacity() * size_of::<f64>()
        });
        let joint = self.joint.as_ref().map_or(0, Joint::bytes);
        texts
            + held_out.sum::<usize>()
            + self.vocabulary.bytes()
            + self.space.bytes()
            + self.likeness.bytes()
            + self.regression.bytes()
            + self.profiles.bytes()
            + self.linear.bytes()
            + joint
    }

    /// Scores a message.
    pub(crate) fn score(&self, text: &str) -> Shares {
        let places = self.vocabulary.find(&Features::of(text));
        let mut scores = vec![0.0_f32; EXPERTS * self.classes];
        if !self.held_out.is_empty() {
            let vector = self.space.vector(&places);
            let likeness = self.likeness.to_all(&vector);
            self.by_likeness(&likeness, None, &mut scores);
            self.regression.score(&likeness, expert(&mut scores, REGRESSION, self.classes));
            expert(&mut scores, LINEAR, self.classes).copy_from_slice(&self.linear.logits(&vector));
        }
        self.profiles.score(&places, expert(&mut scores, PROFILE, self.classes));
        let mut shares = combine::shares(&scores, self.classes, &self.weights);
        let none = shares.pop().unwrap_or(1.0);
        Shares { agents: shares, none, known: self.space.known(&places) }
    }

    /// The agents that a message is for together, where it is like examples that several agents have.
    pub(in crate::route) fn together(&self, text: &str) -> Option<Together> {
        let joint = self.joint.as_ref()?;
        let places = self.vocabulary.find(&Features::of(text));
        joint.together(&self.likeness.to_all(&self.space.vector(&places)))
    }

    /// What it says of its own examples, had it not learned them; to weigh another opinion against it.
    pub(crate) fn held_out(&self) -> &[HeldOut] {
        &self.held_out
    }

    /// Who has which of those examples.
    pub(crate) fn owners(&self) -> Owners<'_> {
        Owners(self.held_out.iter().map(|held| (held.class, held.text.as_str())).collect())
    }

    fn learn(&mut self, vectors: &[Vector], places: &[Features<Place>]) {
        let classes = self.classes;
        let mut counts = vec![0_usize; classes];
        self.texts[..self.messages].iter().for_each(|text| counts[text.class] += 1);
        let with_examples = counts[..classes - 1].iter().any(|count| *count > 0);
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
        self.neighbours.learn(&vectors[..self.messages], self.space.len());
        let samples = self.samples(vectors, &counts);
        let rows = self.space.len();
        let linear = training::held_out(&samples, rows, classes);
        self.linear = Linear::train(&samples.iter().collect::<Vec<_>>(), rows, classes);
        let (fitted, left_out) = self.fit_regression(vectors);
        let first_said = self.first_said();
        let twins = self.twins(&first_said);
        let worth = worth(&counts);
        let case = |i: usize| {
            let class = self.texts[i].class;
            let mut scores = vec![0.0_f32; EXPERTS * classes];
            let mut likeness = self.likeness.to_all(&vectors[i]);
            twins[i].iter().for_each(|twin| likeness[*twin] = 0.0);
            self.by_likeness(&likeness, Some(class), &mut scores);
            let of_regression = expert(&mut scores, REGRESSION, classes);
            match fitted.binary_search(&i) {
                Ok(at) if twins[i].len() == 1 => {
                    of_regression.copy_from_slice(&left_out[at * classes..(at + 1) * classes])
                }
                _ => self.regression.score(&likeness, of_regression),
            }
            self.profiles.score(&places[i], expert(&mut scores, PROFILE, classes));
            expert(&mut scores, LINEAR, classes).copy_from_slice(&linear[i]);
            Case { scores, class, weight: f64::from(worth[class]) }
        };
        let tried = texts::evenly(self.messages, MAX_HELD_OUT);
        let cases: Vec<Case> = tried.clone().map(case).collect();
        self.weights = combine::learn(&cases, classes, &START);
        let classes_of = self.texts.iter().map(|text| text.class).collect();
        self.joint = Joint::fit(&first_said, classes_of, vectors, &self.likeness, classes);
        let held_out = |(case, i): (&Case, usize)| HeldOut {
            class: case.class,
            text: self.texts[i].text.clone(),
            shares: combine::shares(&case.scores, classes, &self.weights),
            alone: self.joint.is_none() || twins[i].len() == 1,
        };
        self.held_out = cases.iter().zip(tried).map(held_out).collect();
    }

    /// Of each message, the first one that says the same.
    fn first_said(&self) -> Vec<usize> {
        let mut first: HashMap<Vec<Vec<char>>, usize> = HashMap::new();
        let said = self.texts[..self.messages].iter().map(|text| words(&text.text));
        said.enumerate().map(|(i, said)| *first.entry(said).or_insert(i)).collect()
    }

    /// Of each message itself, and those of other classes that say the same: left out, it must not be known by what
    /// another agent has as well.
    fn twins(&self, first_said: &[usize]) -> Vec<Vec<usize>> {
        let mut of = vec![Vec::new(); first_said.len()];
        first_said.iter().enumerate().for_each(|(i, first)| of[*first].push(i));
        let is_twin = |i: usize, twin: usize| i == twin || self.texts[i].class != self.texts[twin].class;
        let twins = |(i, first): (usize, &usize)| {
            of[*first].iter().copied().filter(|twin| is_twin(i, *twin)).collect()
        };
        first_said.iter().enumerate().map(twins).collect()
    }

    /// Returns with the texts that it was fitted to the scores of each by the others.
    fn fit_regression(&mut self, vectors: &[Vector]) -> (Vec<usize>, Vec<f32>) {
        let texts = Texts {
            vectors,
            likeness: &self.likeness,
            classes_of: self.texts.iter().map(|text| vec![text.class]).collect(),
            messages: self.messages,
            classes: self.classes,
        };
        let fitted = regression::fitted(&(0..vectors.len()).collect::<Vec<_>>());
        let (regression, left_out) = Regression::fit(&texts, &fitted);
        self.regression = regression;
        (fitted, left_out)
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

    /// The scores of the experts that go by likeness alone; `without`: the class of a text that is left out.
    fn by_likeness(&self, likeness: &[f32], without: Option<usize>, scores: &mut [f32]) {
        self.neighbours.score(&likeness[..self.messages], without, scores);
        expert(scores, NOBODY, self.classes)[self.classes - 1] = 1.0;
    }
}

/// How much each left-out example of a class counts for the experts' weights, by how many messages the classes have.
fn worth(counts: &[usize]) -> Vec<f32> {
    let (nobody, agents) = counts.split_last().unwrap_or((&0, &[]));
    let mean = to_f32(counts.iter().sum()) / to_f32(counts.len());
    let examples = to_f32(agents.iter().sum());
    let known = examples / (examples + FEW);
    let often = |count: f32| (mean / count.max(1.0)).sqrt();
    // A new message finds all examples, a left-out one finds one less. Of an only one nothing is left, and what is then
    // said of it would teach that examples speak against their agent.
    let left = |count: f32| (1.0 - 1.0 / count.max(1.0)).powi(4);
    let agents = agents.iter().map(|count| to_f32(*count));
    let mut worth: Vec<f32> = agents.clone().map(|count| known * often(count) * left(count)).collect();
    // Where agents have few, there would be nobody's alone to learn from.
    let of_agents: f32 = agents.zip(&worth).map(|(count, worth)| count * worth).sum();
    worth.push(often(to_f32(*nobody)).min(of_agents / to_f32(*nobody).max(1.0)));
    worth
}

fn expert(scores: &mut [f32], expert: usize, classes: usize) -> &mut [f32] {
    &mut scores[expert * classes..(expert + 1) * classes]
}
