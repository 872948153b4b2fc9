//! Looking after calls that are open beyond their turns, by whichever core finds them first: an agent that works on is
//! asked whether it is done, one that has waited for too long is given up, and one that was given up is told so, for as
//! long as that may take.

use super::{later, share::less};
use crate::{
    agents::Agent,
    clock,
    core::Core,
    error::Result,
    metrics,
    store::{DueCall, NewEvent, OpenOf, Openness},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use switchboard_shared::{
    events::{EventBody, TurnState, Usage},
    ids::{AgentId, TenantId},
};
use tokio::time::sleep;

/// How often it is looked for what is due.
const EVERY: Duration = Duration::from_millis(500);
/// A core has one for so long; asking or telling its agent takes less.
const LEASE: Duration = Duration::from_secs(30);
/// Looked after at once on this core.
const AT_ONCE: usize = 32;
/// Before an agent is told for the second time; before each time after that it is twice as long, ...
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// ... but no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Who has how many of the places, by tenant.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<HashMap<TenantId, usize>>>);

/// A tenant's place, until it is dropped.
struct Place(Places, TenantId);

/// Looks after open calls until this core goes.
pub(crate) async fn look_after(core: Arc<Core>) {
    let places = Places::default();
    loop {
        tokio::select! {
            () = sleep(EVERY) => {}
            () = core.shutdown.token.cancelled() => return,
        }
        // After a failover of the database everybody looks dead for a moment.
        if !core.lease.is_steady() {
            continue;
        }
        if let Err(error) = look(&core, &places).await {
            tracing::warn!(%error, "could not look for open calls that are due; trying again");
        }
    }
}

async fn look(core: &Arc<Core>, places: &Places) -> Result<()> {
    for tenant in core.store.tenants_with_due_open_calls().await? {
        let most = places.left_for(&tenant);
        if most == 0 {
            continue;
        }
        let tx = core.store.write(&tenant).await?;
        let due = tx.claim_open_calls(&tenant, core.id, (most, LEASE)).await?;
        tx.commit().await?;
        for call in due {
            let (core, place) = (Arc::clone(core), places.take(&tenant));
            core.shutdown.tasks.clone().spawn(async move {
                let Place(_, tenant) = &place;
                if let Err(error) = look_at(&core, tenant, &call).await {
                    tracing::warn!(%error, %tenant, call = %call.call, "an open call could not be looked at; trying again");
                }
            });
        }
    }
    Ok(())
}

impl Places {
    /// How many more a tenant may have: whoever has some leaves as many for the others, as in `share.rs`. Agents that do
    /// not answer hold theirs for long.
    fn left_for(&self, tenant: &TenantId) -> usize {
        let taken = self.taken();
        let (all, own) = (taken.values().sum::<usize>(), taken.get(tenant).copied().unwrap_or(0));
        AT_ONCE.saturating_sub(all).saturating_sub(own).div_ceil(2)
    }

    fn take(&self, tenant: &TenantId) -> Place {
        *self.taken().entry(tenant.clone()).or_default() += 1;
        Place(self.clone(), tenant.clone())
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<TenantId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        less(&mut self.0.taken(), &self.1, 1);
    }
}

async fn look_at(core: &Arc<Core>, tenant: &TenantId, call: &DueCall) -> Result<()> {
    match call.state {
        Openness::Waiting | Openness::SignIn => time_out(core, tenant, call).await,
        Openness::Working => Box::pin(later::look(core, tenant, call)).await,
        Openness::GivenUp => tell(core, tenant, call).await,
    }
}

/// Nobody has answered for too long. Its turn is canceled, unless somebody goes on with it.
async fn time_out(core: &Core, tenant: &TenantId, call: &DueCall) -> Result<()> {
    let error = Some(format!("{} was not answered in time.", call.agent));
    let body = EventBody::TurnFinished { state: TurnState::Canceled, usage: Usage::default(), error };
    let place = NewEvent { conversation: call.conversation, turn: Some(call.turn), at: clock::now() };
    let tx = core.store.write(tenant).await?;
    // The conversation's row first, as everywhere.
    let events = tx.append_events(tenant, place, vec![body]).await?;
    if tx.give_up_open_calls(tenant, OpenOf::Call(call.call)).await? == 0 {
        return tx.rollback().await;
    }
    if !tx.give_up_question(tenant, call.turn).await? {
        tx.rollback().await?;
        return give_up_alone(core, tenant, call).await;
    }
    tx.give_up_open_calls(tenant, OpenOf::Turn(call.turn)).await?;
    tx.cancel_working_calls(tenant, call.turn).await?;
    tx.commit().await?;
    events.into_iter().for_each(|event| core.bell.ring(event));
    metrics::OPEN_CALLS.with_label_values(&["timed_out"]).inc();
    Ok(())
}

/// The same where its turn is gone, or another message has gone on with it.
async fn give_up_alone(core: &Core, tenant: &TenantId, call: &DueCall) -> Result<()> {
    let tx = core.store.write(tenant).await?;
    tx.give_up_open_calls(tenant, OpenOf::Call(call.call)).await?;
    metrics::OPEN_CALLS.with_label_values(&["timed_out"]).inc();
    tx.commit().await
}

/// Tells an agent that nobody goes on with its work.
async fn tell(core: &Arc<Core>, tenant: &TenantId, call: &DueCall) -> Result<()> {
    let is_told = match agent(core, tenant, &call.agent).await? {
        Some(agent) => core.agents.cancel(tenant, &agent, &call.task).await,
        // There is nobody to be told.
        None => true,
    };
    let tx = core.store.write(tenant).await?;
    let pause = pause(call.failures);
    if is_told || waited(call.failures) >= core.config.open_calls.cancel {
        tx.delete_open_call(tenant, call.call, core.id).await?;
        metrics::OPEN_CALLS.with_label_values(&[if is_told { "canceled" } else { "untold" }]).inc();
    } else {
        tx.postpone_open_call(tenant, call.call, core.id, pause).await?;
    }
    tx.commit().await
}

async fn agent(core: &Arc<Core>, tenant: &TenantId, id: &AgentId) -> Result<Option<Arc<Agent>>> {
    let listed = core.registry.all(&core.store, tenant).await?;
    Ok(listed.agents.iter().find(|agent| agent.id == *id).cloned())
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE)
}

/// How long it was tried by then.
fn waited(failures: u32) -> Duration {
    (0..failures).map(pause).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_is_away_is_told_ever_more_seldom_and_for_a_while_only() {
        let pauses: Vec<_> = (0..4).map(|failures| pause(failures).as_millis()).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000]);
        assert_eq!((pause(40), waited(3)), (LONGEST_PAUSE, Duration::from_millis(3_500)));
    }

    #[test]
    fn a_tenant_with_many_open_calls_leaves_places_for_the_others() {
        let (places, greedy, other) =
            (Places::default(), "greedy".parse().unwrap(), "other".parse().unwrap());
        let mut held = Vec::new();
        while places.left_for(&greedy) > 0 {
            held.push(places.take(&greedy));
        }
        assert_eq!((held.len(), places.left_for(&other)), (AT_ONCE / 2, AT_ONCE / 4));
        drop(held);
        assert!(places.taken().is_empty());
    }
}
