//! The registry under evaluation: agents made of descriptions, of rows, or of both.

use super::{fault::Fault, rows::Row};
use crate::{
    agents::Agent,
    route::{Roster, lexical::Model},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::Arc,
};
use switchboard_shared::{api::Example, cause::Cause, ids::AgentId};

const MAX_ID_CHARS: usize = 60;

/// The agents by the names that rows call them.
#[derive(Debug, Default)]
pub(super) struct Registry {
    agents: Vec<Arc<Agent>>,
    names: HashMap<AgentId, String>,
    ids: HashMap<String, AgentId>,
    /// The agents of a limited registry.
    limited: HashMap<String, Vec<String>>,
}

/// What is said of an agent.
#[derive(Debug, Default)]
struct Draft {
    description: String,
    skills: Vec<Value>,
    examples: Vec<Example>,
}

impl Registry {
    /// Makes an agent of every name; `rows` give examples, at most `shots` for each label.
    pub(super) fn new(described: Option<Value>, rows: &[Row], shots: Option<usize>) -> Result<Self, String> {
        let mut drafts: Vec<(String, Draft)> = described.map(drafts).transpose()?.unwrap_or_default();
        let mut at: HashMap<String, usize> =
            drafts.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect();
        for row in rows {
            for label in row.labels.iter().flatten() {
                let i = *at.entry(label.clone()).or_insert_with(|| {
                    drafts.push((label.clone(), Draft::default()));
                    drafts.len() - 1
                });
                let examples = &mut drafts[i].1.examples;
                if shots.is_none_or(|shots| examples.len() < shots) {
                    examples.push(Example { text: row.text.clone(), language: row.lang.clone() });
                }
            }
        }
        let mut registry = Self::default();
        for (name, draft) in drafts {
            registry.add(name, draft)?;
        }
        Ok(registry)
    }

    fn add(&mut self, name: String, draft: Draft) -> Result<(), String> {
        let id = self.free_id(&name);
        let description = if draft.description.is_empty() { &name } else { &draft.description };
        let card = json!({
            "name": name, "description": description, "version": "1", "skills": draft.skills, "capabilities": {},
            "supportedInterfaces":
                [{"url": "http://agent.invalid/", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        });
        let url = "http://agent.invalid/".parse().expect("it is a URL");
        let agent = Agent::from_card(Some(id.clone()), url, card, draft.examples)
            .map_err(|error| format!("agent {name}: {error}"))?;
        self.agents.push(Arc::new(agent));
        self.ids.insert(name.clone(), id.clone());
        self.names.insert(id, name);
        Ok(())
    }

    fn free_id(&self, name: &str) -> AgentId {
        let letters =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
        let slug: String = letters.take(MAX_ID_CHARS).collect();
        let slug = slug.trim_matches('-');
        let numbered = (2..).map(|i| format!("{}-{i}", if slug.is_empty() { "agent" } else { slug }));
        let mut ids = std::iter::once(slug.to_owned()).chain(numbered).filter_map(|id| id.parse().ok());
        ids.find(|id| !self.names.contains_key(id)).expect("numbers do not end")
    }

    /// Reads which agents a row's `registry` allows.
    pub(super) fn limit(&mut self, registries: Value) -> Result<(), String> {
        let limited: BTreeMap<String, Vec<String>> =
            serde_json::from_value(registries).map_err(|e| format!("is not id → names: {e}"))?;
        for (id, names) in &limited {
            if let Some(unknown) = names.iter().find(|name| !self.ids.contains_key(*name)) {
                return Err(format!("registry {id} names {unknown}, which is no agent"));
            }
        }
        self.limited = limited.into_iter().collect();
        Ok(())
    }

    /// Which roster a row needs.
    pub(super) fn key(&self, registry: Option<&str>) -> Option<String> {
        registry.filter(|_| !self.limited.is_empty()).map(str::to_owned)
    }

    /// Whether there is a limited registry of this id.
    pub(super) fn is_limited(&self, id: &str) -> bool {
        self.limited.contains_key(id)
    }

    /// Whether a row with this `registry` may go to an agent of this name.
    pub(super) fn has(&self, name: &str, registry: Option<&str>) -> bool {
        let within = self.key(registry).and_then(|key| self.limited.get(&key));
        self.ids.contains_key(name) && within.is_none_or(|names| names.iter().any(|known| known == name))
    }

    /// The agents that a row with this key may go to.
    pub(super) fn roster(&self, key: Option<&str>, nobody: &[String]) -> Result<Roster, String> {
        let Some(registry) = key else {
            return Ok(roster(self.agents.clone(), nobody));
        };
        let names = self.limited.get(registry).ok_or_else(|| format!("registry {registry} is not known"))?;
        let ids: HashSet<_> = names.iter().filter_map(|name| self.ids.get(name)).collect();
        let agents = self.agents.iter().filter(|agent| ids.contains(&agent.id)).cloned().collect();
        Ok(roster(agents, nobody))
    }

    pub(super) fn name<'a>(&'a self, id: &'a AgentId) -> &'a str {
        self.names.get(id).map_or(id.as_str(), String::as_str)
    }

    pub(super) fn id(&self, name: &str) -> Option<&AgentId> {
        self.ids.get(name)
    }

    pub(super) fn len(&self) -> usize {
        self.agents.len()
    }
}

fn roster(agents: Vec<Arc<Agent>>, nobody: &[String]) -> Roster {
    let model = Model::train_with(&agents, nobody);
    Roster::of(1, agents, model)
}

/// Reads a JSON file.
pub(super) fn json_file(path: &Path) -> Result<Value, Fault> {
    let text = std::fs::read_to_string(path).map_err(|e| Fault::file(path, &Cause::of(&e)))?;
    serde_json::from_str(&text).map_err(|e| Fault(format!("{}: {}", path.display(), Cause::of(&e))))
}

/// `{name: description}`, or a list of agents with skills.
fn drafts(described: Value) -> Result<Vec<(String, Draft)>, String> {
    match described {
        Value::Object(agents) => agents.into_iter().map(|(name, said)| draft(name, &said)).collect(),
        Value::Array(agents) => agents
            .into_iter()
            .map(|said| match said.get("name").and_then(Value::as_str) {
                Some(name) => draft(name.to_owned(), &said),
                None => Err("an agent has no name".to_owned()),
            })
            .collect(),
        _ => Err("must be name → description, or a list of agents".into()),
    }
}

fn draft(name: String, said: &Value) -> Result<(String, Draft), String> {
    if let Value::String(description) = said {
        return Ok((name, Draft { description: description.clone(), ..Draft::default() }));
    }
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    if !said.is_object() {
        return Err(format!("agent {name}: its description is not a text"));
    }
    let mut draft = Draft { description: text(said, "description"), ..Draft::default() };
    for (i, skill) in said.get("skills").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let id = match text(skill, "id") {
            id if id.is_empty() => format!("skill-{i}"),
            id => id,
        };
        let named = text(skill, "name");
        let skill_name = if named.is_empty() { id.clone() } else { named };
        draft.skills.push(json!({
            "id": id, "name": skill_name, "description": text(skill, "description"),
            "tags": skill.get("tags"), "examples": skill.get("examples"),
        }));
    }
    Ok((name, draft))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::rows;

    fn row(text: &str, label: &str) -> Row {
        rows::tests::row(&json!({"text": text, "label": label, "lang": "en"}).to_string())
    }

    #[test]
    fn rows_become_examples_of_their_labels_the_first_ones_only() {
        let rows = [row("a", "x/y"), row("b", "x/y"), row("c", "X_Y"), row("d", "x/y")];
        let registry = Registry::new(None, &rows, Some(2)).unwrap();
        let examples = |name: &str| {
            let id = registry.id(name).unwrap();
            let agent = registry.agents.iter().find(|agent| agent.id == *id).unwrap();
            agent.all_examples().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!((examples("x/y"), examples("X_Y")), (vec!["a".into(), "b".into()], vec!["c".into()]));
        assert_eq!(registry.name(registry.id("X_Y").unwrap()), "X_Y");
    }

    #[test]
    fn agents_come_in_two_forms_and_a_registry_limits_them() {
        let mut registry = Registry::new(Some(json!({"A": "does a", "B": "does b"})), &[], None).unwrap();
        registry.limit(json!({"r": ["B"]})).unwrap();
        let ids = |roster: Roster| roster.agents.iter().map(|a| a.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(registry.roster(Some("r"), &[]).unwrap()), ["b"]);
        assert_eq!(ids(registry.roster(None, &[]).unwrap()), ["a", "b"]);
        assert!(registry.roster(Some("s"), &[]).is_err());
        assert!(registry.limit(json!({"r": ["C"]})).is_err());
        let list =
            json!([{"name": "A", "description": "d", "skills": [{"name": "GetIt", "description": "x"}]}]);
        let registry = Registry::new(Some(list), &[], None).unwrap();
        assert_eq!(registry.agents[0].skills[0].name, "GetIt");
        assert!(Registry::new(Some(json!(3)), &[], None).is_err());
    }
}
