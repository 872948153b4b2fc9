//! Keys of programs.

use super::{
    Tx,
    agents::{group_names, groups},
    sessions::{role_names, roles},
    sql,
    turns::agent_ids,
};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use switchboard_shared::{
    identity::{Identity, Role, Tier},
    ids::{AgentId, Group, KeyId, TenantId, UserId},
};
use tokio_postgres::Row;

/// Keys of one user; the next one is refused.
pub(crate) const MAX_OF_USER: i64 = 100;
/// Keys that are listed.
const LISTED: i64 = 1_000;

/// A key as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct KeyRow {
    pub(crate) id: KeyId,
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) groups: BTreeSet<Group>,
    pub(crate) tier: Tier,
    pub(crate) agents: Option<BTreeSet<AgentId>>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
}

/// A key that is made: for what its owner is now.
pub(crate) struct NewKeyRow<'a> {
    pub(crate) id: KeyId,
    pub(crate) secret_hash: Vec<u8>,
    pub(crate) owner: &'a Identity,
    pub(crate) name: &'a str,
    pub(crate) roles: &'a BTreeSet<Role>,
    pub(crate) agents: Option<&'a BTreeSet<AgentId>>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

impl Tx {
    /// False when its owner has as many as there may be.
    pub(crate) async fn insert_api_key(&self, tenant: &TenantId, new: &NewKeyRow<'_>) -> Result<bool> {
        let (roles, groups) = (role_names(new.roles), group_names(&new.owner.groups));
        let agents = new.agents.map(|agents| agents.iter().map(AgentId::as_str).collect::<Vec<_>>());
        let inserted = self
            .execute(
                sql!("insert_api_key"),
                &[
                    &tenant.as_str(),
                    &new.id.0,
                    &new.secret_hash,
                    &new.owner.user.as_str(),
                    &new.name,
                    &roles,
                    &groups,
                    &new.owner.tier.name(),
                    &agents,
                    &new.created_at,
                    &new.expires_at,
                    &MAX_OF_USER,
                ],
            )
            .await?;
        Ok(inserted == 1)
    }

    /// The key whose secret has this hash, while it is good.
    pub(crate) async fn api_key(&self, tenant: &TenantId, secret_hash: &[u8]) -> Result<Option<KeyRow>> {
        let row = self.query_opt(sql!("api_key"), &[&tenant.as_str(), &secret_hash]).await?;
        row.as_ref().map(key).transpose()
    }

    /// The keys of a user, or of all.
    pub(crate) async fn api_keys_of_user(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
    ) -> Result<Vec<KeyRow>> {
        let user = user.map(UserId::as_str);
        let rows = self.query(sql!("api_keys_of_user"), &[&tenant.as_str(), &user, &LISTED]).await?;
        rows.iter().map(key).collect()
    }

    /// It was used just now, to the minute.
    pub(crate) async fn touch_api_key(&self, tenant: &TenantId, id: KeyId) -> Result<()> {
        self.execute(sql!("touch_api_key"), &[&tenant.as_str(), &id.0]).await?;
        Ok(())
    }

    /// Takes a key back, of this user or of anybody; false when there is none.
    pub(crate) async fn revoke_api_key(
        &self,
        tenant: &TenantId,
        id: KeyId,
        user: Option<&UserId>,
    ) -> Result<bool> {
        let user = user.map(UserId::as_str);
        Ok(self.execute(sql!("revoke_api_key"), &[&tenant.as_str(), &id.0, &user]).await? == 1)
    }

    pub(crate) async fn revoke_api_keys_of_user(&self, tenant: &TenantId, user: &UserId) -> Result<()> {
        self.execute(sql!("revoke_api_keys_of_user"), &[&tenant.as_str(), &user.as_str()]).await?;
        Ok(())
    }
}

fn key(row: &Row) -> Result<KeyRow> {
    let agents = row.get::<_, Option<Vec<&str>>>("agents").map(agent_ids).transpose()?;
    Ok(KeyRow {
        id: KeyId(row.get("id")),
        user: row.get::<_, &str>("user_id").parse().map_err(Error::reading("key"))?,
        name: row.get("name"),
        roles: roles(row.get("roles")),
        groups: groups(row.get("groups"))?,
        tier: Tier::from_name(row.get("tier")).unwrap_or_default(),
        agents: agents.map(|agents| agents.into_iter().collect()),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        last_used_at: row.get("last_used_at"),
    })
}
