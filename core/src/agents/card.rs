//! An agent as its card describes it. A card is untrusted text from elsewhere: every field is bounded here.

#[cfg(test)]
mod tests;

use super::{
    AgentError,
    interfaces::{Endpoint, endpoints, text},
    pins::Pins,
};
use crate::{outside, seal::Sealed};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use switchboard_shared::{
    api::{AgentView, Example},
    ids::{AgentId, Group},
};
use url::Url;

const MAX_NAME_CHARS: usize = 120;
const MAX_DESCRIPTION_CHARS: usize = 2_000;
const MAX_EXAMPLE_CHARS: usize = 500;
const MAX_QUESTIONS: usize = 3;
const MAX_SKILLS: usize = 100;
const MAX_TAGS: usize = 32;
/// The tag of a skill that does something outside: sends, writes, deletes, calls.
const EFFECT: &str = "effect";
const MAX_MODES: usize = 64;
/// On the card, of one skill; more can be given at registration.
const MAX_EXAMPLES: usize = 200;
const MAX_ID_CHARS: usize = 64;

/// An agent that can be asked.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) version: String,
    pub(crate) card_url: Url,
    /// Messages it should get, given at registration.
    pub(crate) examples: Vec<Example>,
    /// Whose members may use it; empty is everyone. The tenant's word, never the card's.
    pub(crate) groups: BTreeSet<Group>,
    /// Whether it may be asked at all; the tenant's word as well.
    pub(crate) enabled: bool,
    /// What it is shown so that it answers; the tenant's too.
    pub(crate) credential: Option<Sealed>,
    /// Of which one has to have signed its card; the tenant's as well.
    pub(crate) pins: Pins,
    /// Where it is asked, ...
    pub(crate) endpoint: Endpoint,
    /// ... and where else, should that not do; in its order.
    pub(crate) others: Vec<Endpoint>,
    pub(crate) streaming: bool,
    pub(crate) skills: Vec<Skill>,
    pub(crate) input_modes: Vec<String>,
}

/// One thing it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Skill {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) examples: Vec<String>,
    /// Whether it does something outside; its tag says so, and is no word to be found by.
    pub(crate) effect: bool,
}

impl Agent {
    /// The same with the keys that are stored for it. Without those that cannot be read it would be believed unproven.
    pub(crate) fn pinned(self, stored: Option<&Value>) -> Result<Self, AgentError> {
        let pins = stored.map_or(Ok(Pins::default()), Pins::read)?;
        Ok(Self { pins, ..self })
    }

    /// Reads a card (A2A 1.0, section 8); `id` is made of its name when there is none. A fault names where it lies.
    pub(crate) fn from_card(
        id: Option<AgentId>,
        card_url: Url,
        card: Value,
        examples: Vec<Example>,
    ) -> Result<Self, AgentError> {
        let at = card_url.clone();
        Self::read(id, card_url, card, examples).map_err(|error| match error {
            AgentError::Card(fault) => AgentError::Card(format!("{fault} (asked: {at})")),
            other => other,
        })
    }

    fn read(
        id: Option<AgentId>,
        card_url: Url,
        card: Value,
        examples: Vec<Example>,
    ) -> Result<Self, AgentError> {
        if outside::holds_nul(&card) {
            return Err(AgentError::Card("it holds the character U+0000".into()));
        }
        let name = required(&card, "name", MAX_NAME_CHARS)?;
        let description = required(&card, "description", MAX_DESCRIPTION_CHARS)?;
        let version = required(&card, "version", MAX_NAME_CHARS)?;
        let id = match id {
            Some(id) => id,
            None => slug(&name).parse()?,
        };
        let skills = match card.get("skills") {
            Some(Value::Array(skills)) => {
                // The first ones are kept; those with effects before others, so that no number hides one.
                let mut skills: Vec<&Value> = skills.iter().collect();
                if skills.len() > MAX_SKILLS {
                    skills.sort_by_key(|skill| !has_effect(skill));
                }
                skills.into_iter().take(MAX_SKILLS).map(skill).collect::<Result<_, _>>()?
            }
            _ => return Err(AgentError::Card("skills is missing".into())),
        };
        let (endpoint, others) = endpoints(&card, &card_url)?;
        let streaming = card.pointer("/capabilities/streaming").and_then(Value::as_bool).unwrap_or(false);
        let input_modes = words(card.get("defaultInputModes"), MAX_MODES, MAX_NAME_CHARS);
        Ok(Self {
            id,
            name,
            description,
            version,
            card_url,
            examples,
            groups: BTreeSet::new(),
            enabled: true,
            credential: None,
            pins: Pins::default(),
            endpoint,
            others,
            streaming,
            skills,
            input_modes,
        })
    }

    /// What was read of its card, in the form of a card: all that is kept in memory.
    pub(crate) fn profile(&self) -> Value {
        let skill = |skill: &Skill| {
            let tags: Vec<&str> = skill
                .effect
                .then_some(EFFECT)
                .into_iter()
                .chain(skill.tags.iter().map(String::as_str))
                .collect();
            json!({"id": skill.id, "name": skill.name, "description": skill.description, "tags": tags,
                "examples": skill.examples})
        };
        json!({
            "name": self.name, "description": self.description, "version": self.version,
            "skills": self.skills.iter().map(skill).collect::<Vec<_>>(),
            "capabilities": {"streaming": self.streaming},
            "defaultInputModes": self.input_modes,
            "supportedInterfaces": self.endpoints().map(Endpoint::interface).collect::<Vec<_>>(),
        })
    }

    /// Everywhere that it is asked.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        std::iter::once(&self.endpoint).chain(&self.others)
    }

    /// Whether one of its skills does something outside. Which of them a message is for is the agent's to tell.
    pub(crate) fn has_effects(&self) -> bool {
        self.skills.iter().any(|skill| skill.effect)
    }

    /// Every message it should get: those given here, then those on its card.
    pub(crate) fn all_examples(&self) -> impl Iterator<Item = &str> {
        let card = self.skills.iter().flat_map(|skill| skill.examples.iter().map(String::as_str));
        self.examples.iter().map(|example| example.text.as_str()).chain(card)
    }

    /// Some messages that it is for, one of each skill: what a card says is for everybody to read.
    fn questions(&self) -> Vec<String> {
        let first = self.skills.iter().filter_map(|skill| skill.examples.first());
        first.take(MAX_QUESTIONS).cloned().collect()
    }

    /// The agent as the API shows it to everyone who may use it.
    pub(crate) fn view(&self, breaker: &str) -> AgentView {
        let languages: BTreeSet<_> = self.examples.iter().map(|example| example.language.clone()).collect();
        AgentView {
            id: self.id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            card_url: self.card_url.clone(),
            skills: self.skills.iter().map(|skill| skill.id.clone()).collect(),
            languages: languages.into_iter().filter(|language| !language.is_empty()).collect(),
            examples: u32::try_from(self.all_examples().count()).unwrap_or(u32::MAX),
            questions: self.questions(),
            streaming: self.streaming,
            effects: self.has_effects(),
            breaker: breaker.to_owned(),
            enabled: self.enabled,
            groups: None,
            card_keys: None,
            wants: Vec::new(),
        }
    }
}

/// Read of all tags, not only of those that are kept.
fn has_effect(skill: &Value) -> bool {
    let mut tags = skill.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.any(|tag| text(Some(tag)).trim().eq_ignore_ascii_case(EFFECT))
}

fn skill(value: &Value) -> Result<Skill, AgentError> {
    let mut tags = words(value.get("tags"), MAX_TAGS, MAX_NAME_CHARS);
    tags.retain(|tag| !tag.eq_ignore_ascii_case(EFFECT));
    Ok(Skill {
        effect: has_effect(value),
        id: required(value, "id", MAX_NAME_CHARS)?,
        name: required(value, "name", MAX_NAME_CHARS)?,
        description: outside::line(text(value.get("description")), MAX_DESCRIPTION_CHARS),
        tags,
        examples: words(value.get("examples"), MAX_EXAMPLES, MAX_EXAMPLE_CHARS),
    })
}

fn required(value: &Value, key: &str, max_chars: usize) -> Result<String, AgentError> {
    match outside::line(text(value.get(key)), max_chars) {
        found if !outside::is_name(&found) => Err(AgentError::Card(format!("{key} is missing"))),
        found => Ok(found),
    }
}

fn words(value: Option<&Value>, most: usize, max_chars: usize) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    let items = items.filter_map(Value::as_str).map(str::trim).filter(|item| !item.is_empty());
    items.take(most).map(|item| outside::line(item, max_chars)).collect()
}

fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(MAX_ID_CHARS);
    slug.trim_end_matches('-').to_owned()
}
