//! What agents say of themselves, name, description and skills, against what a message says. It needs no example, and
//! so it is all there is for an agent that has none.

use super::{
    features::Features,
    negatives::NEGATIVES,
    phrases::PHRASES,
    space::to_f32,
    texts::{self, MAX_DESCRIPTION_CHARS},
    vocabulary::{NoHash, Place},
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
const WORDS: f32 = 0.36;
const PAIRS: f32 = 0.135;
/// Beginnings of words tell stems; n-grams from within them match too much by chance to count for more.
const STEMS: f32 = 0.27;
const GRAMS: f32 = 0.09;
/// Matches that a message must have to be surely about an agent, in rarest features: "thanks" is about none.
const EVIDENCE: f32 = 1.2;

/// The agents' profiles by feature.
#[derive(Debug)]
pub(super) struct Profiles {
    features: Vec<Feature>,
    /// The agents that have a feature, and how much; feature by feature.
    agents: Vec<(u32, f32)>,
    lengths: Vec<f32>,
    rarest: f32,
}

#[derive(Debug)]
struct Feature {
    square: f32,
    /// Where its agents end; they begin where those of the feature before end.
    end: u32,
}

impl Profiles {
    pub(super) fn bytes(&self) -> usize {
        let features = self.features.capacity() * size_of::<Feature>();
        features
            + self.agents.capacity() * size_of::<(u32, f32)>()
            + self.lengths.capacity() * size_of::<f32>()
    }

    /// Returns with them their features in order.
    pub(super) fn new(agents: &[Arc<Agent>]) -> (Self, Vec<u64>) {
        let mut texts: HashMap<u64, f32, NoHash> = HashMap::default();
        let mut count = |features: &Features, times: f32| {
            features.all().for_each(|hash| *texts.entry(*hash).or_default() += times);
        };
        NEGATIVES.iter().for_each(|text| count(&Features::of(text), 1.0));
        PHRASES.iter().for_each(|text| count(&Features::of(text), PHRASE));
        let profiles: Vec<_> = agents.iter().map(|agent| profile(agent)).collect();
        for profile in &profiles {
            profile.keys().for_each(|hash| *texts.entry(*hash).or_default() += 1.0);
        }
        let all = to_f32(NEGATIVES.len() + agents.len()) + PHRASE * to_f32(PHRASES.len());
        let weight = |count: f32| ((all + 1.0) / (count + 0.5)).ln().max(0.05).powf(RARITY);
        let mut rows: HashMap<u64, Vec<(u32, f32)>, NoHash> = HashMap::default();
        let mut lengths = Vec::new();
        for (agent, profile) in (0..).zip(&profiles) {
            let mut square = 0.0;
            let mut hashes: Vec<_> = profile.iter().collect();
            hashes.sort_unstable_by_key(|(hash, _)| **hash);
            for (hash, times) in hashes {
                let weight = weight(texts[hash]);
                square += (weight * times).powi(2);
                rows.entry(*hash).or_default().push((agent, weight * weight * times));
            }
            lengths.push(square.sqrt().max(1.0).powf(LENGTH));
        }
        let mean = lengths.iter().sum::<f32>() / to_f32(lengths.len().max(1));
        lengths.iter_mut().for_each(|length| *length /= mean);
        let mut rows: Vec<_> = rows.into_iter().collect();
        // What is looked at often stands together.
        rows.sort_unstable_by_key(|(hash, agents)| (std::cmp::Reverse(agents.len()), *hash));
        let mut profiles = Self { features: Vec::new(), agents: Vec::new(), lengths, rarest: weight(0.0) };
        for (hash, agents) in &rows {
            profiles.agents.extend_from_slice(agents);
            let end = u32::try_from(profiles.agents.len()).unwrap_or(u32::MAX);
            profiles.features.push(Feature { square: weight(texts[hash]).powi(2), end });
        }
        (profiles, rows.into_iter().map(|(hash, _)| hash).collect())
    }

    /// How much each agent's profile has of a message's features.
    pub(super) fn score(&self, places: &Features<Place>, scores: &mut [f32]) {
        for (places, share) in [(&places.words, WORDS), (&places.pairs, PAIRS)] {
            let mut found = self.nothing();
            self.find(places, &mut found);
            self.add(&found, share, scores);
        }
        let mut found = self.nothing();
        self.find(&places.stems, &mut found);
        self.add(&found, STEMS, scores);
        // Stems are n-grams as well.
        self.find(&places.grams, &mut found);
        self.add(&found, GRAMS, scores);
    }

    fn nothing(&self) -> Found {
        Found { agents: vec![0.0; self.lengths.len()], square: (EVIDENCE * self.rarest).powi(2) }
    }

    fn find(&self, places: &[Place], found: &mut Found) {
        for place in places {
            let Some(at) = place.profile() else {
                found.square += (UNKNOWN * self.rarest).powi(2);
                continue;
            };
            let from = at.checked_sub(1).map_or(0, |before| self.features[before].end);
            found.square += self.features[at].square;
            for &(agent, times) in &self.agents[from as usize..self.features[at].end as usize] {
                found.agents[agent as usize] += times;
            }
        }
    }

    fn add(&self, found: &Found, share: f32, scores: &mut [f32]) {
        let scale = share / (found.square.sqrt() * self.rarest);
        for ((score, found), length) in scores.iter_mut().zip(&found.agents).zip(&self.lengths) {
            *score += scale * found / length;
        }
    }
}

/// What profiles have of some features.
struct Found {
    agents: Vec<f32>,
    /// Of the length of all features, known or not.
    square: f32,
}

/// An agent's features, and how much each counts.
fn profile(agent: &Agent) -> HashMap<u64, f32, NoHash> {
    let description: String = agent.description.chars().take(MAX_DESCRIPTION_CHARS).collect();
    let skills: Vec<_> = agent.skills.iter().map(texts::skill).collect();
    let mut profile: HashMap<u64, f32, NoHash> = HashMap::default();
    for (text, counts) in [(spaced(&agent.name), NAME), (description, 1.0), (skills.join(" "), 1.0)] {
        let features = Features::of(&text);
        for hash in features.all() {
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
