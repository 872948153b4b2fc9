//! The messages that an agent is learned from: shown, replaced, drafted in other languages.

use super::extract::{Caller, Id, Json};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    learn::{self, Lesson},
    promotion::{Promotion, promote},
    store::retrying,
};
use axum::{extract::State, response::IntoResponse};
use serde_json::json;
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};
use switchboard_shared::{
    api::{AgentExamples, DraftExamples, Drafts, Example, SetExamples},
    identity::Identity,
    ids::AgentId,
    problem::{Problem, ProblemKind},
};

/// Languages of one request for drafts.
const MAX_LANGUAGES: usize = 8;
/// Drafts in one language.
const MAX_DRAFTS: u32 = 20;
/// What is left of a request's time to say that the LLM took too long.
const LAST_WORD: Duration = Duration::from_millis(500);

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Id(id): Id<AgentId>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    Ok(axum::Json(shown(&core, &me, &id).await?))
}

pub(crate) async fn replace(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<AgentId>,
    Json(new): Json<SetExamples>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let examples = check(&core, new.examples)?;
    core.budgets.spend(&me)?;
    let promotion = Promotion {
        detail: json!({"examples": examples.len()}),
        lesson: Lesson::Examples(id.clone(), examples),
        force: new.force,
        settles: None,
        action: "agent.examples_replaced",
        subject: id.as_str(),
    };
    let trial = retrying!(envelope.patience, promote(&core, &me, &promotion))?;
    Ok(axum::Json(AgentExamples { trial, ..shown(&core, &me, &id).await? }))
}

async fn shown(core: &Core, me: &Identity, id: &AgentId) -> Result<AgentExamples> {
    let agent = core.registry.seen_by(&core.store, me, id).await?;
    let on_card = agent.all_examples().count() - agent.examples.len();
    let on_card = u32::try_from(on_card).unwrap_or(u32::MAX);
    Ok(AgentExamples { agent: id.clone(), examples: agent.examples.clone(), on_card, trial: None })
}

pub(crate) async fn draft(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<AgentId>,
    Json(wanted): Json<DraftExamples>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let languages = languages(&wanted)?;
    let agent = core.registry.seen_by(&core.store, &me, &id).await?;
    if !core.llm.is_configured() {
        let detail = "No LLM is configured, and drafts are written by one: see [[llm]] of the core's file.";
        return Err(unavailable(detail, 60));
    }
    core.budgets.spend(&me)?;
    let deadline = envelope.deadline.checked_sub(LAST_WORD).unwrap_or(envelope.deadline);
    let count = wanted.count as usize;
    let (drafts, tokens) =
        learn::draft(&core.llm, &agent, &languages, count, deadline).await.map_err(|error| {
            tracing::warn!(%error, "the LLM gave no drafts");
            unavailable("The LLM gave no drafts that can be used; try again.", 5)
        })?;
    core.counts.tokens(&me.tenant, &core.llm, &tokens);
    Ok(axum::Json(Drafts { agent: id, drafts }))
}

fn unavailable(detail: &str, seconds: u64) -> Error {
    Error::Public(Problem::new(ProblemKind::Unavailable, detail).retry_after(seconds))
}

fn languages(wanted: &DraftExamples) -> Result<Vec<String>> {
    if !(1..=MAX_LANGUAGES).contains(&wanted.languages.len()) {
        let detail = format!("Drafts are written in 1 to {MAX_LANGUAGES} languages at once.");
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    let languages: BTreeSet<_> = wanted.languages.iter().cloned().collect();
    if let Some(unknown) = languages.iter().find(|tag| !learn::is_language(tag)) {
        let unknown: String = unknown.chars().take(20).collect();
        let detail = format!("{unknown:?} is no language tag; de, pt-BR and zh-Hant are.");
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    if !(1..=MAX_DRAFTS).contains(&wanted.count) {
        let detail = format!("1 to {MAX_DRAFTS} drafts are written in each language.");
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    Ok(languages.into_iter().collect())
}

/// The examples as an agent can have them, each with its language where that can be told.
pub(super) fn check(core: &Core, examples: Vec<Example>) -> Result<Vec<Example>> {
    let bound = core.config.agents.max_examples;
    if examples.len() > bound {
        return Err(Error::public(ProblemKind::TooLarge, format!("An agent has at most {bound} examples.")));
    }
    sound(examples)
}

/// The examples, each text once, if nothing is wrong with one of them.
pub(super) fn sound(examples: Vec<Example>) -> Result<Vec<Example>> {
    if let Some((kind, detail)) = examples.iter().find_map(learn::fault) {
        return Err(Error::public(kind, detail));
    }
    let mut known = HashSet::new();
    let once = examples.into_iter().filter(|example| known.insert(example.text.clone()));
    Ok(once.map(learn::with_language).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_twice_is_kept_once() {
        let example = |text: &str| Example { text: text.into(), language: "en".into() };
        let kept = sound(vec![example("a b"), example("c"), example("a b"), example("A b")]).unwrap();
        assert_eq!(kept, [example("a b"), example("c"), example("A b")]);
        assert!(sound(vec![example("a"), example(" ")]).is_err());
    }
}
