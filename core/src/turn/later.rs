//! Work of an agent that goes on when its turn is answered: it is looked at until it is over, and what it came to is then
//! a message of its own. That is written in one transaction with the end of its open call, so it is said once, whichever
//! cores die meanwhile.

use super::{
    close::{asks, source},
    given,
    outcome::settled,
    step::finished,
};
use crate::{
    agents::Reply,
    analytics::What,
    clock,
    core::Core,
    error::Result,
    metrics, outside,
    store::{
        Act, CallRow, DueCall, FinishedCall, MessageRow, NewEvent, OpenOf, Opening, TurnRow, Tx, retrying,
    },
    synthesise::{self, Material, NamedReply, Written},
};
use chrono::{DateTime, Utc};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::Author,
    events::{Answer, CallState, Event, EventBody, TurnState},
    ids::{MessageId, TenantId},
};
use tokio::time::Instant;

/// Work that has gone on for long is looked at more seldom: after a tenth of that, ...
const SHARE: u32 = 10;
/// ... but no sooner ...
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// ... and no later than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// So long it is tried to write down what was said; after that it is looked at again.
const WRITING: Duration = Duration::from_secs(10);

const OUR_FAULT: &str = "something went wrong on our side";

/// What is written when it is over.
struct Late<'a> {
    tenant: &'a TenantId,
    call: &'a DueCall,
    turn: &'a TurnRow,
    named: NamedReply,
    ended: FinishedCall,
    written: Written,
    at: DateTime<Utc>,
}

/// What was found at a look, with the agent's name; no reply where it works on.
struct Found {
    name: String,
    reply: Option<Reply>,
    /// It is not waited for any more, and is to be told so.
    is_stopped: bool,
}

/// Looks once at what an agent works on.
pub(super) async fn look(core: &Arc<Core>, tenant: &TenantId, call: &DueCall) -> Result<()> {
    let Some((turn, row)) = known(core, tenant, call).await? else {
        return give_up(core, tenant, call).await;
    };
    // What is said later stands behind the turn's answer, and ends the turn that it ended as working.
    if turn.state == TurnState::Running {
        return postpone(core, tenant, call, SHORTEST_PAUSE).await;
    }
    let Found { name, reply, is_stopped } = ask(core, tenant, call, turn.hops).await?;
    let Some(reply) = reply else { return postpone(core, tenant, call, pause(call.open_for)).await };
    let of = (tenant, call, &turn, &row);
    let late = late(core, of, &name, (reply, is_stopped)).await?;
    match say(core, &late).await {
        // What it said cannot be stored: that it failed can.
        Err(error) if error.is_defect() => {
            tracing::error!(call = %row.id, agent = %row.agent, %error, "what came late could not be written");
            let failed = Reply::without(CallState::Failed, OUR_FAULT.to_owned());
            say(core, &self::late(core, of, &name, (failed, true)).await?).await
        }
        said => said,
    }
}

async fn ask(core: &Arc<Core>, tenant: &TenantId, call: &DueCall, hops: u32) -> Result<Found> {
    let listed = core.registry.all(&core.store, tenant).await?;
    let agent = listed.agents.iter().find(|agent| agent.id == call.agent);
    let name = agent.map_or_else(|| call.agent.to_string(), |agent| agent.name.clone());
    let stopped = |state, why: &str| Some(Reply::without(state, why.to_owned()));
    let (reply, is_stopped) = match agent {
        None => (stopped(CallState::Failed, "it is not registered any more"), true),
        Some(agent) if !agent.enabled => (stopped(CallState::Failed, "it was switched off meanwhile"), true),
        Some(agent) => match core.agents.look_at(tenant, agent, (&call.task, hops)).await {
            Ok(Some(reply)) => (Some(reply), false),
            _ if call.is_late => (stopped(CallState::TimedOut, "its work took longer than it may"), true),
            Ok(None) => (None, false),
            Err(why) => {
                tracing::debug!(call = %call.call, why, "work that goes on could not be looked at; trying again");
                (None, false)
            }
        },
    };
    Ok(Found { name, reply, is_stopped })
}

async fn postpone(core: &Core, tenant: &TenantId, call: &DueCall, pause: Duration) -> Result<()> {
    let tx = core.store.write(tenant).await?;
    tx.postpone_open_call(tenant, call.call, core.id, pause).await?;
    tx.commit().await
}

fn pause(worked: Duration) -> Duration {
    (worked / SHARE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// The turn and the call, unless they are gone.
async fn known(core: &Core, tenant: &TenantId, call: &DueCall) -> Result<Option<(TurnRow, CallRow)>> {
    let tx = core.store.write(tenant).await?;
    let (turn, calls) = futures::try_join!(tx.turn_row(tenant, call.turn), tx.calls(tenant, call.turn))?;
    tx.leave();
    Ok(turn.zip(calls.into_iter().find(|row| row.id == call.call)))
}

/// Of a conversation that is gone nobody wants to know.
async fn give_up(core: &Core, tenant: &TenantId, call: &DueCall) -> Result<()> {
    let tx = core.store.write(tenant).await?;
    tx.give_up_open_calls(tenant, OpenOf::Call(call.call)).await?;
    tx.commit().await
}

async fn late<'a>(
    core: &Core,
    (tenant, call, turn, row): (&'a TenantId, &'a DueCall, &'a TurnRow, &CallRow),
    name: &str,
    (reply, is_stopped): (Reply, bool),
) -> Result<Late<'a>> {
    let deadline = Instant::now() + WRITING;
    let worked = u64::try_from(call.open_for.as_millis()).unwrap_or(u64::MAX);
    let whose = (tenant, &turn.user, deadline);
    let (named, ended) = settled(core, whose, (row, name), reply, row.ms.saturating_add(worked)).await?;
    let replies = std::slice::from_ref(&named);
    let material = Material { question: &row.question, context: &[], replies };
    // Of one reply no LLM makes another one.
    let synthesis = &core.config.synthesis;
    let mut written =
        Box::pin(synthesise::write(&core.llm, synthesis, &material, deadline, &mut |_| {})).await;
    written.text = outside::signs(&written.text);
    // One that is stopped is to be told so.
    let open = ended.open.or(is_stopped.then_some(Opening::GIVEN_UP));
    let ended = FinishedCall { task_id: None, open, ..ended };
    Ok(Late { tenant, call, turn, named, ended, written, at: clock::now() })
}

/// Writes it down, and rings.
async fn say(core: &Core, late: &Late<'_>) -> Result<()> {
    let deadline = Instant::now() + WRITING;
    let events = retrying!(deadline, Box::pin(late.write(core)))?;
    if events.is_empty() {
        return Ok(());
    }
    for event in events {
        if let EventBody::TurnFinished { state, .. } = &event.body {
            core.counts.add(late.tenant, What::Turns, state.name(), 1);
        }
        core.bell.ring(event);
    }
    if matches!(late.named.state, CallState::Failed | CallState::TimedOut | CallState::Rejected) {
        core.counts.add(late.tenant, What::CallsFailed, late.call.agent.to_string(), 1);
    }
    let outcome = if late.named.state == CallState::TimedOut { "timed_out" } else { "done" };
    metrics::OPEN_CALLS.with_label_values(&[outcome]).inc();
    Ok(())
}

impl Late<'_> {
    /// All of it, if the call is still this core's to end.
    async fn write(&self, core: &Core) -> Result<Vec<Event>> {
        let Self { tenant, call, turn, ended, at, .. } = self;
        let place = NewEvent { conversation: turn.conversation, turn: Some(turn.id), at: *at };
        let asks = self.asks();
        let count = 3 + i64::from(asks.is_some());
        let tx = core.store.write(tenant).await?;
        // The conversation's row first, as everywhere.
        let first = tx.advance_seq(tenant, turn.conversation, count).await?;
        let Some(first) = first else {
            tx.rollback().await?;
            give_up(core, tenant, call).await?;
            return Ok(Vec::new());
        };
        if !tx.delete_open_call(tenant, call.call, core.id).await? {
            tx.rollback().await?;
            return Ok(Vec::new());
        }
        let message = self.message(first + 1);
        let mut bodies =
            vec![finished(ended), EventBody::MessageCreated(message.view()), self.answer(&message)];
        bodies.extend(asks);
        tx.finish_call(tenant, turn.id, ended).await?;
        given::keep(&tx, tenant, turn, ended, *at).await?;
        let whose = (&turn.user, false);
        tx.insert_message(tenant, turn.conversation, &message, (&[], None), whose).await?;
        let mut events = tx.insert_events(tenant, place, first, bodies).await?;
        events.extend(self.end(&tx, place).await?);
        tx.commit().await?;
        Ok(events)
    }

    /// The end of the turn, where nobody works on it any more.
    async fn end(&self, tx: &Tx, place: NewEvent) -> Result<Vec<Event>> {
        let (tenant, turn) = (self.tenant, self.turn);
        let ends_as = match self.named.state {
            CallState::Completed => TurnState::Completed,
            CallState::InputRequired => TurnState::InputRequired,
            _ => TurnState::Failed,
        };
        let error = self.written.text.as_str();
        let Some((state, error)) = tx.end_late_turn(tenant, turn.id, (ends_as, Some(error))).await? else {
            return Ok(Vec::new());
        };
        let (subject, agents) = (turn.id.to_string(), [&self.call.agent]);
        let detail = json!({"conversation": turn.conversation, "state": state, "agents": agents});
        let act = Act { at: self.at, actor: &turn.user, action: "turn.finished", subject: &subject, detail };
        tx.append_audit(tenant, &act).await?;
        let body = EventBody::TurnFinished { state, usage: turn.usage, error };
        tx.append_events(tenant, place, vec![body]).await
    }

    fn message(&self, seq: u64) -> MessageRow {
        let agent = &self.call.agent;
        MessageRow {
            id: MessageId::new(),
            seq,
            author: Author::Switchboard,
            text: self.written.text.clone(),
            files: self.ended.files.iter().map(|file| file.view(agent)).collect(),
            turn: self.turn.id,
            agent: Some(agent.clone()),
            client_id: None,
            at: self.at,
        }
    }

    fn answer(&self, message: &MessageRow) -> EventBody {
        EventBody::AnswerFinished(Answer {
            message: message.id,
            attempt: self.turn.attempt,
            text: message.text.clone(),
            sources: vec![source(&self.named)],
            claims: self.written.claims.clone(),
            degraded: self.written.degraded.clone(),
            files: message.files.clone(),
        })
    }

    /// What it asks, where it waits for its user now.
    fn asks(&self) -> Option<EventBody> {
        let NamedReply { agent, state, text, .. } = &self.named;
        (*state == CallState::InputRequired).then(|| asks(agent, self.call.call, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_goes_on_for_long_is_looked_at_more_seldom() {
        let pauses = [0, 5, 60, 3_600].map(|worked| pause(Duration::from_secs(worked)).as_secs());
        assert_eq!(pauses, [1, 1, 6, 15]);
    }
}
