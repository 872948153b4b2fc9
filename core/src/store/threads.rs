//! Chats of clients that do not know our conversations, and where they go on.

use super::{Tx, sql};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use switchboard_shared::ids::{ConversationId, TenantId, TurnId, UserId};

/// Where a chat stood, and what was said there last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadRow {
    pub(crate) conversation: ConversationId,
    pub(crate) turn: TurnId,
    /// Of the turn's message.
    pub(crate) seq: u64,
    pub(crate) at: DateTime<Utc>,
}

impl Tx {
    /// The user's conversation that stands at this head; if none does any more, the one that did last.
    pub(crate) async fn thread(
        &self,
        tenant: &TenantId,
        user: &UserId,
        head: &[u8],
    ) -> Result<Option<ThreadRow>> {
        let row = self.query_opt(sql!("thread"), &[&tenant.as_str(), &user.as_str(), &head]).await?;
        row.map(|row| {
            Ok(ThreadRow {
                conversation: ConversationId(row.get(0)),
                turn: TurnId(row.get(1)),
                seq: u64::try_from(row.get::<_, i64>(2)).map_err(Error::reading("thread"))?,
                at: row.get(3),
            })
        })
        .transpose()
    }

    /// Notes that the user's chat stands there now.
    pub(crate) async fn upsert_thread(
        &self,
        tenant: &TenantId,
        user: &UserId,
        head: &[u8],
        row: &ThreadRow,
    ) -> Result<()> {
        let seq = i64::try_from(row.seq).map_err(Error::writing("thread"))?;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
            [&tenant.as_str(), &user.as_str(), &head, &row.conversation.0, &row.turn.0, &seq, &row.at];
        self.execute(sql!("upsert_thread"), &values).await?;
        Ok(())
    }
}
