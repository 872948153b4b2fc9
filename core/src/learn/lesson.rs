//! What somebody wants to be learned, as a change of the registry's rows.

use super::{Frozen, MAX_NOBODY};
use crate::{
    error::{Error, Result},
    store::{AgentRow, RegistryRows},
};
use switchboard_shared::{api::Example, ids::AgentId, problem::ProblemKind};

/// A change that only teaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lesson {
    /// These are the agent's examples, but for those on its card.
    Examples(AgentId, Vec<Example>),
    /// These are for nobody.
    Nobody(Vec<Example>),
    /// One more example of each of these agents; without agents, of nobody's.
    OneMore(Vec<AgentId>, Example),
}

/// Which rows a lesson has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) agents: Vec<AgentId>,
    pub(crate) nobody: bool,
}

impl Changed {
    pub(crate) fn nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Lesson {
    /// Changes the rows; an agent has no more than `bound` examples.
    ///
    /// # Errors
    /// When an agent is not there, something is in the frozen set, or there would be too many examples.
    pub(crate) fn teach(&self, rows: &mut RegistryRows, bound: usize) -> Result<Changed> {
        let conflict = |detail| Error::public(ProblemKind::Conflict, detail);
        if let Some(detail) = Frozen::of(&rows.frozen).refusal(self.examples()) {
            return Err(conflict(detail));
        }
        let mut changed = Changed::default();
        match self {
            Self::Examples(id, examples) => {
                let agent = agent(rows, id).ok_or_else(|| gone(id))?;
                if replace(&mut agent.examples, examples) {
                    changed.agents.push(id.clone());
                }
            }
            Self::Nobody(examples) => changed.nobody = replace(&mut rows.nobody, examples),
            Self::OneMore(agents, example) if agents.is_empty() => {
                changed.nobody = add(&mut rows.nobody, example, MAX_NOBODY).map_err(|()| {
                    conflict(format!("There are {MAX_NOBODY} messages for nobody, and there are no more."))
                })?;
            }
            Self::OneMore(agents, example) => {
                for id in agents {
                    let agent = agent(rows, id)
                        .ok_or_else(|| conflict(format!("{id} is not registered; dismiss this.")))?;
                    let full = |()| conflict(format!("{id} has {bound} examples, and no agent has more."));
                    if add(&mut agent.examples, example, bound).map_err(full)? {
                        changed.agents.push(id.clone());
                    }
                }
            }
        }
        Ok(changed)
    }

    fn examples(&self) -> impl Iterator<Item = &Example> {
        match self {
            Self::Examples(_, examples) | Self::Nobody(examples) => examples.as_slice(),
            Self::OneMore(_, example) => std::slice::from_ref(example),
        }
        .iter()
    }
}

fn agent<'a>(rows: &'a mut RegistryRows, id: &AgentId) -> Option<&'a mut AgentRow> {
    rows.agents.iter_mut().find(|agent| agent.id == *id)
}

/// The registry is the whole tenant's, so it may be said what is not in it.
fn gone(id: &AgentId) -> Error {
    Error::public(ProblemKind::NotFound, format!("There is no agent {id} here."))
}

fn replace(known: &mut Vec<Example>, new: &[Example]) -> bool {
    let differs = known != new;
    if differs {
        *known = new.to_vec();
    }
    differs
}

/// Adds an example that is not there yet.
fn add(known: &mut Vec<Example>, new: &Example, bound: usize) -> Result<bool, ()> {
    if known.iter().any(|example| example.text == new.text) {
        return Ok(false);
    }
    if known.len() >= bound {
        return Err(());
    }
    known.push(new.clone());
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::api::FrozenRow;

    fn example(text: &str) -> Example {
        Example { text: text.into(), language: String::new() }
    }

    fn rows(examples: &[&str]) -> RegistryRows {
        let agent = AgentRow {
            enabled: true,
            credential: None,
            card_keys: None,
            id: "a".parse().unwrap(),
            card_url: "http://a.example/".parse().unwrap(),
            card: serde_json::Value::Null,
            examples: examples.iter().map(|text| example(text)).collect(),
            groups: Default::default(),
        };
        let frozen = FrozenRow { text: "Frozen?".into(), agents: vec![], language: String::new() };
        RegistryRows { version: 1, agents: vec![agent], nobody: Vec::new(), frozen: vec![frozen] }
    }

    fn refused(lesson: &Lesson, bound: usize) -> String {
        lesson.teach(&mut rows(&["one"]), bound).unwrap_err().to_string()
    }

    #[test]
    fn a_lesson_changes_the_rows_that_it_names_and_no_others() {
        let a: AgentId = "a".parse().unwrap();
        let mut taught = rows(&["one"]);
        let one_more = Lesson::OneMore(vec![a.clone()], example("two"));
        let of_a = Changed { agents: vec![a.clone()], nobody: false };
        assert_eq!(one_more.teach(&mut taught, 2).unwrap(), of_a);
        assert_eq!(taught.agents[0].examples, [example("one"), example("two")]);
        assert!(one_more.teach(&mut taught, 2).unwrap().nothing(), "it is there already");
        let for_nobody = Lesson::OneMore(vec![], example("hm"));
        assert!(for_nobody.teach(&mut taught, 2).unwrap().nobody && taught.nobody == [example("hm")]);
        assert!(Lesson::Nobody(vec![]).teach(&mut taught, 2).unwrap().nobody && taught.nobody.is_empty());
        let same = Lesson::Examples(a, taught.agents[0].examples.clone());
        assert!(same.teach(&mut taught, 2).unwrap().nothing());
    }

    #[test]
    fn what_cannot_be_learned_is_refused() {
        let (a, b): (AgentId, AgentId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let one_more = |agent: &AgentId, text| Lesson::OneMore(vec![agent.clone()], example(text));
        assert!(refused(&one_more(&b, "x"), 9).contains("not registered"));
        assert!(refused(&one_more(&a, "x"), 1).contains("no agent has more"));
        assert!(refused(&one_more(&a, "frozen"), 9).contains("never learns"));
        assert!(refused(&Lesson::OneMore(vec![], example("FROZEN")), 9).contains("never learns"));
        assert!(refused(&Lesson::Examples(a, vec![example("y"), example("frozen!")]), 9).contains("frozen"));
        assert!(refused(&Lesson::Examples(b, vec![]), 9).contains("no agent b"));
    }
}
