//! What agents say of themselves, name, description and skills, against what a message says. It needs no example, and
//! so it is all there is for an agent that has none.

use super::{
    MAX_DESCRIPTION_CHARS,
    features::Features,
    negatives::NEGATIVES,
    phrases::PHRASES,
    space::{NoHash, to_f32},
};
use crate::agents::Agent;
use std::{collections::HashMap, sync::Arc};

/// The name's words count more than the description's.
const NAME: f32 = 1.7;
/// What a word counts more for being said again.
const AGAIN: f32 = 0.3;
/// How often a phrase that any request may have counts, against a text.
const PHRASE: f32 = 2.0;
/// How strongly rare features outweigh frequent ones.
const RARITY: f32 = 2.0;
/// How much a long profile is held back for being long: 0 not at all, 1 as cosine does.
const LENGTH: f32 = 0.8;
const UNKNOWN: f32 = 0.3;
const WORDS: f32 = 0.5;
const PAIRS: f32 = 0.15;
/// Beginnings of words tell stems; n-grams from within them match too much by chance to count for more.
const STEMS: f32 = 0.3;
const GRAMS: f32 = 0.05;
/// Matches that a message must have to be surely about an agent, in rarest features: "thanks" is about none.
const EVIDENCE: f32 = 1.2;

/// The agents' profiles by feature.
#[derive(Debug)]
pub(super) struct Profiles {
    rows: HashMap<u64, Feature, NoHash>,
    lengths: Vec<f32>,
    rarest: f32,
}

#[derive(Debug)]
struct Feature {
    weight: f32,
    /// The agents that have it, and how much.
    agents: Vec<(usize, f32)>,
}

impl Profiles {
    pub(super) fn new(agents: &[Arc<Agent>]) -> Self {
        let mut texts: HashMap<u64, f32, NoHash> = HashMap::default();
        let mut count = |features: &Features, times: f32| {
            features.all().for_each(|hash| *texts.entry(hash).or_default() += times);
        };
        NEGATIVES.iter().for_each(|text| count(&Features::of(text), 1.0));
        PHRASES.iter().for_each(|text| count(&Features::of(text), PHRASE));
        let profiles: Vec<_> = agents.iter().map(|agent| profile(agent)).collect();
        for profile in &profiles {
            profile.keys().for_each(|hash| *texts.entry(*hash).or_default() += 1.0);
        }
        let all = to_f32(NEGATIVES.len() + agents.len()) + PHRASE * to_f32(PHRASES.len());
        let weight = |count: f32| ((all + 1.0) / (count + 0.5)).ln().max(0.05).powf(RARITY);
        let mut rows: HashMap<u64, Feature, NoHash> = HashMap::default();
        let mut lengths = Vec::new();
        for (agent, profile) in profiles.iter().enumerate() {
            let mut square = 0.0;
            let mut hashes: Vec<_> = profile.iter().collect();
            hashes.sort_unstable_by_key(|(hash, _)| **hash);
            for (hash, times) in hashes {
                let weight = weight(texts[hash]);
                square += (weight * times).powi(2);
                let feature = rows.entry(*hash).or_insert(Feature { weight, agents: Vec::new() });
                feature.agents.push((agent, weight * times));
            }
            lengths.push(square.sqrt().max(1.0).powf(LENGTH));
        }
        let mean = lengths.iter().sum::<f32>() / to_f32(lengths.len().max(1));
        lengths.iter_mut().for_each(|length| *length /= mean);
        Self { rows, lengths, rarest: weight(0.0) }
    }

    /// How much each agent's profile has of a message's features.
    pub(super) fn score(&self, features: &Features, scores: &mut [f32]) {
        let mut part = vec![0.0_f32; self.lengths.len()];
        let blocks = [
            (&features.words, WORDS),
            (&features.pairs, PAIRS),
            (&features.stems, STEMS),
            (&features.grams, GRAMS),
        ];
        for (hashes, share) in blocks {
            part.fill(0.0);
            let mut square = (EVIDENCE * self.rarest).powi(2);
            for hash in hashes {
                let Some(feature) = self.rows.get(hash) else {
                    square += (UNKNOWN * self.rarest).powi(2);
                    continue;
                };
                square += feature.weight * feature.weight;
                for &(agent, times) in &feature.agents {
                    part[agent] += feature.weight * times;
                }
            }
            let scale = share / (square.sqrt() * self.rarest);
            for ((score, part), length) in scores.iter_mut().zip(&part).zip(&self.lengths) {
                *score += scale * part / length;
            }
        }
    }
}

/// An agent's features, and how much each counts.
fn profile(agent: &Agent) -> HashMap<u64, f32, NoHash> {
    let description: String = agent.description.chars().take(MAX_DESCRIPTION_CHARS).collect();
    let skills: Vec<_> = agent.skills.iter().map(super::skill).collect();
    let mut profile: HashMap<u64, f32, NoHash> = HashMap::default();
    for (text, counts) in [(spaced(&agent.name), NAME), (description, 1.0), (skills.join(" "), 1.0)] {
        let features = Features::of(&text);
        for hash in features.words.iter().chain(&features.pairs).chain(&features.grams) {
            let times = profile.entry(*hash).or_default();
            *times = if *times > 0.0 { times.max(counts) + AGAIN } else { counts };
        }
    }
    profile
}

/// The words of a name that is written as one: "GetBus_2" is "Get Bus 2".
pub(in crate::route) fn spaced(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    let mut letters = name.chars().peekable();
    while let Some(c) = letters.next() {
        let begins = c.is_uppercase()
            && (before.is_lowercase()
                || before.is_uppercase() && letters.peek().is_some_and(|next| next.is_lowercase()));
        if begins || c.is_numeric() != before.is_numeric() {
            words.push(' ');
        }
        words.push(if "_-/.".contains(c) { ' ' } else { c });
        before = c;
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_words() {
        for (name, words) in [
            ("GetBusTicket", "Get Bus Ticket"),
            ("AI2sql", "AI 2 sql"),
            ("RentalCars_1", "Rental Cars  1"),
            ("SASpeedCameras", "SA Speed Cameras"),
            ("alarm/set_alarm", "alarm set alarm"),
            ("Weather", "Weather"),
        ] {
            assert_eq!(spaced(name), words);
        }
    }
}
