//! Looking after calls that are open beyond their turns, by whichever core finds them first: an agent that works on is
//! asked whether it is done, one that has waited for too long is given up, and one that was given up is told so, for as
//! long as that may take.

use super::later;
use crate::{
    agents::Agent,
    clock,
    core::Core,
    error::Result,
    metrics,
    store::{DueCall, NewEvent, OpenOf, Openness},
};
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    events::{EventBody, TurnState, Usage},
    ids::{AgentId, TenantId},
};
use tokio::{sync::Semaphore, time::sleep};

/// How often it is looked for what is due.
const EVERY: Duration = Duration::from_millis(500);
/// A core has one for so long; asking or telling its agent takes less.
const LEASE: Duration = Duration::from_secs(30);
/// Looked after at once on this core.
const AT_ONCE: usize = 32;
/// Of one tenant at one look, so that others find a place too.
const OF_TENANT: usize = 8;
/// Before an agent is told for the second time; before each time after that it is twice as long, ...
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// ... but no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Looks after open calls until this core goes.
pub(crate) async fn look_after(core: Arc<Core>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
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

async fn look(core: &Arc<Core>, places: &Arc<Semaphore>) -> Result<()> {
    for tenant in core.store.tenants_with_due_open_calls().await? {
        let most = places.available_permits().min(OF_TENANT);
        if most == 0 {
            return Ok(());
        }
        let tx = core.store.write(&tenant).await?;
        let due = tx.claim_open_calls(&tenant, core.id, (most, LEASE)).await?;
        tx.commit().await?;
        for call in due {
            let Ok(place) = Arc::clone(places).try_acquire_owned() else { return Ok(()) };
            let (core, tenant) = (Arc::clone(core), tenant.clone());
            core.shutdown.tasks.clone().spawn(async move {
                let _place = place;
                if let Err(error) = look_at(&core, &tenant, &call).await {
                    tracing::warn!(%error, %tenant, call = %call.call, "an open call could not be looked at; trying again");
                }
            });
        }
    }
    Ok(())
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
}
