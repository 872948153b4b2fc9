//! How sure the parts of a message must be before it is divided among agents. The registry's own examples say it: each
//! is for one agent, so where agents are so alike that examples would be divided, more is asked of a message as well.

use super::{clauses, guess::best, lexical::Model};
use crate::agents::Agent;
use std::{collections::HashSet, sync::Arc};

/// What is asked at least, of the parts' probabilities together.
const LEAST: f64 = 0.55;
/// And where there are no examples to say it.
const UNKNOWN: f64 = 0.97;
/// A part that is less sure goes with the one before.
const PART: f64 = 0.50;
/// One example of so many may be divided wrongly where that decides.
const ONE_OF: usize = 400;
/// And so many where it is a guess, for want of anything better: a few must not decide by their worst.
const SOME: usize = 4;
/// Examples that are tried; they are chosen evenly.
const TRIED: usize = 2_000;

/// An agent of so many examples that are orders of steps, most of its own and most of all, is the one for them.
const FEWEST_ORDERS: usize = 5;

/// How sure the parts must be together.
#[derive(Debug, Clone)]
pub(super) struct Division {
    pub(super) to_decide: f64,
    pub(super) to_guess: f64,
    /// The agent that orders of steps are for as a whole.
    keeper: Option<usize>,
}

impl Division {
    /// Whether orders of steps are for this agent as a whole.
    pub(super) fn keeps_order(&self, agent: usize) -> bool {
        self.keeper == Some(agent)
    }

    pub(super) fn has_keeper(&self) -> bool {
        self.keeper.is_some()
    }
}

/// Learns it from the examples.
pub(super) fn learn(model: &Model, agents: &[Arc<Agent>]) -> Division {
    let mut all: Vec<&str> = agents.iter().flat_map(|agent| agent.all_examples()).collect();
    let several = of_several(&all);
    all.retain(|text| !several.contains(text));
    let step = all.len().div_ceil(TRIED).max(1);
    let tried: Vec<&str> = all.into_iter().step_by(step).collect();
    let keeper = keeper(agents);
    // Orders of steps are not divided where there is an agent for them.
    let is_kept = |text: &&&str| keeper.is_some() && is_ordered(text);
    let mut wrong: Vec<f64> =
        tried.iter().filter(|text| !is_kept(text)).filter_map(|text| divided(model, text)).collect();
    wrong.sort_by(|a, b| b.total_cmp(a));
    if tried.is_empty() {
        // Of descriptions alone a part of a message says too little.
        return Division { to_decide: UNKNOWN, to_guess: UNKNOWN, keeper: None };
    }
    let beyond = |allowed: usize| wrong.get(allowed).map_or(LEAST, |share| (share + 0.01).max(LEAST));
    Division { to_decide: beyond(tried.len() / ONE_OF), to_guess: beyond(SOME), keeper }
}

/// "First fetch the page, then count its words": whose examples say such things.
fn keeper(agents: &[Arc<Agent>]) -> Option<usize> {
    let orders: Vec<usize> =
        agents.iter().map(|agent| agent.all_examples().filter(|text| is_ordered(text)).count()).collect();
    let (keeper, most) = orders.iter().copied().enumerate().max_by_key(|(_, count)| *count)?;
    let own = agents[keeper].all_examples().count();
    let is_clear = most >= FEWEST_ORDERS && 2 * most > orders.iter().sum() && 3 * most >= own;
    is_clear.then_some(keeper)
}

fn is_ordered(text: &str) -> bool {
    clauses::requests(clauses::data_of(text).0).ordered
}

/// What several agents have as an example is rightly given to several.
fn of_several<'a>(texts: &[&'a str]) -> HashSet<&'a str> {
    let mut seen = HashSet::new();
    texts.iter().copied().filter(|text| !seen.insert(*text)).collect()
}

/// How sure the parts are together, if a message would be divided among several agents. One of them must be the likeliest
/// for the whole: an agent for combined tasks keeps its own.
fn divided(model: &Model, text: &str) -> Option<f64> {
    let (request, _) = clauses::data_of(text);
    let mut together = 1.0;
    let mut agents: Vec<usize> = Vec::new();
    let clauses = clauses::split(request);
    if clauses.len() < 2 {
        return None;
    }
    for clause in clauses {
        let shares = model.score(&request[clause.at]).agents;
        let (agent, share) = best(&shares)?;
        if share >= PART && agents.last() != Some(&agent) {
            together *= share;
            agents.push(agent);
        }
    }
    if agents.len() < 2 {
        return None;
    }
    let (whole, _) = best(&model.score(request).agents)?;
    agents.contains(&whole).then_some(together)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::tests::agents;

    #[test]
    fn examples_that_would_be_divided_raise_it() {
        let mut agents = agents();
        let before = learn(&Model::train(&agents), &agents);
        let mut two = Agent::clone(&agents[0]);
        let both = "What is the weather in Paris? Convert 50 dollars to euros.";
        two.examples[0].text = both.into();
        agents[0] = Arc::new(two);
        let model = Model::train(&agents);
        let after = learn(&model, &agents);
        assert!((LEAST..1.0).contains(&before.to_decide) && divided(&model, both).is_some());
        assert!(after.to_decide > before.to_decide, "{before:?} {after:?}");
        assert!(after.to_guess <= after.to_decide, "one example must not forbid a guess: {after:?}");
    }
}
