//! How much is stored, and the forgetting of what is older than a tenant keeps.

use super::{Tx, sql};
use crate::error::Result;
use chrono::{DateTime, Utc};
use switchboard_shared::ids::{ConversationId, TenantId, UserId};
use tokio_postgres::Row;
use uuid::Uuid;

/// Bytes of messages with their files, and of the answers to them with theirs.
pub(crate) struct Stored {
    pub(crate) by_user: u64,
    pub(crate) by_tenant: u64,
}

impl Tx {
    /// Counts bytes as a user's.
    pub(crate) async fn keep_bytes(&self, tenant: &TenantId, user: &UserId, bytes: i64) -> Result<()> {
        self.execute(sql!("keep_bytes"), &[&tenant.as_str(), &user.as_str(), &bytes]).await?;
        Ok(())
    }

    /// How many bytes there are.
    pub(crate) async fn stored(&self, tenant: &TenantId, user: &UserId) -> Result<Stored> {
        let row = self.query_opt(sql!("stored"), &[&tenant.as_str(), &user.as_str()]).await?;
        Ok(counted(row.as_ref()))
    }

    /// Gives back what a conversation holds, before it is deleted.
    pub(crate) async fn give_back_conversation(&self, tenant: &TenantId, id: ConversationId) -> Result<()> {
        self.execute(sql!("give_back_conversation"), &[&tenant.as_str(), &id.0]).await?;
        Ok(())
    }

    /// Deletes turns that began before that, with their messages, files and events, so many at most; how many.
    pub(crate) async fn forget_turns(
        &self,
        tenant: &TenantId,
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<usize> {
        let rows = self.query(sql!("old_turns"), &[&tenant.as_str(), &before, &limit]).await?;
        let turns: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        let conversations: Vec<Uuid> = rows.iter().map(|row| row.get(1)).collect();
        let tenant = tenant.as_str();
        self.execute(sql!("give_back_turns"), &[&tenant, &turns]).await?;
        self.execute(sql!("delete_messages_of_turns"), &[&tenant, &turns]).await?;
        self.execute(sql!("delete_events_of_turns"), &[&tenant, &turns, &conversations]).await?;
        self.execute(sql!("delete_turns"), &[&tenant, &turns]).await?;
        self.execute(sql!("forget_before"), &[&tenant, &conversations, &before]).await?;
        Ok(turns.len())
    }
}

pub(super) fn counted(row: Option<&Row>) -> Stored {
    let count = |column| row.map_or(0, |row| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0));
    Stored { by_user: count(0), by_tenant: count(1) }
}
