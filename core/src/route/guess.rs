//! Stage lexical: what the local model makes of a message, of the whole and of its requests one by one.

mod effects;
mod parts;
mod together;
mod vetoes;

use super::{
    Because, Question, Roster,
    bounds::Standing,
    clauses,
    lexical::{Shares, Together},
    rules,
    trust::Trust,
    words,
};
use crate::{agents::Agent, config::RouteConfig};
use parts::Heard;
use std::iter;
use switchboard_shared::{
    api::Score,
    events::{Mode, Plan, Reason, Stage, Step},
    ids::AgentId,
};

/// The best guess is taken without an LLM when it is at least this sure.
const WEAK: f64 = 0.30;
/// Below this an LLM's plan is asked back about.
const UNSURE: f64 = 0.45;
/// From this share on a message goes past an agent that waits for an answer ...
const VERY_SURE: f64 = 0.95;
/// ... if it has so many words.
const FEWEST_OWN_WORDS: usize = 4;
/// From this share on it is said that a message is for nobody, even if one agent stands out from the rest.
const CLEARLY: f64 = 0.75;
const MAX_FOLLOW_UP_WORDS: usize = 12;
/// How much likelier the agents of the turn before are than their words alone say, before anything is known: most
/// messages go on with what was being talked about.
const STAYS: f64 = 20.0;
/// And how much likelier it is that a message is for nobody.
const LEAVES: f64 = 0.3;
/// No agent of the turn before is less likely by words alone: "yes, the second one" is like nothing.
const LEAST: f64 = 0.002;
/// How likely a step of an order that does not look like the same agent's is for it all the same.
const ORDERED: f64 = 0.5;
/// What the local model says.
pub(super) struct Guess<'a> {
    roster: &'a Roster,
    config: &'a RouteConfig,
    shares: Shares,
    /// How often that is right.
    trust: &'a Trust,
    /// The agents of the turn before, in the order of the roster.
    previous: Vec<usize>,
    /// The requests of the message, where it has several.
    heard: Vec<Heard>,
    /// Whether it has the form of an order: "first …, then …".
    ordered: bool,
    /// Whether it has more requests than are looked at.
    many: bool,
    /// The agents that the whole message is for, where examples of several agents are like it.
    together: Option<Together>,
}

impl<'a> Guess<'a> {
    pub(super) async fn make(roster: &'a Roster, config: &'a RouteConfig, question: &Question<'_>) -> Self {
        let text = read(question);
        let request = clauses::data_of(question.text).0;
        let requests = clauses::requests(request);
        let (ordered, many) = (requests.ordered, requests.many);
        let texts: Vec<&str> =
            iter::once(text.as_str()).chain(parts::said(request, &requests.clauses)).collect();
        let mut views = views(roster, &texts).await.into_iter();
        let (shares, trust) = views.next().unwrap_or_else(|| (roster.model.score(&text), &roster.trust));
        let place = |id: &AgentId| roster.agents.iter().position(|agent| agent.id == *id);
        let previous: Vec<usize> = question.previous.iter().filter_map(place).collect();
        let heard =
            views.zip(requests.clauses).map(|((shares, _), clause)| Heard { clause, shares }).collect();
        let shares = in_context(shares, &previous);
        let guess = Self { roster, config, shares, trust, previous, heard, ordered, many, together: None };
        let together = roster.model.together(&text);
        let one = guess.whole().map_or(0.0, |whole| whole.right);
        Self { together: together.filter(|together| together.right > one), ..guess }
    }

    /// All things considered.
    pub(super) fn shares(&self) -> &Shares {
        &self.shares
    }

    /// How the likeliest agent stands by the whole message, if all of it is for this one.
    pub(super) fn whole(&self) -> Option<Standing> {
        let standing = self.standing(&self.shares)?;
        let share = standing.share * self.alone(standing.best);
        Some(Standing { share, right: self.trust.right(share), ..standing })
    }

    /// How likely it is that no request of the message is another agent's. One that is not clearly anybody's by itself
    /// most often goes with the others, so that a small share speaks for less than it says.
    fn alone(&self, agent: usize) -> f64 {
        if self.roster.model.held_out().is_empty() {
            // Of descriptions alone a part of a message says too little.
            return 1.0;
        }
        if self.ordered && self.roster.division.keeps_order(agent) {
            return 1.0;
        }
        let others = || {
            let bests = self.heard.iter().filter_map(|heard| Some((heard, best(&heard.shares.agents)?)));
            bests.filter(|(_, (best, _))| *best != agent)
        };
        let in_order = self.ordered && (self.heard.len() < 2 || others().next().is_some());
        others().fold(if in_order { ORDERED } else { 1.0 }, |alone, (heard, (_, share))| {
            // "… . And …" asks for another thing outright.
            alone * (1.0 - if heard.clause.adds { share } else { share * share })
        })
    }

    /// How the likeliest agent stands by some shares of a message or of a part of it.
    pub(super) fn standing(&self, shares: &Shares) -> Option<Standing> {
        Standing::of(shares, &self.previous)
    }

    /// How often it is right with such a share.
    pub(super) fn right(&self, share: f64) -> f64 {
        self.trust.right(share)
    }

    /// Every agent's score, best first.
    pub(super) fn scores(&self) -> Vec<Score> {
        let ids = self.roster.agents.iter().map(|agent| agent.id.clone());
        let mut scores: Vec<_> =
            ids.zip(&self.shares.agents).map(|(agent, &score)| Score { agent, score }).collect();
        scores.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.agent.cmp(&b.agent)));
        scores
    }

    /// The agent that stands out.
    pub(super) fn sure_of(&self) -> Option<&'a AgentId> {
        let standing = self.whole().filter(|whole| whole.stands_out(self.config.accept, self.config))?;
        Some(&self.roster.agents[standing.best].id)
    }

    /// The agent that a message is for whatever was said before: no short answer to a question is.
    pub(super) fn very_sure_of(&self, text: &str) -> Option<&'a AgentId> {
        let enough = super::lexical::words(text).len() >= FEWEST_OWN_WORDS;
        let whole = self.whole().filter(|whole| enough && whole.stands_out(VERY_SURE, self.config))?;
        Some(&self.roster.agents[whole.best].id)
    }

    /// The plan, where the model is sure of it.
    pub(super) fn plan(&self, text: &str, max_agents: usize) -> Option<Plan> {
        if let Some(together) = &self.together {
            let plan = self.all_of(together, text, max_agents);
            return plan.filter(|_| !self.names_an_agent(text) && self.may_divide());
        }
        let several = self.several(text, max_agents, self.roster.division.to_decide, Reason::LikeParts);
        several
            .filter(|several| self.is_right(several) && !self.names_an_agent(text))
            .filter(|_| self.may_divide() && !self.leaves_out(text))
            .or_else(|| self.one(text))
            .filter(|plan| vetoes::says_something(text) && !self.is_ordered(text, plan))
    }

    /// Whether parts that were together so sure are right often enough.
    fn is_right(&self, several: &Plan) -> bool {
        let together = several.steps.iter().map(|step| step.confidence).product();
        self.trust.right(together) >= self.config.right
    }

    fn one(&self, text: &str) -> Option<Plan> {
        let whole = self.whole().filter(|whole| whole.is_sure(self.config.accept, self.config))?;
        if self.adds_nobodys(text) {
            return None;
        }
        let steps = vec![self.step(whole.best, text.to_owned(), whole.share)];
        Some(plan(steps, self.about(Reason::Like, [whole.best])))
    }

    fn sure(&self, shares: &Shares, accept: f64) -> Option<usize> {
        let standing = self.standing(shares)?;
        standing.is_sure(accept, self.config).then_some(standing.best)
    }

    /// A reason that is about agents, by their places.
    fn about(&self, code: Reason, agents: impl IntoIterator<Item = usize>) -> Because {
        Because::of(code, agents.into_iter().map(|agent| self.roster.agents[agent].as_ref()))
    }

    fn step(&self, agent: usize, question: String, confidence: f64) -> Step {
        let agent = self.roster.agents[agent].id.clone();
        Step { agent, question, confidence, depends_on: Vec::new() }
    }

    /// The plan when nothing better can be had: the best guess, the agents of before, a question back, or nobody.
    pub(super) fn fallback(&self, question: &Question<'_>, max_agents: usize, why: &str) -> Plan {
        degraded(self.harmless(self.guessed(question, max_agents), question.text), why)
    }

    fn guessed(&self, question: &Question<'_>, max_agents: usize) -> Plan {
        if let Some(allowed) = self.the_allowed(question.text).filter(|plan| plan.steps.len() <= max_agents) {
            return allowed;
        }
        let several = self.most_of_them(question.text, max_agents);
        let least = self.roster.division.to_guess;
        let divided = || self.several(question.text, max_agents, least, Reason::GuessParts);
        if let Some(several) = several.or_else(divided) {
            return several;
        }
        if let Some(first) = self.the_first(question.text, max_agents) {
            return first;
        }
        let known = self.shares.known >= self.config.min_known;
        let best = self.whole().map(|whole| (whole.best, whole.share));
        let best = best.filter(|(best, _)| known || self.previous.contains(best));
        if let Some((best, share)) = best.filter(|(_, share)| *share >= WEAK && *share > self.shares.none) {
            let steps = vec![self.step(best, question.text.to_owned(), share)];
            let code = if self.many { Reason::GuessOfMany } else { Reason::Guess };
            return plan(steps, self.about(code, [best]));
        }
        if let Some(plan) = self.previous(question) {
            return plan;
        }
        let likely: Vec<_> = self.likely();
        let perhaps = likely.len() > 1 || self.shares.none < CLEARLY;
        if best.is_some() && !likely.is_empty() && perhaps {
            let confidence = best.map_or(0.0, |(_, share)| share);
            let because = match likely.len() {
                _ if self.many => Because::at_most(Reason::TooMany, max_agents),
                1 => Reason::PerhapsOne.into(),
                _ => Reason::PerhapsSeveral.into(),
            };
            return words::ask_back(&likely, Stage::Lexical, confidence, because);
        }
        let reply = words::nobody(&self.roster.agents);
        words::without_agents(Mode::None, Stage::Lexical, self.shares.none, Reason::Nothing, reply)
    }

    /// Lets the user choose where the LLM is unsure and the local model does not share its view.
    pub(super) fn or_ask_back(&self, plan: Plan) -> Plan {
        if plan.steps.is_empty() || plan.confidence >= UNSURE {
            return plan;
        }
        let mut candidates: Vec<&Agent> =
            plan.steps.iter().filter_map(|step| self.roster.agent(&step.agent)).collect();
        for agent in self.likely() {
            if !candidates.iter().any(|known| known.id == agent.id) {
                candidates.push(agent);
            }
        }
        match candidates.as_slice() {
            [] | [_] => plan,
            several => {
                let because = Because { sentence: plan.reason, why: plan.why };
                words::ask_back(several, plan.stage, plan.confidence, because)
            }
        }
    }

    /// The likeliest agent once it is known that it is none of these; what acts is not asked on such a guess.
    pub(super) fn other_than(&self, refused: &[&AgentId]) -> Option<AgentId> {
        let scores = self.scores();
        let others = || scores.iter().filter(|score| !refused.contains(&&score.agent));
        let rest = self.shares.none + others().map(|score| score.score).sum::<f64>();
        let best =
            others().next().filter(|best| best.score > self.shares.none && best.score >= WEAK * rest)?;
        self.roster.agent(&best.agent).filter(|agent| !agent.has_effects()).map(|agent| agent.id.clone())
    }

    fn previous(&self, question: &Question<'_>) -> Option<Plan> {
        let is_here = |id: &&AgentId| self.roster.knows(id);
        let short = super::lexical::words(question.text).len() <= MAX_FOLLOW_UP_WORDS;
        let previous = question.previous.iter().filter(is_here).filter(|_| short);
        let steps: Vec<_> = previous
            .map(|id| Step {
                agent: id.clone(),
                question: question.text.to_owned(),
                confidence: WEAK,
                depends_on: Vec::new(),
            })
            .collect();
        (!steps.is_empty()).then(|| plan(steps, Reason::MayGoOn))
    }

    /// The agents that stand out from the rest.
    fn likely(&self) -> Vec<&'a Agent> {
        let scores = self.scores();
        let floor = (1.5 / (to_f64(scores.len()) + 1.0)).min(0.15).max(self.shares.none / 3.0);
        let stands_out = scores.iter().take(3).filter(|score| score.score >= floor);
        stands_out.filter_map(|score| self.roster.agent(&score.agent)).collect()
    }
}

/// What is made of texts, by words and where that can be had by meaning, and how far each is to be trusted.
async fn views<'a>(roster: &'a Roster, texts: &[&str]) -> Vec<(Shares, &'a Trust)> {
    let words: Vec<Shares> = texts.iter().map(|text| roster.model.score(text)).collect();
    let by_words = |words: Vec<Shares>| words.into_iter().map(|shares| (shares, &roster.trust)).collect();
    let Some(meaning) = &roster.meaning else { return by_words(words) };
    match meaning.shares(texts, &words).await {
        Ok(both) => {
            let view = |(words, both): (Shares, Option<Shares>)| match both {
                Some(both) => (both, meaning.trust()),
                None => (words, &roster.trust),
            };
            words.into_iter().zip(both).map(view).collect()
        }
        // Counted where it happened; the words alone decide then.
        Err(error) => {
            tracing::warn!(%error, "routing goes on without the embedder");
            by_words(words)
        }
    }
}

/// What the model reads of a message: its text, and what kinds of files go with it.
pub(super) fn read(question: &Question<'_>) -> String {
    let mut text = question.text.to_owned();
    for file in question.files {
        let ending = file.name.rsplit_once('.').map_or("", |(_, ending)| ending);
        text.push_str(&format!("\n{ending} {}", file.media_type.replace('/', " ")));
    }
    text
}

fn plan(steps: Vec<Step>, because: impl Into<Because>) -> Plan {
    let Because { sentence, why } = because.into();
    let confidence = steps.iter().map(|step| step.confidence).fold(1.0, f64::min);
    let mode = rules::together(&steps);
    Plan {
        mode,
        steps,
        confidence,
        reason: sentence,
        why,
        stage: Stage::Lexical,
        degraded: None,
        says: None,
        choices: Vec::new(),
    }
}

fn degraded(plan: Plan, why: &str) -> Plan {
    let more = plan.degraded.as_ref().map_or_else(String::new, |more| format!("; {more}"));
    Plan { degraded: Some(format!("{why}{more}")), ..plan }
}

/// What is likely of a message that comes after others.
fn in_context(mut shares: Shares, previous: &[usize]) -> Shares {
    if previous.is_empty() {
        return shares;
    }
    for &agent in previous {
        shares.agents[agent] = shares.agents[agent].max(LEAST) * STAYS;
    }
    shares.none *= LEAVES;
    let sum = shares.none + shares.agents.iter().sum::<f64>();
    shares.none /= sum;
    shares.agents.iter_mut().for_each(|share| *share /= sum);
    shares
}

pub(super) fn best(shares: &[f64]) -> Option<(usize, f64)> {
    shares.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
}

fn to_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
