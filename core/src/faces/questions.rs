//! What a turn ended with, and nobody waits for: a question that nobody is going to answer, or work that goes on.

use crate::{
    clock,
    core::Core,
    error::Result,
    store::{NewEvent, OpenOf, retrying},
};
use switchboard_shared::{
    events::{Event, EventBody, TurnState, Usage},
    identity::Identity,
    ids::{ConversationId, TurnId},
};
use tokio::time::Instant;

/// Gives it up, once: the next message is no answer then, and its agents are told that nobody goes on with their work.
pub(super) async fn give_up(
    core: &Core,
    me: &Identity,
    conversation: ConversationId,
    turn: TurnId,
    usage: Usage,
    patience: Instant,
) -> Result<()> {
    let events = retrying!(patience, give_up_once(core, me, conversation, turn, usage))?;
    events.into_iter().for_each(|event| core.bell.ring(event));
    Ok(())
}

async fn give_up_once(
    core: &Core,
    me: &Identity,
    conversation: ConversationId,
    turn: TurnId,
    usage: Usage,
) -> Result<Vec<Event>> {
    let tx = core.store.write(&me.tenant).await?;
    let place = NewEvent { conversation, turn: Some(turn), at: clock::now() };
    let body = EventBody::TurnFinished { state: TurnState::Canceled, usage, error: None };
    let events = tx.append_events(&me.tenant, place, vec![body]).await?;
    if !tx.give_up_question(&me.tenant, turn).await? {
        tx.rollback().await?;
        return Ok(Vec::new());
    }
    tx.give_up_open_calls(&me.tenant, OpenOf::Turn(turn)).await?;
    tx.cancel_working_calls(&me.tenant, turn).await?;
    tx.commit().await?;
    Ok(events)
}
