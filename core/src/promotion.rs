//! Promotion: what somebody wants to be learned is tried first, and learned only if the router is not worse with it.
//! The turns go on with the router that is there; the one that was tried takes its place when its rows are committed.

use crate::{
    core::Core,
    error::{Error, Result},
    learn::{Changed, Lesson, gate},
    route::Roster,
    store::{RegistryRows, Review, Tx, View, reading},
};
use serde_json::{Value, json};
use std::sync::Arc;
use switchboard_shared::{
    api::Trial,
    identity::Identity,
    ids::{SuggestionId, TenantId},
    problem::{Problem, ProblemKind},
};
use tokio::sync::OwnedMutexGuard;

/// How often a lesson is tried again when the registry was changed meanwhile.
const ATTEMPTS: usize = 3;

/// What is to be learned, and what is written down about it.
pub(crate) struct Promotion<'a> {
    pub(crate) lesson: Lesson,
    /// Whether it is learned even if the router gets worse.
    pub(crate) force: bool,
    /// The suggestion that it settles.
    pub(crate) settles: Option<(SuggestionId, Review)>,
    pub(crate) action: &'static str,
    pub(crate) subject: &'a str,
    pub(crate) detail: Value,
}

/// Learns it, if the router is not worse with it or the caller insists; what the trial said, where anything changed.
///
/// # Errors
/// When it cannot be learned, or the router would be worse: then nothing is changed, and the problem has the report.
pub(crate) async fn promote(
    core: &Arc<Core>,
    me: &Identity,
    promotion: &Promotion<'_>,
) -> Result<Option<Trial>> {
    let mut alone = core.trials.enter(&me.tenant).await;
    for _ in 0..ATTEMPTS {
        let mut rows = reading!(&core.store, &me.tenant, View::Latest, tx, tx.registry(&me.tenant))?;
        let before = rows.clone();
        let changed = promotion.lesson.teach(&mut rows, core.config.agents.max_examples)?;
        let tried = if changed.nothing() {
            None
        } else {
            rows.version += 1;
            let trial = try_out(Arc::clone(core), me.tenant.clone(), before, rows.clone(), alone);
            // A task of its own: a client that gives up must not let the next one in before this one has ended.
            let ended = core.shutdown.tasks.spawn(trial).await;
            let tried = ended.map_err(Error::task("trying what is to be learned"))??;
            alone = tried.alone;
            judge(&tried.trial, promotion.force)?;
            Some((tried.candidate, tried.trial))
        };
        let candidate = tried.as_ref().map(|(candidate, trial)| (candidate, trial));
        if write(core, me, promotion, &rows, &changed, candidate.map(|(_, trial)| trial)).await? {
            if let Some((candidate, _)) = candidate {
                core.registry.keep(&me.tenant, Arc::clone(candidate));
                core.registry.look_again(&core.store, &me.tenant);
            }
            return Ok(tried.map(|(_, trial)| trial));
        }
    }
    Err(Error::public(ProblemKind::Conflict, "The registry is being changed by others; try again."))
}

struct Tried {
    candidate: Arc<Roster>,
    trial: Trial,
    alone: OwnedMutexGuard<()>,
}

/// Learns a candidate beside the router that is there, and has both answer what is known.
async fn try_out(
    core: Arc<Core>,
    tenant: TenantId,
    before: RegistryRows,
    rows: RegistryRows,
    alone: OwnedMutexGuard<()>,
) -> Result<Tried> {
    let _few = core.trials.one_of_few().await;
    let frozen = rows.frozen.clone();
    let texts: Vec<&str> = frozen.iter().map(|row| row.text.as_str()).collect();
    if let Err(error) = core.registry.remember(&texts).await {
        tracing::warn!(%error, "the frozen set is not embedded");
    }
    let before = core.registry.roster_of(&tenant, before).await?;
    let candidate = Arc::new(core.registry.learn(&tenant, rows).await?);
    if before.has_meaning() != candidate.has_meaning() {
        let detail = "The embedder does not answer, and without it the two routers cannot be compared.";
        return Err(Error::Public(Problem::new(ProblemKind::Unavailable, detail).retry_after(10)));
    }
    let (runtime, of_core, compared) =
        (tokio::runtime::Handle::current(), Arc::clone(&core), Arc::clone(&candidate));
    let weighed = tokio::task::spawn_blocking(move || {
        let answer = |roster, text| runtime.block_on(of_core.router.local(roster, text));
        let known: Vec<_> = frozen
            .iter()
            .map(|row| gate::known(row, answer(&before, &row.text), answer(&compared, &row.text)))
            .collect();
        let examples = gate::examples(&before, &compared, of_core.config.route.accept);
        gate::weigh(&known, &examples)
    });
    let trial = weighed.await.map_err(Error::task("comparing two routers"))?;
    Ok(Tried { candidate, trial, alone })
}

fn judge(trial: &Trial, force: bool) -> Result<()> {
    if trial.not_worse || force {
        return Ok(());
    }
    let detail = format!("{} Nothing is changed; `force` learns it all the same.", trial.reason);
    Err(Error::Public(Problem::new(ProblemKind::WouldBeWorse, detail).report(trial.clone())))
}

/// Writes it, if the registry is still the one that the candidate was learned from.
async fn write(
    core: &Core,
    me: &Identity,
    promotion: &Promotion<'_>,
    rows: &RegistryRows,
    changed: &Changed,
    trial: Option<&Trial>,
) -> Result<bool> {
    if changed.nothing() && promotion.settles.is_none() {
        return Ok(true);
    }
    let tx = core.store.write(&me.tenant).await?;
    if !changed.nothing() {
        // This may be the tenant's first request of all.
        tx.upsert_user(&me.tenant, &me.user).await?;
        if tx.bump_registry(&me.tenant).await? != rows.version {
            tx.rollback().await?;
            return Ok(false);
        }
        teach(&tx, me, rows, changed).await?;
    }
    if let Some((id, review)) = &promotion.settles {
        settle(&tx, me, *id, review).await?;
    }
    let mut detail = promotion.detail.clone();
    if let (Some(trial), Some(detail)) = (trial, detail.as_object_mut()) {
        detail.insert("forced".to_owned(), json!(!trial.not_worse));
        detail.insert("frozen".to_owned(), json!(trial.frozen));
        detail.insert("examples".to_owned(), json!(trial.examples));
    }
    let Promotion { action, subject, .. } = *promotion;
    tx.audit(me, action, subject, detail).await?;
    tx.commit().await?;
    Ok(true)
}

async fn teach(tx: &Tx, me: &Identity, rows: &RegistryRows, changed: &Changed) -> Result<()> {
    for agent in rows.agents.iter().filter(|agent| changed.agents.contains(&agent.id)) {
        tx.set_examples(&me.tenant, &agent.id, &agent.examples).await?;
    }
    if changed.nobody {
        tx.replace_nobody(&me.tenant, &rows.nobody).await?;
    }
    Ok(())
}

/// Decides a suggestion, once.
pub(crate) async fn settle(tx: &Tx, me: &Identity, id: SuggestionId, review: &Review) -> Result<()> {
    let known = tx.lock_suggestion(&me.tenant, id).await?.ok_or_else(Error::not_found)?;
    if known.state != switchboard_shared::api::SuggestionState::Open {
        let detail = format!("This suggestion is {} already.", known.state.name());
        return Err(Error::public(ProblemKind::Conflict, detail));
    }
    tx.decide_suggestion(&me.tenant, id, review, &me.user).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::api::LocalAnswer;

    #[test]
    fn worse_is_refused_with_its_report_unless_forced() {
        let worse = gate::weigh(
            &[gate::Known {
                text: "?".into(),
                agents: Vec::new(),
                before: LocalAnswer { agents: Vec::new(), decided: false },
                after: LocalAnswer { agents: vec!["a".parse().unwrap()], decided: true },
            }],
            &[],
        );
        let problem = judge(&worse, false).unwrap_err().problem();
        assert_eq!((problem.code, problem.report.as_deref()), (ProblemKind::WouldBeWorse, Some(&worse)));
        assert!(judge(&worse, true).is_ok() && judge(&gate::weigh(&[], &[]), false).is_ok());
    }
}
