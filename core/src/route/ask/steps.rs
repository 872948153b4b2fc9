//! The steps of the LLM's plan, checked: one for each agent, each after those that it waits for.

use crate::agents::Agent;
use serde_json::Value;
use std::collections::BTreeSet;
use switchboard_shared::{events::Step, ids::AgentId};

const MAX_QUESTION_CHARS: usize = 8_000;
/// Steps that are looked at, those of the same agent included.
const MAX_NAMED: usize = 32;

/// A step as the LLM names it.
pub(super) struct Named {
    agent: AgentId,
    sub_question: String,
    depends_on: Vec<usize>,
}

impl Named {
    /// Steps in the manner of their model: a name with its `@`, in capitals; those before it by number or by name.
    pub(super) fn read_all(steps: &[Value]) -> Result<Vec<Self>, String> {
        let mut all: Vec<Self> = Vec::new();
        for step in steps.iter().take(MAX_NAMED + 1) {
            let agent =
                step.get("agent").or_else(|| step.get("id")).and_then(name).ok_or("a step has no agent")?;
            let before =
                step.get("depends_on").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let depends_on = before.iter().map(|before| place(before, &all)).collect::<Option<_>>();
            let depends_on = depends_on.ok_or("a step waits for something else than a step")?;
            let sub_question =
                step.get("sub_question").and_then(Value::as_str).unwrap_or_default().to_owned();
            all.push(Self { agent, sub_question, depends_on });
        }
        Ok(all)
    }
}

fn name(value: &Value) -> Option<AgentId> {
    value.as_str()?.trim().trim_start_matches('@').to_ascii_lowercase().parse().ok()
}

fn place(value: &Value, before: &[Named]) -> Option<usize> {
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
    number.or_else(|| value.as_str()?.trim().parse().ok()).or_else(|| {
        let agent = name(value)?;
        before.iter().position(|step| step.agent == agent)
    })
}

/// Believes nothing: agents that we did not offer, steps that wait for themselves or for later ones, and too many or no
/// steps are all refused. Steps of the same agent become one, as small models like to split what belongs together; that
/// is refused where one agent would have to be asked before and after another.
pub(super) fn check(
    steps: Vec<Named>,
    agents: &[&Agent],
    message: &str,
    max_agents: usize,
) -> Result<Vec<Step>, String> {
    if steps.is_empty() || steps.len() > MAX_NAMED {
        return Err(format!("it has {} steps", steps.len()));
    }
    for (at, step) in steps.iter().enumerate() {
        if !agents.iter().any(|agent| agent.id == step.agent) {
            return Err(format!("it names an agent that was not offered: {}", step.agent));
        }
        if step.depends_on.iter().any(|&before| before >= at) {
            return Err("a step waits for itself or a later one".to_owned());
        }
    }
    let merged = merge(steps);
    if merged.len() > max_agents {
        return Err(format!("it names {} agents", merged.len()));
    }
    let mut checked = in_order(merged)?;
    // Nothing is lost or made up in retelling: one agent alone gets the user's own words. Of several each gets its own
    // question; the whole message goes apart from it, where that is needed.
    let alone = checked.len() == 1;
    for step in checked.iter_mut().filter(|step| alone || step.question.is_empty()) {
        message.clone_into(&mut step.question);
    }
    Ok(checked)
}

/// All that one agent is asked, and which of the merged steps it waits for.
struct Merged {
    agent: AgentId,
    questions: Vec<String>,
    after: BTreeSet<usize>,
}

impl Merged {
    fn ask(&mut self, question: &str) {
        let question = question.trim().replace('\0', " ");
        if !question.is_empty() && !self.questions.contains(&question) {
            self.questions.push(question);
        }
    }
}

/// One step for each agent, in the order in which they are named first.
fn merge(steps: Vec<Named>) -> Vec<Merged> {
    let mut merged: Vec<Merged> = Vec::new();
    let mut at: Vec<usize> = Vec::new();
    for step in steps {
        let known = merged.iter().position(|known| known.agent == step.agent);
        let here = known.unwrap_or_else(|| {
            merged.push(Merged { agent: step.agent, questions: Vec::new(), after: BTreeSet::new() });
            merged.len() - 1
        });
        at.push(here);
        merged[here].ask(&step.sub_question);
        let after = step.depends_on.iter().map(|&before| at[before]).filter(|&before| before != here);
        merged[here].after.extend(after);
    }
    merged
}

/// Puts each step behind those that it waits for, which merging may have put behind it.
fn in_order(merged: Vec<Merged>) -> Result<Vec<Step>, String> {
    let mut order: Vec<usize> = Vec::new();
    while order.len() < merged.len() {
        let ready = |at: &usize| !order.contains(at) && merged[*at].after.iter().all(|at| order.contains(at));
        match (0..merged.len()).find(ready) {
            Some(next) => order.push(next),
            None => return Err("it names an agent twice, before and after another".to_owned()),
        }
    }
    let place = |at: &usize| order.iter().position(|placed| placed == at);
    let step = |at: &usize| {
        let Merged { agent, questions, after } = &merged[*at];
        let question = questions.join("\n").chars().take(MAX_QUESTION_CHARS).collect();
        let mut depends_on: Vec<usize> = after.iter().filter_map(place).collect();
        depends_on.sort_unstable();
        Step { agent: agent.clone(), question, confidence: 0.0, depends_on }
    };
    Ok(order.iter().map(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(agent: &str, sub_question: &str, depends_on: &[usize]) -> Named {
        Named {
            agent: agent.parse().unwrap(),
            sub_question: sub_question.into(),
            depends_on: depends_on.to_vec(),
        }
    }

    fn check(steps: Vec<Named>) -> Result<Vec<Step>, String> {
        let agents = crate::route::tests::agents();
        let agents: Vec<&Agent> = agents.iter().map(AsRef::as_ref).collect();
        super::check(steps, &agents, "the message", 2)
    }

    /// Who is asked, and after which steps.
    fn plan(steps: Vec<Named>) -> Vec<(String, Vec<usize>)> {
        let steps = check(steps).unwrap();
        steps.into_iter().map(|step| (step.agent.to_string(), step.depends_on)).collect()
    }

    #[test]
    fn steps_are_read_in_the_manner_of_their_model() {
        let steps = serde_json::json!([{"agent": "@Weather", "sub_question": null, "depends_on": null},
            {"agent": "money", "sub_question": "b", "depends_on": ["0"]},
            {"agent": "code", "depends_on": ["money", 0]}]);
        let read = Named::read_all(steps.as_array().unwrap()).unwrap();
        assert_eq!(read[0].agent.as_str(), "weather");
        assert_eq!((read[1].depends_on.as_slice(), read[2].depends_on.as_slice()), (&[0][..], &[1, 0][..]));
        for bad in [serde_json::json!({}), serde_json::json!({"agent": "weather", "depends_on": ["later"]})] {
            assert!(Named::read_all(&[bad]).is_err());
        }
    }

    #[test]
    fn a_plan_that_cannot_be_is_refused() {
        assert!(check(vec![]).is_err());
        let three = ["weather", "money", "code"].map(|agent| step(agent, "q", &[]));
        assert!(check(three.into()).is_err());
        assert!(check((0..=MAX_NAMED).map(|_| step("weather", "q", &[])).collect()).is_err());
        assert!(check(vec![step("root", "q", &[])]).is_err());
        assert!(check(vec![step("weather", "q", &[0])]).is_err());
        assert!(check(vec![step("weather", "q", &[1]), step("money", "q", &[0])]).is_err());
    }

    #[test]
    fn an_only_agent_gets_the_users_own_words_and_each_of_several_its_question() {
        let plan = check(vec![step("weather", "", &[]), step("money", " q ", &[0, 0])]).unwrap();
        assert_eq!(plan[0].question, "the message");
        assert_eq!((plan[1].depends_on.as_slice(), plan[1].question.as_str()), ([0].as_slice(), "q"));
        assert_eq!(check(vec![step("weather", "q", &[])]).unwrap()[0].question, "the message");
    }

    #[test]
    fn what_one_agent_is_asked_in_several_steps_is_asked_at_once() {
        let twice = check(vec![step("weather", "Rome?", &[]), step("weather", "Oslo?", &[0])]).unwrap();
        assert_eq!((twice.len(), twice[0].question.as_str()), (1, "the message"));
        let steps = || {
            vec![
                step("weather", "Rome?", &[]),
                step("money", "5 euro?", &[]),
                step("weather", "Rome?", &[]),
                step("weather", "Oslo?", &[]),
            ]
        };
        assert_eq!(plan(steps()), [("weather".to_owned(), vec![]), ("money".to_owned(), vec![])]);
        assert_eq!(check(steps()).unwrap()[0].question, "Rome?\nOslo?");
    }

    #[test]
    fn merged_steps_stand_behind_what_they_wait_for() {
        let late = vec![step("weather", "a", &[]), step("money", "b", &[]), step("weather", "c", &[1])];
        assert_eq!(plan(late), [("money".to_owned(), vec![]), ("weather".to_owned(), vec![0])]);
        let early = vec![step("weather", "a", &[]), step("money", "b", &[0]), step("weather", "c", &[0])];
        assert_eq!(plan(early), [("weather".to_owned(), vec![]), ("money".to_owned(), vec![0])]);
    }

    #[test]
    fn an_agent_that_would_be_asked_before_and_after_another_is_refused() {
        let round = vec![step("weather", "a", &[]), step("money", "b", &[0]), step("weather", "c", &[1])];
        assert!(check(round).unwrap_err().contains("twice"));
    }
}
