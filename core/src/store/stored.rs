//! How much is stored, and the forgetting of what is older than a tenant keeps.

use super::{Tx, sql};
use crate::error::Result;
use chrono::{DateTime, Utc};
use switchboard_shared::ids::{ConversationId, TenantId, UserId};
use tokio_postgres::Row;
use uuid::Uuid;

impl Tx {
    /// Counts bytes of messages with their files, and of the answers to them with theirs, as a user's; how many it has
    /// then.
    pub(crate) async fn keep_bytes(&self, tenant: &TenantId, user: &UserId, bytes: i64) -> Result<u64> {
        let row = self.query_opt(sql!("keep_bytes"), &[&tenant.as_str(), &user.as_str(), &bytes]).await?;
        Ok(bytes_in(row.as_ref()))
    }

    /// How many bytes a user has.
    pub(crate) async fn stored_by_user(&self, tenant: &TenantId, user: &UserId) -> Result<u64> {
        let row = self.query_opt(sql!("stored_by_user"), &[&tenant.as_str(), &user.as_str()]).await?;
        Ok(bytes_in(row.as_ref()))
    }

    /// How many bytes all users of a tenant have.
    pub(crate) async fn stored_by_tenant(&self, tenant: &TenantId) -> Result<u64> {
        let row = self.query_opt(sql!("stored_by_tenant"), &[&tenant.as_str()]).await?;
        Ok(bytes_in(row.as_ref()))
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

fn bytes_in(row: Option<&Row>) -> u64 {
    row.map_or(0, |row| u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}
