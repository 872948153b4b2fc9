//! The requests of a message one by one: who each is for, and how they are asked together.

use super::{CLEARLY, Guess, best, plan};
use crate::route::{
    Because,
    clauses::{self, Clause},
    lexical::{self, Shares},
    named,
};
use std::ops::Range;
use switchboard_shared::events::{Plan, Reason, Step};

/// What a part's agent must at least be in the message as a whole.
const SUPPORT: f64 = 0.08;
/// A part of so many words needs no support by the rest, whose words may outweigh it.
const FEWEST_WORDS: usize = 3;

/// A request of a message, and what it is like by itself.
pub(super) struct Heard {
    pub(super) clause: Clause,
    pub(super) shares: Shares,
}

impl Heard {
    /// Its words; `request`: all of what is asked.
    fn said<'t>(&self, request: &'t str) -> &'t str {
        &request[self.clause.at.clone()]
    }

    /// Whether these are enough to stand for themselves.
    fn says_enough(&self, request: &str) -> bool {
        lexical::words(self.said(request)).len() >= FEWEST_WORDS
    }
}

/// The requests of a message, where it has several.
pub(super) fn said<'t>(request: &'t str, clauses: &[Clause]) -> impl Iterator<Item = &'t str> {
    let some = if clauses.len() < 2 { &[] } else { clauses };
    some.iter().map(|clause| &request[clause.at.clone()])
}

/// What one agent is asked of a message.
struct Part {
    agent: usize,
    at: Range<usize>,
    share: f64,
    after: bool,
    words: usize,
}

impl Part {
    fn new(text: &str, clause: &Clause, agent: usize, share: f64) -> Self {
        let words = lexical::words(&text[clause.at.clone()]).len();
        Self { agent, at: clause.at.clone(), share, after: clause.after, words }
    }
}

impl Guess<'_> {
    /// `least`: how sure the parts must be together.
    pub(in crate::route) fn several(
        &self,
        text: &str,
        max_agents: usize,
        least: f64,
        code: Reason,
    ) -> Option<Plan> {
        let (request, _) = clauses::data_of(text);
        if self.heard.len() < 2 || self.heard.len() > 2 * max_agents {
            return None;
        }
        let parts = self.parts(request)?;
        if parts.len() < 2 || parts.len() > max_agents || !self.fits_the_whole(&parts, least) {
            return None;
        }
        let because = self.about(code, parts.iter().map(|part| part.agent));
        Some(plan(self.steps(&parts, text), because))
    }

    /// What each request of a message that has several is like by itself.
    pub(in crate::route) fn requests(&self) -> impl Iterator<Item = (Range<usize>, &Shares)> {
        self.heard.iter().map(|heard| (heard.clause.at.clone(), &heard.shares))
    }

    /// Whether a request of some words would go with the one before, though it is not for that one's agent.
    pub(super) fn leaves_out(&self, text: &str) -> bool {
        let (request, _) = clauses::data_of(text);
        let mut last = None;
        self.heard.iter().any(|heard| {
            let sure = self.sure(&heard.shares, self.config.accept_each);
            last = sure.or(last);
            let (own, share) = best(&heard.shares.agents).unwrap_or_default();
            let is_its = last == Some(own) && share > heard.shares.none;
            sure.is_none() && !is_its && heard.says_enough(request)
        })
    }

    /// Whether a request of some words, beside others, is nobody's.
    pub(super) fn adds_nobodys(&self, text: &str) -> bool {
        let (request, _) = clauses::data_of(text);
        self.heard.iter().any(|heard| heard.shares.none >= CLEARLY && heard.says_enough(request))
    }

    /// The first requests of a message that has more of them than agents may be asked.
    pub(super) fn the_first(&self, text: &str, max_agents: usize) -> Option<Plan> {
        let parts = self.parts(clauses::data_of(text).0)?;
        if parts.len() <= max_agents {
            return None;
        }
        let steps = self.steps(&parts[..max_agents], text);
        Some(plan(steps, Because::at_most(Reason::GuessFirst, max_agents)))
    }

    /// What else is asked, where one of several requests orders that an agent be chosen.
    pub(super) fn the_allowed(&self, text: &str) -> Option<Plan> {
        let (request, _) = clauses::data_of(text);
        let orders = |heard: &&Heard| {
            self.roster.agents.iter().any(|agent| named::is_order(heard.said(request), agent))
        };
        let (ordered, allowed): (Vec<&Heard>, Vec<&Heard>) = self.heard.iter().partition(orders);
        let parts = self.parts_of(request, allowed.into_iter()).filter(|_| !ordered.is_empty())?;
        (!parts.is_empty()).then(|| plan(self.steps(&parts, text), Reason::GuessAllowed))
    }

    /// What each part's agent is asked.
    fn steps(&self, parts: &[Part], text: &str) -> Vec<Step> {
        let (request, data) = clauses::data_of(text);
        let mut steps: Vec<Step> = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            let own = &request[part.at.clone()];
            let elsewhere = parts.iter().any(|other| holds_data(&request[other.at.clone()]));
            // What it lacks is in the whole message, which goes with it apart from its question.
            let question =
                if elsewhere && !holds_data(own) { own.to_owned() } else { format!("{own}{data}") };
            let mut step = self.step(part.agent, question, part.share);
            if part.after && i > 0 {
                step.depends_on = vec![i - 1];
            }
            steps.push(step);
        }
        steps
    }

    /// Whether the parts' agents are also the likeliest ones for the message as a whole. A part of some words
    /// need not be.
    fn fits_the_whole(&self, parts: &[Part], least: f64) -> bool {
        let shares = &self.shares.agents;
        let rank = |part: &Part| shares.iter().filter(|share| **share >= shares[part.agent]).count();
        let Some((best, _)) = best(shares) else { return false };
        let together: f64 = parts.iter().map(|part| part.share).product();
        let supported = parts.iter().all(|part| {
            let of_the_rest = rank(part) <= parts.len() && shares[part.agent] >= SUPPORT;
            part.words >= FEWEST_WORDS || of_the_rest
        });
        together >= least && supported && parts.iter().any(|part| part.agent == best)
    }

    /// Gives each clause to the agent that the model is sure of; clauses that say too little go with those before
    /// them. Nothing, if the first of them is not clear.
    fn parts(&self, text: &str) -> Option<Vec<Part>> {
        self.parts_of(text, self.heard.iter())
    }

    fn parts_of<'h>(&self, text: &str, heard: impl Iterator<Item = &'h Heard>) -> Option<Vec<Part>> {
        let mut parts: Vec<Part> = Vec::new();
        for Heard { clause, shares } in heard {
            match (self.sure(shares, self.config.accept_each), parts.last_mut()) {
                (Some(best), Some(last)) if last.agent != best => {
                    // An agent that was left and is come back to makes an order we cannot tell.
                    if parts.iter().any(|part| part.agent == best) {
                        return None;
                    }
                    parts.push(Part::new(text, clause, best, shares.agents[best]));
                }
                (_, Some(last)) => last.at.end = clause.at.end,
                (Some(best), None) => parts.push(Part::new(text, clause, best, shares.agents[best])),
                (None, None) => return None,
            }
        }
        Some(parts)
    }
}

/// Whether a clause brings what another may be about.
fn holds_data(text: &str) -> bool {
    text.contains("://") || text.contains(['"', '`', '“', '«']) || text.chars().any(char::is_numeric)
}
