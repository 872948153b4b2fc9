//! Reads agents and rows.

use crate::Options;
use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::HashMap, path::Path};
use switchboard_router::{Agent, Example};

/// The label of what is for nobody.
const NOBODY: &str = "oos";

/// A labelled message.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) text: String,
    /// Sorted; empty: for nobody.
    pub(crate) labels: Vec<String>,
    pub(crate) language: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) registry: Option<String>,
    pub(crate) previous: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Raw {
    text: String,
    #[serde(default)]
    label: Value,
    lang: Option<String>,
    kind: Option<String>,
    registry: Option<String>,
    prev_agents: Option<Vec<String>>,
}

/// The agents by name, and who is in which registry.
#[derive(Debug, Default)]
pub(crate) struct House {
    names: Vec<String>,
    agents: HashMap<String, Agent>,
    registries: HashMap<String, Vec<String>>,
    pub(crate) nobody: Vec<String>,
}

impl Row {
    /// Whether all agents that were not in the turn before are named; none where there are no new ones.
    pub(crate) fn finds_new(&self, said: &[String]) -> Option<bool> {
        let mut new = self.labels.iter().filter(|label| !self.previous.contains(label)).peekable();
        new.peek()?;
        (!self.previous.is_empty()).then(|| new.all(|label| said.contains(label)))
    }
}

impl House {
    pub(crate) fn read(options: &Options) -> anyhow::Result<Self> {
        let mut house = Self::default();
        match options.agents.as_deref().map(json).transpose()? {
            Some(Value::Object(described)) => {
                described
                    .iter()
                    .for_each(|(name, text)| house.describe(name, vec![name_of(name, text.as_str())]));
            }
            Some(Value::Array(cards)) => cards.iter().for_each(|card| house.card(card)),
            _ => {}
        }
        for row in options.train.as_deref().map(read).transpose()?.unwrap_or_default() {
            for label in &row.labels {
                let agent = house.agent(label);
                if options.shots.is_none_or(|shots| agent.examples.len() < shots) {
                    agent.examples.push(Example { text: row.text.clone(), language: row.language.clone() });
                }
            }
        }
        let nobody = options.negatives.as_deref().map(read).transpose()?.unwrap_or_default();
        house.nobody = nobody.into_iter().map(|row| row.text).collect();
        if let Some(file) = &options.registries {
            house.registries = serde_json::from_value(json(file)?)?;
        }
        Ok(house)
    }

    /// The agents of a registry, with their names; all of them where it is none.
    pub(crate) fn registry(&self, id: Option<&str>) -> (Vec<String>, Vec<Agent>) {
        let limited = id.and_then(|id| self.registries.get(id));
        let names = limited.unwrap_or(&self.names).clone();
        let agents = names.iter().filter_map(|name| self.agents.get(name).cloned()).collect();
        (names, agents)
    }

    fn card(&mut self, card: &Value) {
        let text = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
        let name = text(card, "name");
        let mut about = vec![name_of(&name, card["description"].as_str())];
        let skills = card["skills"].as_array().into_iter().flatten();
        about.extend(skills.map(|skill| name_of(&text(skill, "name"), skill["description"].as_str())));
        self.describe(&name, about);
    }

    fn describe(&mut self, name: &str, about: Vec<String>) {
        self.agent(name).about = about;
    }

    fn agent(&mut self, name: &str) -> &mut Agent {
        if !self.agents.contains_key(name) {
            self.names.push(name.to_owned());
        }
        let fresh = || Agent { names: vec![name.to_owned()], ..Agent::default() };
        self.agents.entry(name.to_owned()).or_insert_with(fresh)
    }
}

/// A name in words, with what it says of itself.
fn name_of(name: &str, description: Option<&str>) -> String {
    let mut words = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_uppercase() && lower {
            words.push(' ');
        }
        lower = c.is_lowercase();
        words.push(if matches!(c, '_' | '-') { ' ' } else { c });
    }
    format!("{words}. {}", description.unwrap_or_default())
}

pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<Row>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    text.lines()
        .enumerate()
        .map(|(i, line)| row(line).with_context(|| format!("{}:{}", file.display(), i + 1)))
        .collect()
}

fn row(line: &str) -> anyhow::Result<Row> {
    let raw: Raw = serde_json::from_str(line)?;
    let mut labels: Vec<String> = match raw.label {
        Value::String(label) => vec![label],
        Value::Array(labels) => labels.iter().filter_map(|label| label.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    labels.retain(|label| label != NOBODY);
    labels.sort();
    Ok(Row {
        text: raw.text,
        labels,
        language: raw.lang,
        kind: raw.kind,
        registry: raw.registry,
        previous: raw.prev_agents.unwrap_or_default(),
    })
}

fn json(file: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_json::from_str(&text).with_context(|| file.display().to_string())
}
