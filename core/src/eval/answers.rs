//! Answers rows, one at a time, by the router that serves messages.

use super::{
    registry::Registry,
    rows::{NOBODY, Row},
};
use crate::{
    llm::LlmError,
    route::{ContextMessage, Decision, Question, Roster, Router, embed::Embedder, meaning::Meaning},
};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};
use switchboard_shared::events::Stage;
use tokio::time::Instant;

/// How long one row may take, the LLM included.
const DEADLINE: Duration = Duration::from_secs(30);

/// What was decided for a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// The agents that would be asked; the best guess, where nobody would be.
    pub(super) labels: Vec<String>,
    /// That they are the right ones, 0 to 1.
    pub(super) confidence: f64,
    pub(super) us: f64,
    pub(super) stage: Stage,
    /// Why it was decided without the LLM that was wanted, as a label; none where no LLM is configured.
    pub(super) degraded: Option<&'static str>,
    /// Whether agents were chosen without the LLM and without falling back on a guess.
    pub(super) decided: bool,
}

impl Answer {
    /// What its time and its confidence count as. The local model's fallback has waited for the LLM, and what it is left
    /// with is not what it decides.
    pub(super) fn answered_by(&self) -> &'static str {
        if self.degraded.is_some() { "fallback" } else { self.stage.name() }
    }
}

/// The rosters that rows need, each learned once.
pub(super) struct Rosters(HashMap<Option<String>, Roster>);

impl Rosters {
    pub(super) async fn learn(
        registry: &Registry,
        rows: &[Row],
        nobody: &[String],
        embedder: Option<&Arc<Embedder>>,
    ) -> Result<Self, String> {
        let mut rosters = HashMap::new();
        for row in rows {
            let key = registry.key(row.registry.as_deref());
            if let Entry::Vacant(vacant) = rosters.entry(key) {
                let roster = registry.roster(vacant.key().as_deref(), nobody)?;
                let meaning = match embedder {
                    Some(embedder) => {
                        let learned =
                            Meaning::learn(Arc::clone(embedder), &roster.agents, nobody, &roster.model);
                        let learned = learned.await;
                        Some(learned.map_err(|error| error.to_string())?)
                    }
                    None => None,
                };
                vacant.insert(roster.with(meaning));
            }
        }
        Ok(Self(rosters))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Answers the rows in order.
pub(super) async fn answer(
    router: &Router,
    registry: &Registry,
    rosters: &Rosters,
    rows: &[Row],
) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(rows.len());
    for row in rows {
        let roster = &rosters.0[&registry.key(row.registry.as_deref())];
        answers.push(answer_one(router, registry, roster, row).await);
    }
    answers
}

async fn answer_one(router: &Router, registry: &Registry, roster: &Roster, row: &Row) -> Answer {
    let previous: Vec<_> = row.previous.iter().filter_map(|name| registry.id(name).cloned()).collect();
    let context: Vec<_> = row
        .before
        .iter()
        .map(|(author, text)| ContextMessage { author: author.clone(), text: text.clone() })
        .collect();
    let began = Instant::now();
    let question = Question {
        text: &row.text,
        chosen: &[],
        waiting: None,
        unclear: &[],
        context: &context,
        previous: &previous,
        files: &[],
        deadline: began + DEADLINE,
    };
    let decision = router.plan(roster, &question).await;
    let us = began.elapsed().as_secs_f64() * 1e6;
    let (labels, confidence) = read(&decision, registry);
    let stage = decision.plan.stage;
    let decided = !decision.plan.steps.is_empty() && decision.plan.degraded.is_none() && stage != Stage::Llm;
    // Where there is no LLM, none was wanted.
    let degraded = decision.degraded.filter(|kind| *kind != LlmError::NotConfigured.kind());
    Answer { labels, confidence, us, stage, degraded, decided }
}

/// Who is asked; of a plan that asks nobody, the likeliest agent with the little that speaks for it.
fn read(decision: &Decision, registry: &Registry) -> (Vec<String>, f64) {
    let steps = &decision.plan.steps;
    if steps.is_empty() {
        return match decision.scores.first() {
            Some(best) => (vec![registry.name(&best.agent).to_owned()], best.score.clamp(0.0, 1.0)),
            None => (vec![NOBODY.to_owned()], 0.0),
        };
    }
    let mut labels: Vec<_> = steps.iter().map(|step| registry.name(&step.agent).to_owned()).collect();
    labels.sort();
    labels.dedup();
    (labels, decision.plan.confidence.clamp(0.0, 1.0))
}
