//! Why a message is routed as it is, made only when somebody asks: how likely each agent is and what that comes from, the
//! bounds, the nearest examples, the requests one by one, and what would have changed the choice.

mod because;
mod changes;
mod left_out;
#[cfg(test)]
mod tests;

use super::{
    NO_LLM, Question, Roster, Router,
    bounds::{self, ACCEPT, ACCEPT_EACH, Bound, MARGIN, MIN_KNOWN, RIGHT, Standing},
    clauses,
    guess::{self, Guess},
    lexical::{self, Near, Shares},
    mentions,
};
use std::ops::Range;
use switchboard_shared::{
    api::{self, AgentShare, ClauseShare, Explanation, NearExample, Outcome},
    events::{Plan, Reason, Stage},
    ids::AgentId,
};
use tokio::time::Instant;

/// Agents that are less likely at every step are left out.
const FLOOR: f64 = 0.01;
const MAX_SHARES: usize = 20;
const NEAREST: usize = 5;
/// What the examples ask of the parts of a message together: no key of the configuration.
const DIVISION: &str = "division";
/// Of a clause; a longer one is shown by its beginning.
const MAX_CLAUSE_CHARS: usize = 160;

impl Router {
    /// Explains a plan that was made of this question. Asks no LLM.
    pub(crate) async fn explain(&self, roster: &Roster, question: &Question<'_>, plan: &Plan) -> Explanation {
        let began = Instant::now();
        let guess = Guess::make(roster, &self.config, question).await;
        let standing = guess.whole();
        let joint = guess.for_several();
        let bounds: Vec<Bound> = match joint {
            Some(right) => vec![bounds::right(right, &self.config)],
            None => standing.iter().flat_map(|one| one.bounds(self.config.accept, &self.config)).collect(),
        };
        let by_rule = plan.stage == Stage::Rule;
        let sure = plan.stage == Stage::Lexical && plan.degraded.is_none();
        let divided = sure && plan.steps.len() > 1 && joint.is_none();
        let mut clauses = match joint {
            Some(_) => Vec::new(),
            None => self.clauses(roster, &guess, question.text),
        };
        let local = self.decided_here(roster, question, &guess);
        let tried = self.changes(roster, question, &guess, &clauses, &self.as_asked(local.clone())).await;
        if by_rule {
            clauses.iter_mut().for_each(|clause| clause.bounds.clear());
        }
        let whole = by_rule || joint.is_some();
        let together = if whole { Vec::new() } else { self.together(roster, &guess, question.text) };
        Explanation {
            because: because::because(
                roster,
                plan,
                standing,
                &bounds,
                joint.is_some(),
                guess.veto(question.text),
            ),
            local,
            shares: self.shares(roster, question, guess.shares()).await,
            known: Some(guess.shares().known),
            novelty: Some(roster.model.novelty(question.text)),
            bounds: bounds.iter().filter(|_| !by_rule && !divided).map(shown).collect(),
            nearest: nearest(roster, question, plan, &guess),
            clauses,
            together,
            changes: tried.changes,
            words_tried: u32::try_from(tried.words).unwrap_or(u32::MAX),
            more_words: u32::try_from(tried.more_words).unwrap_or(u32::MAX),
            us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        }
    }

    /// What is done without an LLM.
    fn decided_here(&self, roster: &Roster, question: &Question<'_>, guess: &Guess<'_>) -> Outcome {
        match self.without_llm(roster, question, guess) {
            Some(plan) => outcome(&plan, true),
            None => outcome(&guess.fallback(question, self.max_agents, NO_LLM), false),
        }
    }

    /// What is known of it before the LLM is asked, where there is one.
    fn as_asked(&self, local: Outcome) -> Outcome {
        if local.sure || !self.llm.is_configured() {
            return local;
        }
        Outcome { stage: Stage::Llm, mode: None, agents: Vec::new(), sure: false }
    }

    /// What each agent's share comes from: the words, the meaning, the conversation.
    async fn shares(&self, roster: &Roster, question: &Question<'_>, all: &Shares) -> Vec<AgentShare> {
        let words = roster.model.score(&guess::read(question));
        let with_meaning = match &roster.meaning {
            Some(_) => {
                let alone = Question { previous: &[], ..*question };
                Some(Guess::make(roster, &self.config, &alone).await.shares().clone())
            }
            None => None,
        };
        let of = |place: Option<usize>| AgentShare {
            agent: place.map(|place| roster.agents[place].id.clone()),
            share: share(all, place),
            words: share(&words, place),
            with_meaning: with_meaning.as_ref().map(|shares| share(shares, place)),
        };
        let likely =
            |one: &AgentShare| one.share.max(one.words).max(one.with_meaning.unwrap_or(0.0)) >= FLOOR;
        let mut shares: Vec<_> = (0..roster.agents.len()).map(|place| of(Some(place))).collect();
        shares.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.agent.cmp(&b.agent)));
        shares.retain(likely);
        shares.truncate(MAX_SHARES);
        shares.push(of(None));
        shares
    }

    /// The requests of a message that has several, each by itself.
    fn clauses(&self, roster: &Roster, guess: &Guess<'_>, text: &str) -> Vec<ClauseShare> {
        let (request, _) = clauses::data_of(text);
        let of = |(at, shares): (Range<usize>, &Shares)| {
            let text = &request[at];
            let standing = guess.standing(shares)?;
            let bounds = standing.bounds(self.config.accept_each, &self.config);
            // How often it is right is asked of the parts together.
            let bounds = bounds.iter().filter(|bound| bound.key != RIGHT);
            Some(ClauseShare {
                text: cut(text, MAX_CLAUSE_CHARS),
                agent: roster.agents[standing.best].id.clone(),
                share: standing.share,
                sure: standing.is_sure(self.config.accept_each, &self.config),
                bounds: bounds.map(of_a_part).collect(),
            })
        };
        guess.requests().filter_map(of).collect()
    }

    /// What the parts are held to together, where the message can be divided at all.
    fn together(&self, roster: &Roster, guess: &Guess<'_>, text: &str) -> Vec<api::Bound> {
        let Some(parts) = guess.several(text, self.max_agents, 0.0, Reason::LikeParts) else {
            return Vec::new();
        };
        let share: f64 = parts.steps.iter().map(|step| step.confidence).product();
        let bound = |key: &str, value: f64, limit: f64| api::Bound {
            key: key.to_owned(),
            value,
            limit,
            met: value >= limit,
        };
        vec![
            bound(DIVISION, share, roster.division.to_decide),
            bound(RIGHT, guess.right(share), self.config.right),
        ]
    }
}

/// The examples nearest to a message, with those of the agents that are asked, and of the one that would be next.
fn nearest(roster: &Roster, question: &Question<'_>, plan: &Plan, guess: &Guess<'_>) -> Vec<NearExample> {
    let text = guess::read(question);
    let mut nearest = roster.model.nearest(&text, NEAREST);
    let asked = |id: &AgentId| plan.steps.iter().any(|step| step.agent == *id);
    let scores = guess.scores();
    let next = scores.iter().map(|score| &score.agent).find(|id| !asked(id));
    let wanted = plan.steps.iter().map(|step| &step.agent).chain(next);
    for place in wanted.filter_map(|id| roster.agents.iter().position(|agent| agent.id == *id)) {
        if !nearest.iter().any(|near| near.agent == Some(place)) {
            nearest.extend(roster.model.nearest_of(place, &text));
        }
    }
    nearest.iter().map(|near| near_example(roster, near)).collect()
}

pub(super) fn near_example(roster: &Roster, near: &Near<'_>) -> NearExample {
    NearExample {
        agent: near.agent.map(|place| roster.agents[place].id.clone()),
        likeness: near.likeness.min(1.0),
        text: Some(near.text.to_owned()),
    }
}

fn outcome(plan: &Plan, sure: bool) -> Outcome {
    let agents = plan.steps.iter().map(|step| step.agent.clone()).collect();
    Outcome { stage: plan.stage, mode: Some(plan.mode), agents, sure }
}

fn shown(bound: &Bound) -> api::Bound {
    api::Bound { key: bound.key.to_owned(), value: bound.value, limit: bound.limit, met: bound.met }
}

fn of_a_part(bound: &Bound) -> api::Bound {
    let key = if bound.key == ACCEPT { ACCEPT_EACH } else { bound.key };
    api::Bound { key: key.to_owned(), ..shown(bound) }
}

fn share(shares: &Shares, place: Option<usize>) -> f64 {
    place.map_or(shares.none, |place| shares.agents[place])
}

/// At most so many characters of a text.
fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
