//! Conversations and their members.

use super::{Tx, sql};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use switchboard_shared::{
    api::{ConversationSummary, Member, MemberRole, Speaks},
    ids::{ConversationId, TenantId, UserId},
};
use tokio_postgres::Row;

/// A conversation that the caller is a member of.
pub(crate) struct Access {
    pub(crate) conversation: ConversationSummary,
    pub(crate) role: MemberRole,
}

/// A conversation to be made.
pub(crate) struct CreateRow<'a> {
    pub(crate) id: ConversationId,
    pub(crate) title: &'a str,
    pub(crate) owner: &'a UserId,
    pub(crate) members: &'a [UserId],
    pub(crate) speaks: Speaks,
}

impl Tx {
    pub(crate) async fn upsert_user(&self, tenant: &TenantId, user: &UserId) -> Result<()> {
        self.execute(sql!("upsert_tenant"), &[&tenant.as_str()]).await?;
        self.execute(sql!("upsert_user"), &[&tenant.as_str(), &user.as_str()]).await?;
        Ok(())
    }

    /// Those of these users who have not been here yet.
    pub(crate) async fn unseen_users(&self, tenant: &TenantId, users: &[&UserId]) -> Result<Vec<String>> {
        let ids: Vec<&str> = users.iter().map(|user| user.as_str()).collect();
        let rows = self.query(sql!("unseen_users"), &[&tenant.as_str(), &ids]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    pub(crate) async fn insert_conversation(&self, tenant: &TenantId, new: &CreateRow<'_>) -> Result<()> {
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&tenant.as_str(), &new.id.0, &new.title, &new.owner.as_str(), &spoken(new.speaks)];
        self.query(sql!("insert_conversation"), &values).await?;
        self.insert_member(tenant, new.id, new.owner, MemberRole::Owner).await?;
        for user in new.members.iter().filter(|user| *user != new.owner) {
            self.insert_member(tenant, new.id, user, MemberRole::Member).await?;
        }
        Ok(())
    }

    /// The conversation, if `user` is a member of it.
    pub(crate) async fn conversation(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        user: &UserId,
    ) -> Result<Access> {
        let row = self.query_opt(sql!("conversation"), &[&tenant.as_str(), &id.0, &user.as_str()]).await?;
        access(&row.ok_or_else(Error::not_found)?)
    }

    /// The same, and nobody else changes it until this transaction ends.
    pub(crate) async fn lock_conversation(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        user: &UserId,
    ) -> Result<Access> {
        let row =
            self.query_opt(sql!("lock_conversation"), &[&tenant.as_str(), &id.0, &user.as_str()]).await?;
        access(&row.ok_or_else(Error::not_found)?)
    }

    pub(crate) async fn conversations(
        &self,
        tenant: &TenantId,
        user: &UserId,
        after: Option<ConversationId>,
        limit: i64,
    ) -> Result<Vec<ConversationSummary>> {
        let after = after.map(|id| id.0);
        let rows =
            self.query(sql!("conversations"), &[&tenant.as_str(), &user.as_str(), &after, &limit]).await?;
        Ok(rows.iter().map(summary).collect())
    }

    pub(crate) async fn rename_conversation(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        title: &str,
    ) -> Result<()> {
        self.execute(sql!("rename_conversation"), &[&tenant.as_str(), &id.0, &title]).await?;
        Ok(())
    }

    pub(crate) async fn set_speaks(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        speaks: Speaks,
    ) -> Result<()> {
        self.execute(sql!("set_speaks"), &[&tenant.as_str(), &id.0, &spoken(speaks)]).await?;
        Ok(())
    }

    /// When Switchboard answers there, and who is in it.
    pub(crate) async fn room(&self, tenant: &TenantId, id: ConversationId) -> Result<(Speaks, Vec<UserId>)> {
        let rows = self.query(sql!("room"), &[&tenant.as_str(), &id.0]).await?;
        let speaks = rows.first().map(|row| speaks(row.get(0))).unwrap_or_default();
        Ok((speaks, rows.iter().map(|row| user(row, 1)).collect::<Result<_>>()?))
    }

    pub(crate) async fn delete_conversation(&self, tenant: &TenantId, id: ConversationId) -> Result<()> {
        self.execute(sql!("delete_conversation"), &[&tenant.as_str(), &id.0]).await?;
        Ok(())
    }

    /// Adds a member; whether it was not one already.
    pub(crate) async fn insert_member(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        user: &UserId,
        role: MemberRole,
    ) -> Result<bool> {
        let role = match role {
            MemberRole::Owner => "owner",
            MemberRole::Member => "member",
        };
        let added =
            self.execute(sql!("insert_member"), &[&tenant.as_str(), &id.0, &user.as_str(), &role]).await?;
        Ok(added > 0)
    }

    pub(crate) async fn members(&self, tenant: &TenantId, id: ConversationId) -> Result<Vec<Member>> {
        let rows = self.query(sql!("members"), &[&tenant.as_str(), &id.0]).await?;
        rows.iter().map(|row| Ok(Member { user: user(row, 0)?, role: role(row.get(1)) })).collect()
    }

    pub(crate) async fn count_members(&self, tenant: &TenantId, id: ConversationId) -> Result<i64> {
        let row = self.query_opt(sql!("count_members"), &[&tenant.as_str(), &id.0]).await?;
        Ok(row.map_or(0, |row| row.get(0)))
    }

    /// Takes a member off; whether it was one.
    pub(crate) async fn delete_member(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        user: &UserId,
    ) -> Result<bool> {
        Ok(self.execute(sql!("delete_member"), &[&tenant.as_str(), &id.0, &user.as_str()]).await? > 0)
    }

    /// What an earlier request with the same key made, and the hash of that request.
    pub(crate) async fn idempotent_subject(
        &self,
        tenant: &TenantId,
        user: &UserId,
        key: &str,
    ) -> Result<Option<(uuid::Uuid, Vec<u8>)>> {
        let row =
            self.query_opt(sql!("idempotent_subject"), &[&tenant.as_str(), &user.as_str(), &key]).await?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    pub(crate) async fn delete_old_idempotency(
        &self,
        tenant: &TenantId,
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<u64> {
        self.execute(sql!("delete_old_idempotency"), &[&tenant.as_str(), &before, &limit]).await
    }

    /// Remembers a key; false when another request with it was faster.
    pub(crate) async fn insert_idempotency(
        &self,
        tenant: &TenantId,
        user: &UserId,
        key: &str,
        hash: &[u8],
        subject: uuid::Uuid,
    ) -> Result<bool> {
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&tenant.as_str(), &user.as_str(), &key, &hash, &subject];
        Ok(self.execute(sql!("insert_idempotency"), &values).await? > 0)
    }
}

pub(super) fn user(row: &Row, column: usize) -> Result<UserId> {
    row.get::<_, &str>(column).parse().map_err(Error::reading("user"))
}

fn access(row: &Row) -> Result<Access> {
    Ok(Access { conversation: summary(row), role: role(row.get(5)) })
}

fn role(name: &str) -> MemberRole {
    if name == "owner" { MemberRole::Owner } else { MemberRole::Member }
}

fn spoken(speaks: Speaks) -> &'static str {
    match speaks {
        Speaks::Always => "always",
        Speaks::WhenAsked => "when_asked",
    }
}

fn speaks(name: &str) -> Speaks {
    if name == "always" { Speaks::Always } else { Speaks::WhenAsked }
}

fn summary(row: &Row) -> ConversationSummary {
    ConversationSummary {
        id: ConversationId(row.get(0)),
        title: row.get(1),
        last_seq: u64::try_from(row.get::<_, i64>(2)).unwrap_or(0),
        created_at: row.get(3),
        updated_at: row.get(4),
        forgotten_before: row.try_get("forgotten_before").ok().flatten(),
        speaks: row.try_get("speaks").map(speaks).unwrap_or_default(),
        branch_of: row.try_get("branch_of").ok().flatten().map(ConversationId),
        members: Vec::new(),
    }
}
