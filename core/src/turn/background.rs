//! What lies behind a message when it comes: what was said before, the turn before, who is there. It is read where the
//! message is accepted, in a round trip that is made anyway, so that a turn that begins at once reads nothing.

use crate::{
    config::Config,
    error::Result,
    store::{MessageRow, OpenCall, PreviousTurn, Tx},
};
use futures::try_join;
use std::{ops::Range, time::Duration};
use switchboard_shared::{
    api::Speaks,
    events::TurnState,
    ids::{ConversationId, TenantId, UserId},
};
use tokio::time::Instant;

/// So long what was read is taken for what is.
pub(super) const FRESH: Duration = Duration::from_millis(100);
/// Nothing larger is kept while its turn waits for its place.
const MAX_BYTES: usize = 64 * 1024;

/// What the rows said.
pub(crate) struct Background {
    /// Of the tenant's registry.
    pub(super) version: i64,
    /// The last messages, newest first.
    pub(super) said: Vec<MessageRow>,
    pub(super) last: Option<PreviousTurn>,
    /// The agents that wait, the newest first.
    pub(super) open: Vec<OpenCall>,
    pub(super) speaks: Speaks,
    pub(super) people: Vec<UserId>,
    pub(super) read: Instant,
}

/// A message that this core has just written, with what lies behind it.
pub(crate) struct Arrival {
    pub(crate) message: MessageRow,
    pub(crate) background: Background,
}

impl Background {
    /// Reads what lies behind the messages of a range, all in one round trip.
    pub(crate) async fn read(
        tx: &Tx,
        config: &Config,
        tenant: &TenantId,
        conversation: ConversationId,
        seqs: Range<u64>,
    ) -> Result<Self> {
        let (size, before) = (config.events.size(config.turn.context_messages), seqs.end);
        let read = Instant::now();
        let (version, said, last, open, (speaks, people)) = try_join!(
            tx.registry_version(tenant),
            tx.messages_before(tenant, conversation, seqs, size),
            tx.previous_turn(tenant, conversation, before),
            tx.open_calls(tenant, conversation),
            tx.room(tenant, conversation),
        )?;
        Ok(Self { version, said: said.rows, last, open, speaks, people, read })
    }

    /// Whether it is all that a turn needs to know, and still so: more is asked after a turn that asked which agent was
    /// meant, and one that was running may have ended by now.
    pub(super) fn will_do(&self) -> bool {
        let last = self.last.as_ref();
        let is_over = last.is_none_or(|last| last.state != TurnState::Running);
        is_over && !last.is_some_and(PreviousTurn::clarifies) && self.read.elapsed() < FRESH
    }
}

impl Arrival {
    /// Unless it is more than is kept while a turn waits.
    pub(crate) fn of(message: &MessageRow, background: Background) -> Option<Self> {
        let said = background.said.iter().map(|said| said.text.len()).sum::<usize>();
        let people = background.people.iter().map(|user| user.as_str().len()).sum::<usize>();
        let is_light = message.text.len() + said + people <= MAX_BYTES;
        is_light.then(|| Self { message: message.clone(), background })
    }
}
