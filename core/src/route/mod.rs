//! The router: who should answer a message. A cascade from the cheapest stage to the dearest, rule → local model →
//! LLM → a fallback that says what it is.

mod ask;
mod bounds;
mod choice;
mod clauses;
mod combine;
mod division;
pub(crate) mod embed;
mod explain;
mod guess;
#[cfg(test)]
mod hostile_tests;
mod joins;
mod language;
pub(crate) mod lexical;
mod local;
pub(crate) mod meaning;
mod mentions;
mod named;
pub(crate) mod overlap;
pub(crate) mod prose;
mod remembered;
mod rules;
#[cfg(test)]
mod tests;
mod trust;
mod why;
mod words;

pub(crate) use choice::choice;
pub(crate) use mentions::{Addressee, addressee, without_own_name};
pub(crate) use why::Because;
pub(crate) use words::without_agents;

use crate::{
    agents::Agent,
    config::RouteConfig,
    llm::{self, Llm, LlmError, Tokens},
    metrics,
};
use division::Division;
use guess::Guess;
use meaning::Meaning;
use remembered::Remembered;
use std::sync::Arc;
use switchboard_shared::{
    api::{FileView, Score},
    events::Plan,
    ids::AgentId,
};
use tokio::time::Instant;
use trust::Trust;

/// What a plan does without when there is no LLM.
const NO_LLM: &str = "no LLM configured";

/// What of the things that a plan did without is a fault. That there is no LLM is how a house is run: its plans say that
/// they are guesses, and its answers lack nothing.
pub(crate) fn faults(without: &str) -> Option<String> {
    let faults: Vec<_> = without.split("; ").filter(|what| *what != NO_LLM).collect();
    (!faults.is_empty()).then(|| faults.join("; "))
}

/// A tenant's agents at one version of its registry, and the model learned from them.
#[derive(Debug)]
pub(crate) struct Roster {
    pub(crate) version: i64,
    pub(crate) agents: Vec<Arc<Agent>>,
    /// Those that would be among them if they were not switched off: of these it says so, and nothing else.
    pub(crate) off: Vec<AgentId>,
    pub(crate) model: lexical::Model,
    /// How often it is right where it is so sure, by words.
    trust: Trust,
    /// How sure the parts of a message must be together to be divided among agents.
    division: Division,
    meaning: Option<Meaning>,
    remembered: Remembered,
    /// What its agents stand between in prompts; no text can hold it.
    mark: String,
}

impl Roster {
    /// Learns the agents; CPU-bound, milliseconds.
    #[cfg(test)]
    pub(crate) fn new(version: i64, agents: Vec<Arc<Agent>>) -> Self {
        let model = lexical::Model::train(&agents);
        Self::of(version, agents, model)
    }

    /// With a model that was learned in another way.
    pub(crate) fn of(version: i64, agents: Vec<Arc<Agent>>, model: lexical::Model) -> Self {
        let division = division::learn(&model, &agents);
        let trust = Trust::learn(model.held_out().iter().map(|held| (held.only(), held.shares.as_slice())));
        Self {
            version,
            agents,
            off: Vec::new(),
            model,
            trust,
            division,
            meaning: None,
            remembered: Remembered::default(),
            mark: llm::fence(),
        }
    }

    /// With those that are switched off.
    pub(crate) fn without(self, off: Vec<AgentId>) -> Self {
        Self { off, ..self }
    }

    /// With an embedder's view beside the words.
    pub(crate) fn with(self, meaning: Option<Meaning>) -> Self {
        Self { meaning, ..self }
    }

    /// About how much memory it takes, without its agents, which others have as well.
    pub(crate) fn bytes(&self) -> usize {
        let meaning = self.meaning.as_ref().map_or(0, Meaning::bytes);
        size_of::<Self>() + self.model.bytes() + self.trust.bytes() + meaning
    }

    /// Whether an embedder's view is beside the words.
    pub(crate) fn has_meaning(&self) -> bool {
        self.meaning.is_some()
    }

    /// Whether the agent is one of those that may be asked.
    pub(crate) fn knows(&self, id: &AgentId) -> bool {
        self.agent(id).is_some()
    }

    /// Whether the agent would be one of them if it were not switched off.
    pub(crate) fn has_off(&self, id: &AgentId) -> bool {
        self.off.contains(id)
    }

    fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.id == *id).map(AsRef::as_ref)
    }
}

/// A message to be routed, with what is known around it.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) text: &'a str,
    /// Agents named by the caller apart from the text.
    pub(crate) chosen: &'a [AgentId],
    /// The agent that waits for the user's input.
    pub(crate) waiting: Option<&'a AgentId>,
    /// The agents that wait, where it is not clear for which of them it is.
    pub(crate) unclear: &'a [AgentId],
    pub(crate) context: &'a [ContextMessage],
    /// The agents of the turn before.
    pub(crate) previous: &'a [AgentId],
    pub(crate) files: &'a [FileView],
    pub(crate) deadline: Instant,
}

/// An earlier message of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContextMessage {
    pub(crate) author: String,
    pub(crate) text: String,
}

/// What was decided, and what that took.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision {
    pub(crate) plan: Plan,
    /// Every agent's score by the local model, best first.
    pub(crate) scores: Vec<Score>,
    pub(crate) tokens: Tokens,
    /// What kind of reason kept the LLM from deciding: a closed list, to be counted.
    pub(crate) degraded: Option<&'static str>,
}

/// A plan that the LLM was wanted for.
struct Asked {
    plan: Plan,
    tokens: Tokens,
    degraded: Option<&'static str>,
}

impl Asked {
    /// Without the LLM's help, or its help of another time.
    fn free(plan: Plan, degraded: Option<&'static str>) -> Self {
        Self { plan, tokens: Tokens::default(), degraded }
    }
}

fn count(plan: &Plan, began: Instant) {
    let mode = format!("{:?}", plan.mode).to_lowercase();
    metrics::DECISIONS.with_label_values(&[plan.stage.name(), &mode]).inc();
    metrics::DECISION_SECONDS.with_label_values(&[plan.stage.name()]).observe(began.elapsed().as_secs_f64());
}

/// The cascade.
#[derive(Debug)]
pub(crate) struct Router {
    config: RouteConfig,
    max_agents: usize,
    llm: Arc<Llm>,
}

impl Router {
    pub(crate) fn new(config: &RouteConfig, max_agents: usize, llm: Arc<Llm>) -> Self {
        Self { config: config.clone(), max_agents, llm }
    }

    /// Decides who is asked what. Never fails: what could not be done is said in the plan's `degraded`.
    pub(crate) async fn plan(&self, roster: &Roster, question: &Question<'_>) -> Decision {
        let began = Instant::now();
        let guess = Guess::make(roster, &self.config, question).await;
        let scores = guess.scores();
        let Asked { mut plan, tokens, degraded } = match self.without_llm(roster, question, &guess) {
            Some(plan) => Asked::free(plan, None),
            None => self.with_llm(roster, question, &guess, &scores).await,
        };
        mentions::name_unknown(roster, question.text, &mut plan);
        mentions::hold_back(roster, question.text, &scores, &mut plan);
        count(&plan, began);
        Decision { plan, scores, tokens, degraded }
    }

    /// Whether the message itself says who is to be asked, so that no model is needed.
    pub(crate) fn is_addressed(&self, roster: &Roster, question: &Question<'_>) -> bool {
        let alone = Question { waiting: None, unclear: &[], ..*question };
        rules::explicit(roster, &alone, None, self.max_agents).is_some()
    }

    /// Who is asked where those that were chosen refuse, if anybody is likely enough then.
    pub(crate) async fn other_than(
        &self,
        roster: &Roster,
        question: &Question<'_>,
        refused: &[&AgentId],
    ) -> Option<AgentId> {
        Guess::make(roster, &self.config, question).await.other_than(refused)
    }

    fn without_llm(&self, roster: &Roster, question: &Question<'_>, guess: &Guess<'_>) -> Option<Plan> {
        let waits = question.waiting.is_some() || !question.unclear.is_empty();
        let elsewhere = guess.very_sure_of(question.text).filter(|_| waits);
        rules::explicit(roster, question, elsewhere, self.max_agents)
            .or_else(|| rules::sticky(roster, question, guess.sure_of(), self.max_agents))
            .or_else(|| guess.plan(question.text, self.max_agents))
            .or_else(|| words::no_agents(&roster.agents))
    }

    async fn with_llm(
        &self,
        roster: &Roster,
        question: &Question<'_>,
        guess: &Guess<'_>,
        scores: &[Score],
    ) -> Asked {
        if !self.llm.is_configured() {
            return Asked::free(
                guess.fallback(question, self.max_agents, NO_LLM),
                Some(LlmError::NotConfigured.kind()),
            );
        }
        if let Some(plan) = roster.remembered.get(question) {
            return Asked::free(plan, None);
        }
        let deadline = question.deadline.min(Instant::now() + self.config.llm);
        match Box::pin(ask::ask(&self.llm, roster, question, scores, self.max_agents, deadline)).await {
            Ok(decided) => {
                let plan = guess.or_hold_back(guess.or_ask_back(decided.plan), decided.is_certain);
                if !decided.follow_up {
                    roster.remembered.keep(question, &plan);
                }
                Asked { plan, tokens: decided.tokens, degraded: None }
            }
            Err(error) => {
                tracing::warn!(%error, "routing goes on without the LLM");
                Asked::free(guess.fallback(question, self.max_agents, &error.to_string()), Some(error.kind()))
            }
        }
    }
}
