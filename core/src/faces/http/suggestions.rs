//! The review: what came up in use, and whether an agent learns from it.

use super::extract::{Caller, Id, Json, Limit, Params};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    learn::{self, Lesson},
    promotion::{Promotion, promote, settle},
    store::{Review, retrying},
};
use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use switchboard_shared::{
    api::{DecideSuggestion, Example, Page, SuggestionReview, SuggestionState, SuggestionView, Trial},
    identity::Identity,
    ids::{AgentId, SuggestionId},
    problem::ProblemKind,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    state: Option<SuggestionState>,
    after: Option<SuggestionId>,
    #[serde(default)]
    limit: Limit,
}

pub(crate) async fn list(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Params(list): Params<List>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    Ok(axum::Json(retrying!(envelope.patience, page(&core, &me, &list))?))
}

/// One page. It shows other people's messages to whoever need not be in their conversations, so that it was read is
/// audited, with what was on it.
async fn page(core: &Core, me: &Identity, list: &List) -> Result<Page<SuggestionView>> {
    let tx = core.store.write(&me.tenant).await?;
    let items = tx.suggestions(&me.tenant, list.state, list.after, list.limit.one_more()).await?;
    let page = list.limit.page(items, |last| last.id);
    if let (Some(first), Some(last)) = (page.items.first(), page.items.last()) {
        let detail = json!({"state": list.state, "to": last.id, "count": page.items.len()});
        tx.audit(me, "suggestions.read", first.id, detail).await?;
    }
    tx.commit().await?;
    Ok(page)
}

pub(crate) async fn decide(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Id(id): Id<SuggestionId>,
    Json(decision): Json<DecideSuggestion>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    match decision.state {
        SuggestionState::Open => Err(bad("A suggestion is decided as `approved` or `dismissed`.".to_owned())),
        SuggestionState::Dismissed if corrects(&decision) => Err(bad(
            "What is dismissed teaches nothing: leave out agents, text, language and force.".to_owned(),
        )),
        SuggestionState::Approved | SuggestionState::Dismissed => {
            if decision.state == SuggestionState::Approved {
                core.budgets.spend(&me)?;
            }
            Ok(axum::Json(retrying!(envelope.patience, settled(&core, &me, id, &decision))?))
        }
    }
}

fn corrects(decision: &DecideSuggestion) -> bool {
    let DecideSuggestion { agents, text, language, force, .. } = decision;
    agents.is_some() || text.is_some() || language.is_some() || *force
}

/// Decides once; the same decision again is the same answer.
async fn settled(
    core: &Arc<Core>,
    me: &Identity,
    id: SuggestionId,
    decision: &DecideSuggestion,
) -> Result<SuggestionReview> {
    let tx = core.store.write(&me.tenant).await?;
    let suggestion = tx.lock_suggestion(&me.tenant, id).await?.ok_or_else(Error::not_found)?;
    tx.commit().await?;
    if suggestion.state == decision.state {
        return Ok(shown(suggestion, None));
    }
    let review = review(core, &suggestion, decision)?;
    let trial = match &review.taught {
        Some(agents) => {
            let example = Example { text: review.text.clone(), language: review.language.clone() };
            let promotion = Promotion {
                lesson: Lesson::OneMore(agents.clone(), example),
                force: decision.force,
                settles: Some((id, review.clone())),
                action: "suggestion.approved",
                subject: &id.to_string(),
                detail: json!({"agent": suggestion.agent, "source": suggestion.source,
                    "positive": suggestion.positive, "taught": agents}),
            };
            promote(core, me, &promotion).await?
        }
        None => dismiss(core, me, &suggestion, &review).await.map(|()| None)?,
    };
    let Review { state, taught, text, language } = review;
    let decided_by = Some(me.user.clone());
    Ok(shown(SuggestionView { state, taught, text, language, decided_by, ..suggestion }, trial))
}

/// What somebody who has looked at a suggestion makes of it: who should get such messages, in which words.
fn review(core: &Core, suggestion: &SuggestionView, decision: &DecideSuggestion) -> Result<Review> {
    let (state, known) = (decision.state, suggestion.clone());
    if state == SuggestionState::Dismissed {
        return Ok(Review { state, taught: None, text: known.text, language: known.language });
    }
    let suggested = || suggestion.positive.then(|| vec![suggestion.agent.clone()]);
    let Some(agents) = decision.agents.clone().or_else(suggested) else {
        let detail = format!(
            "{} refused this: say in `agents` who should get it, `[]` when nobody should, or dismiss it.",
            suggestion.agent
        );
        return Err(bad(detail));
    };
    let bound = core.config.turn.max_agents;
    if agents.len() > bound {
        return Err(bad(format!("A message asks at most {bound} agents.")));
    }
    let agents: BTreeSet<_> = agents.into_iter().collect();
    let said = decision.language.clone();
    // Other words may be in another language.
    let before = if decision.text.is_some() { String::new() } else { known.language };
    let text = decision.text.as_ref().map_or(known.text, |text| text.trim().to_owned());
    let example = Example { text, language: said.unwrap_or(before) };
    if let Some((kind, detail)) = learn::fault(&example) {
        return Err(Error::public(kind, detail));
    }
    let Example { text, language } = learn::with_language(example);
    Ok(Review { state, taught: Some(agents.into_iter().collect()), text, language })
}

async fn dismiss(core: &Core, me: &Identity, suggestion: &SuggestionView, review: &Review) -> Result<()> {
    let tx = core.store.write(&me.tenant).await?;
    settle(&tx, me, suggestion.id, review).await?;
    let detail =
        json!({"agent": suggestion.agent, "source": suggestion.source, "positive": suggestion.positive});
    tx.audit(me, "suggestion.dismissed", suggestion.id, detail).await?;
    tx.commit().await
}

fn shown(suggestion: SuggestionView, trial: Option<Trial>) -> SuggestionReview {
    let note = match (&suggestion.taught, suggestion.state) {
        (Some(agents), _) if agents.is_empty() => {
            "It is an example of what is for nobody, from the next message on.".to_owned()
        }
        (Some(agents), _) => {
            let names: Vec<_> = agents.iter().map(AgentId::as_str).collect();
            format!("It is an example of {}, from the next message on.", names.join(" and "))
        }
        (None, SuggestionState::Approved) => "It is recorded, and nothing is learned from it.".to_owned(),
        (None, SuggestionState::Open | SuggestionState::Dismissed) => {
            "It is dismissed, and nothing is learned from it.".to_owned()
        }
    };
    SuggestionReview { learned: suggestion.taught.is_some(), note, suggestion, trial }
}

fn bad(detail: String) -> Error {
    Error::public(ProblemKind::BadRequest, detail)
}
