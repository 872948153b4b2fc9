//! The local model: one linear classifier over hashed words and character n-grams, learned from the agents' own
//! examples, names and skills. It knows the languages that the examples are in, and how much of a message it knows.

mod features;
mod negatives;
mod training;

pub(in crate::route) use features::words;

use crate::agents::{Agent, Skill};
use features::Features;
use std::{collections::HashMap, sync::Arc};
use training::{Linear, Sample, Vector};

/// Weights in memory at most; more agents get fewer features.
const MAX_WEIGHTS: usize = 16_000_000;
/// Examples of one agent that are learned.
const MAX_EXAMPLES: usize = 300;
/// How much of a description is learned: enough to say what an agent does, too little to claim everything.
const MAX_DESCRIPTION_CHARS: usize = 200;
const DESCRIPTION_WEIGHT: f32 = 0.3;
const SKILL_WEIGHT: f32 = 0.5;
const NEGATIVE_WEIGHT: f32 = 0.6;
/// How much an unknown feature counts in a message's length, so that unknown words make every agent less likely.
const UNKNOWN: f32 = 0.35;

/// A linear model over hashed n-grams.
#[derive(Debug)]
pub(crate) struct Model {
    rows: HashMap<u64, Row, NoHash>,
    linear: Linear,
    temperature: f32,
    /// The weight of a feature that no text has.
    rarest: f32,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    row: u32,
    idf: f32,
    /// Whether an agent's text has it, and not only a negative.
    of_agent: bool,
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

impl Model {
    pub(crate) fn train(agents: &[Arc<Agent>]) -> Self {
        let texts = texts(agents);
        let features: Vec<Features> = texts.iter().map(|text| Features::of(&text.text)).collect();
        let classes = agents.len() + 1;
        let rows = vocabulary(&texts, &features, agents.len(), MAX_WEIGHTS / classes);
        let count = to_f32(texts.len());
        let mut model = Self {
            rows,
            linear: Linear::train(&[], 0, classes),
            temperature: 1.0,
            rarest: (1.0 + count).ln() + 1.0,
        };
        let mut of_class = vec![0_usize; classes];
        texts.iter().for_each(|text| of_class[text.class] += 1);
        let samples: Vec<Sample> = texts
            .iter()
            .zip(&features)
            .map(|(text, features)| Sample {
                vector: model.vector(features),
                class: text.class,
                // An agent with many examples must not drown the others.
                weight: text.weight * (12.0 / to_f32(of_class[text.class])).sqrt().min(1.5),
                is_message: text.is_message,
            })
            .collect();
        let rows = model.rows.len();
        model.temperature = training::temperature(&samples, rows, classes);
        model.linear = Linear::train(&samples.iter().collect::<Vec<_>>(), rows, classes);
        model
    }

    /// Scores a message.
    pub(crate) fn score(&self, text: &str) -> Shares {
        let features = Features::of(text);
        let mut shares = self.linear.logits(&self.vector(&features));
        training::softmax(&mut shares, self.temperature);
        let none = shares.pop().map_or(1.0, f64::from);
        Shares { agents: shares.into_iter().map(f64::from).collect(), none, known: self.known(&features) }
    }

    fn known(&self, features: &Features) -> f64 {
        let (mut known, mut all) = (0.0_f32, 0.0_f32);
        for word in &features.words {
            match self.rows.get(word) {
                Some(row) if row.of_agent => {
                    known += row.idf;
                    all += row.idf;
                }
                _ => all += self.rarest,
            }
        }
        if all == 0.0 { 0.0 } else { f64::from(known / all) }
    }

    /// Words and n-grams weigh the same as wholes; the vector's length is one if all of it is known.
    fn vector(&self, features: &Features) -> Vector {
        let mut vector = Vector::new();
        for block in [[&features.words, &features.pairs].as_slice(), &[&features.grams]] {
            let mut hashes: Vec<u64> = block.iter().flat_map(|hashes| hashes.iter().copied()).collect();
            hashes.sort_unstable();
            hashes.dedup();
            let from = vector.len();
            let mut square = 0.0_f32;
            for hash in hashes {
                if let Some(row) = self.rows.get(&hash) {
                    square += row.idf * row.idf;
                    vector.push((row.row, row.idf));
                } else {
                    square += (UNKNOWN * self.rarest).powi(2);
                }
            }
            let scale = std::f32::consts::FRAC_1_SQRT_2 / square.sqrt().max(1e-6);
            vector[from..].iter_mut().for_each(|(_, value)| *value *= scale);
        }
        vector
    }
}

/// A text to learn from; the class after the last agent is nobody.
struct Text {
    text: String,
    class: usize,
    weight: f32,
    is_message: bool,
}

fn texts(agents: &[Arc<Agent>]) -> Vec<Text> {
    let mut texts = Vec::new();
    for (class, agent) in agents.iter().enumerate() {
        let examples = agent.all_examples().take(MAX_EXAMPLES);
        texts.extend(examples.map(|text| Text {
            text: text.to_owned(),
            class,
            weight: 1.0,
            is_message: true,
        }));
        let description: String = agent.description.chars().take(MAX_DESCRIPTION_CHARS).collect();
        let text = format!("{} {description}", agent.name);
        texts.push(Text { text, class, weight: DESCRIPTION_WEIGHT, is_message: false });
        let skills = agent.skills.iter().map(skill);
        texts.extend(skills.map(|text| Text { text, class, weight: SKILL_WEIGHT, is_message: false }));
    }
    let nobody = negatives::NEGATIVES.iter();
    texts.extend(nobody.map(|&text| Text {
        text: text.to_owned(),
        class: agents.len(),
        weight: NEGATIVE_WEIGHT,
        is_message: true,
    }));
    texts
}

fn skill(skill: &Skill) -> String {
    let description: String = skill.description.chars().take(MAX_DESCRIPTION_CHARS).collect();
    format!("{} {description} {}", skill.name, skill.tags.join(" "))
}

/// Gives every feature a row; when there are too many, the rarest go.
fn vocabulary(
    texts: &[Text],
    features: &[Features],
    nobody: usize,
    max_rows: usize,
) -> HashMap<u64, Row, NoHash> {
    let mut counts: HashMap<u64, (usize, bool), NoHash> = HashMap::default();
    for (text, features) in texts.iter().zip(features) {
        let mut hashes: Vec<u64> =
            [&features.words, &features.pairs, &features.grams].into_iter().flatten().copied().collect();
        hashes.sort_unstable();
        hashes.dedup();
        for hash in hashes {
            let entry = counts.entry(hash).or_default();
            entry.0 += 1;
            entry.1 |= text.class != nobody;
        }
    }
    let mut kept: Vec<_> = counts.into_iter().collect();
    kept.sort_unstable_by_key(|(hash, (count, _))| (std::cmp::Reverse(*count), *hash));
    kept.truncate(max_rows);
    let all = to_f32(texts.len());
    let row = |(row, (hash, (count, of_agent)))| {
        let idf = ((1.0 + all) / (1.0 + to_f32(count))).ln() + 1.0;
        (hash, Row { row, idf, of_agent })
    };
    (0..).zip(kept).map(row).collect()
}

fn to_f32(count: usize) -> f32 {
    u16::try_from(count).map_or(f32::from(u16::MAX), f32::from)
}

/// The keys are hashes already.
type NoHash = std::hash::BuildHasherDefault<Pass>;

#[derive(Debug, Default, Clone, Copy)]
struct Pass(u64);

impl std::hash::Hasher for Pass {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = (self.0 << 8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, value: u64) {
        // The table uses the upper bits as well as the lower ones.
        self.0 = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
