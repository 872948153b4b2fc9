//! How sure the parts of a message must be before it is divided among agents. The registry's own examples say it: each
//! is for one agent, so where agents are so alike that examples would be divided, more is asked of a message as well.

use super::{clauses, guess::best, lexical::Shares};
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

/// What it is learned from: the examples that would be divided at all.
#[derive(Debug)]
pub(super) struct Lesson<'a> {
    /// Of each its requests, and all of it behind them.
    texts: Vec<&'a str>,
    /// How many texts each has.
    counts: Vec<usize>,
    tried: usize,
    keeper: Option<usize>,
}

impl<'a> Lesson<'a> {
    pub(super) fn of(agents: &'a [Arc<Agent>]) -> Self {
        let mut all: Vec<&str> = agents.iter().flat_map(|agent| agent.all_examples()).collect();
        let several = of_several(&all);
        all.retain(|text| !several.contains(text));
        let step = all.len().div_ceil(TRIED).max(1);
        let tried: Vec<&str> = all.into_iter().step_by(step).collect();
        let keeper = keeper(agents);
        let mut lesson = Self { texts: Vec::new(), counts: Vec::new(), tried: tried.len(), keeper };
        // Orders of steps are not divided where there is an agent for them.
        tried
            .into_iter()
            .filter(|text| keeper.is_none() || !is_ordered(text))
            .for_each(|text| lesson.add(text));
        lesson
    }

    fn add(&mut self, text: &'a str) {
        let (request, _) = clauses::data_of(text);
        let clauses = clauses::split(request);
        if clauses.len() > 1 {
            self.counts.push(clauses.len() + 1);
            self.texts.extend(clauses.into_iter().map(|clause| &request[clause.at]).chain([request]));
        }
    }

    /// What is to be known of the agents' shares.
    pub(super) fn texts(&self) -> &[&'a str] {
        &self.texts
    }

    /// Learns it from the shares of these texts.
    pub(super) fn learn(&self, shares: &[Shares]) -> Division {
        if self.tried == 0 {
            // Of descriptions alone a part of a message says too little.
            return Division { to_decide: UNKNOWN, to_guess: UNKNOWN, keeper: None };
        }
        let mut rest = shares;
        let mut wrong: Vec<f64> = Vec::new();
        for count in &self.counts {
            let (of_one, others) = rest.split_at((*count).min(rest.len()));
            wrong.extend(divided(of_one));
            rest = others;
        }
        wrong.sort_by(|a, b| b.total_cmp(a));
        let beyond = |allowed: usize| wrong.get(allowed).map_or(LEAST, |share| (share + 0.01).max(LEAST));
        let (to_decide, to_guess) = (beyond(self.tried / ONE_OF), beyond(SOME));
        Division { to_decide, to_guess, keeper: self.keeper }
    }
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
/// for the whole, whose shares are the last: an agent for combined tasks keeps its own.
fn divided(shares: &[Shares]) -> Option<f64> {
    let (whole, clauses) = shares.split_last()?;
    let mut together = 1.0;
    let mut agents: Vec<usize> = Vec::new();
    for clause in clauses {
        let (agent, share) = best(&clause.agents)?;
        if share >= PART && agents.last() != Some(&agent) {
            together *= share;
            agents.push(agent);
        }
    }
    let (whole, _) = best(&whole.agents)?;
    (agents.len() > 1 && agents.contains(&whole)).then_some(together)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{lexical::Model, tests::agents};

    fn learn(agents: &[Arc<Agent>]) -> Division {
        let (model, lesson) = (Model::train(agents), Lesson::of(agents));
        lesson.learn(&lesson.texts().iter().map(|text| model.score(text)).collect::<Vec<_>>())
    }

    #[test]
    fn examples_that_would_be_divided_raise_it() {
        let mut agents = agents();
        let before = learn(&agents);
        let mut two = Agent::clone(&agents[0]);
        let both = "What is the weather in Paris? Convert 50 dollars to euros.";
        two.examples[0].text = both.into();
        agents[0] = Arc::new(two);
        let after = learn(&agents);
        assert!((LEAST..1.0).contains(&before.to_decide), "{before:?}");
        assert!(after.to_decide > before.to_decide, "{before:?} {after:?}");
        assert!(after.to_guess <= after.to_decide, "one example must not forbid a guess: {after:?}");
    }
}
