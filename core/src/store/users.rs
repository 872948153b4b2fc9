//! Who has been here, and what they use.

use super::{
    Tx,
    agents::{group_names, groups},
    sessions::roles,
    sql,
};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use switchboard_shared::{
    api::{UsageOrder, Used, UserUsage, UserView},
    identity::{Role, Tier},
    ids::{Group, TenantId, UserId},
};
use tokio_postgres::Row;

/// What a token says of its user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Standing {
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) groups: BTreeSet<Group>,
    pub(crate) tier: Tier,
}

/// What a tenant uses as a whole.
pub(crate) struct TenantUsage {
    pub(crate) used: Used,
    pub(crate) stored_bytes: u64,
    pub(crate) users: u64,
}

impl Tx {
    /// Notes that somebody has been here, and what their token said of them.
    pub(crate) async fn see_user(
        &self,
        tenant: &TenantId,
        user: &UserId,
        standing: Option<&Standing>,
        at: DateTime<Utc>,
    ) -> Result<()> {
        self.execute(sql!("upsert_tenant"), &[&tenant.as_str()]).await?;
        let roles = standing.map(|it| it.roles.iter().map(|role| Role::name(*role)).collect::<Vec<_>>());
        let groups = standing.map(|it| group_names(&it.groups));
        let tier = standing.map(|it| it.tier.name());
        self.execute(sql!("see_user"), &[&tenant.as_str(), &user.as_str(), &roles, &groups, &tier, &at])
            .await?;
        Ok(())
    }

    /// Users in the order of their ids, behind one; those whose ids begin so.
    pub(crate) async fn users(
        &self,
        tenant: &TenantId,
        after: Option<&UserId>,
        begin: Option<&str>,
        limit: i64,
    ) -> Result<Vec<UserView>> {
        let after = after.map(UserId::as_str);
        let rows = self.query(sql!("users"), &[&tenant.as_str(), &after, &begin, &limit]).await?;
        rows.iter().map(user).collect()
    }

    /// Users by what they use since then.
    pub(crate) async fn usage_of_users(
        &self,
        tenant: &TenantId,
        from: DateTime<Utc>,
        only: Option<&UserId>,
        order: UsageOrder,
        limit: i64,
    ) -> Result<Vec<UserUsage>> {
        let only = only.map(UserId::as_str);
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&tenant.as_str(), &from, &only, &order.name(), &limit];
        let rows = self.query(sql!("usage_of_users"), &values).await?;
        let usage = |row: &Row| {
            Ok(UserUsage {
                user: id(row)?,
                tier: tier(row),
                stored_bytes: number(row, "stored_bytes"),
                used: used(row),
            })
        };
        rows.iter().map(usage).collect()
    }

    /// What all of them use since then.
    pub(crate) async fn usage_of_tenant(
        &self,
        tenant: &TenantId,
        from: DateTime<Utc>,
    ) -> Result<TenantUsage> {
        let row = self.query_opt(sql!("usage_of_tenant"), &[&tenant.as_str(), &from]).await?;
        let row = row.ok_or_else(|| Error::reading("usage")("its sum is missing"))?;
        Ok(TenantUsage {
            used: used(&row),
            stored_bytes: number(&row, "stored_bytes"),
            users: number(&row, "users"),
        })
    }
}

fn user(row: &Row) -> Result<UserView> {
    Ok(UserView {
        user: id(row)?,
        roles: row.get::<_, Option<Vec<&str>>>("roles").map(roles),
        groups: row.get::<_, Option<Vec<&str>>>("groups").map(groups).transpose()?,
        tier: tier(row),
        first_seen: row.get("created_at"),
        last_seen: row.get("seen_at"),
        last_turn: row.get("last_turn"),
        stored_bytes: number(row, "stored_bytes"),
    })
}

fn id(row: &Row) -> Result<UserId> {
    row.get::<_, &str>("id").parse().map_err(Error::reading("user"))
}

fn tier(row: &Row) -> Option<Tier> {
    row.get::<_, Option<&str>>("tier").and_then(Tier::from_name)
}

fn used(row: &Row) -> Used {
    Used {
        turns: number(row, "turns"),
        calls: number(row, "calls"),
        llm_input_tokens: number(row, "input"),
        llm_output_tokens: number(row, "output"),
    }
}

fn number(row: &Row, column: &str) -> u64 {
    u64::try_from(row.get::<_, i64>(column)).unwrap_or(0)
}
