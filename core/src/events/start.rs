//! What a stream of a conversation begins with: who may read it, and what is there already.

use crate::{
    core::Core,
    error::Result,
    store::{MessageRow, Paged, Tx, View, reading},
};
use futures::try_join;
use switchboard_shared::{
    api::{ConversationSummary, MessageView},
    events::{Event, StreamHead},
    identity::Identity,
    ids::{ConversationId, TenantId, TurnId},
};

/// Messages in a snapshot.
const SNAPSHOT_MESSAGES: u32 = 50;

/// What a stream begins with.
pub(super) struct Start {
    pub(super) head: StreamHead,
    /// The first events after the cursor.
    pub(super) page: Paged<Event>,
    pub(super) running: Vec<TurnId>,
}

/// Looks, in one transaction.
pub(super) async fn start(
    core: &Core,
    identity: &Identity,
    conversation: ConversationId,
    after: Option<u64>,
) -> Result<Start> {
    let tenant = &identity.tenant;
    // The cursor may come from another core's answer.
    reading!(&core.store, tenant, View::Latest, tx, start_in(tx, core, identity, conversation, after))
}

async fn start_in(
    tx: &Tx,
    core: &Core,
    identity: &Identity,
    conversation: ConversationId,
    after: Option<u64>,
) -> Result<Start> {
    let tenant = &identity.tenant;
    let (access, members, running) = try_join!(
        tx.conversation(tenant, conversation, &identity.user),
        tx.members(tenant, conversation),
        tx.running_turns(tenant, conversation),
    )?;
    let summary = ConversationSummary { members, ..access.conversation };
    let head = head(tx, core, tenant, summary, after).await?;
    let page = match (&head, after) {
        (StreamHead::Attached { seq, .. }, Some(after)) if after < *seq => {
            let size = core.config.events.size(core.config.events.page);
            tx.events_after(tenant, conversation, after, size).await?
        }
        _ => Paged { rows: Vec::new(), more: false },
    };
    Ok(Start { head, page, running })
}

async fn head(
    tx: &Tx,
    core: &Core,
    tenant: &TenantId,
    summary: ConversationSummary,
    after: Option<u64>,
) -> Result<StreamHead> {
    let (conversation, seq) = (summary.id, summary.last_seq);
    let reason = match after {
        // A replica may be behind the cursor, which is then none of the cursor's faults.
        Some(after) if after > seq => tx.is_latest().then_some("ahead"),
        Some(after) if after < seq => {
            let oldest = tx.oldest_event(tenant, conversation).await?;
            oldest.is_none_or(|oldest| oldest > after + 1).then_some("expired")
        }
        _ => None,
    };
    let head = match reason {
        None => StreamHead::Attached { conversation: summary, seq },
        Some(reason) => {
            let size = core.config.events.size(SNAPSHOT_MESSAGES);
            let newest = tx.messages_before(tenant, conversation, 0..seq + 1, size).await?;
            let messages = newest_within(size.bytes, newest.rows.iter().map(MessageRow::view));
            StreamHead::Snapshot { conversation: summary, seq, reason: reason.to_owned(), messages }
        }
    };
    Ok(head)
}

/// The newest messages, oldest first, that are so many bytes as JSON: more than what they say, which was counted before.
fn newest_within(bytes: usize, newest_first: impl Iterator<Item = MessageView>) -> Vec<MessageView> {
    let mut left = bytes;
    let fits = |message: &MessageView| {
        let size = serde_json::to_string(message).map_or(usize::MAX, |json| json.len());
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    };
    let mut messages: Vec<_> = newest_first.take_while(fits).collect();
    messages.reverse();
    messages
}
