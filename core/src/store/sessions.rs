//! Sessions of people who have signed in.

use super::{
    Tx,
    agents::{group_names, groups},
    pools::Store,
    sql,
};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use std::{collections::BTreeSet, time::Duration};
use switchboard_shared::{
    identity::{Role, Tier},
    ids::{Group, SessionId, TenantId, UserId},
};
use tokio_postgres::Row;

/// Sessions of one user that are listed.
const LISTED: i64 = 200;
/// Tenants in which somebody has signed out at their provider.
const TENANTS: i64 = 1_000;

/// A session as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct SessionRow {
    pub(crate) id: SessionId,
    pub(crate) provider: String,
    /// Whom the provider calls this.
    pub(crate) subject: String,
    pub(crate) who: Who,
    pub(crate) client: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) seen_at: DateTime<Utc>,
    pub(crate) checked_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    /// Whether the provider can be asked about it.
    pub(crate) refreshable: bool,
}

/// Who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) groups: BTreeSet<Group>,
    pub(crate) tier: Tier,
}

/// A session that begins.
pub(crate) struct NewSession<'a> {
    pub(crate) id: SessionId,
    pub(crate) secret_hash: Vec<u8>,
    pub(crate) login_hash: Vec<u8>,
    pub(crate) who: &'a Who,
    pub(crate) provider: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) subject_hash: Vec<u8>,
    pub(crate) provider_hash: Option<Vec<u8>>,
    pub(crate) refresh_token: Option<Vec<u8>>,
    pub(crate) client: &'a str,
    pub(crate) expires_at: DateTime<Utc>,
}

impl Tx {
    /// Writes down that a session begins; false when its sign-in has begun one before.
    pub(crate) async fn insert_session(&self, tenant: &TenantId, new: &NewSession<'_>) -> Result<bool> {
        let (roles, groups) = (role_names(&new.who.roles), group_names(&new.who.groups));
        let inserted = self
            .execute(
                sql!("insert_session"),
                &[
                    &tenant.as_str(),
                    &new.id.0,
                    &new.secret_hash,
                    &new.login_hash,
                    &new.who.user.as_str(),
                    &new.who.name,
                    &new.provider,
                    &new.subject_hash,
                    &new.provider_hash,
                    &new.subject,
                    &roles,
                    &groups,
                    &new.who.tier.name(),
                    &new.refresh_token,
                    &new.client,
                    &new.expires_at,
                ],
            )
            .await?;
        Ok(inserted == 1)
    }

    /// Forgets what has long been over.
    pub(crate) async fn delete_old_sessions(&self, tenant: &TenantId) -> Result<()> {
        self.execute(sql!("delete_old_sessions"), &[&tenant.as_str()]).await?;
        Ok(())
    }

    /// The session whose secret has this hash, while it lasts.
    pub(crate) async fn session(&self, tenant: &TenantId, secret_hash: &[u8]) -> Result<Option<SessionRow>> {
        let row = self.query_opt(sql!("session"), &[&tenant.as_str(), &secret_hash]).await?;
        row.as_ref().map(session).transpose()
    }

    pub(crate) async fn sessions_of_user(&self, tenant: &TenantId, user: &UserId) -> Result<Vec<SessionRow>> {
        let rows = self.query(sql!("sessions_of_user"), &[&tenant.as_str(), &user.as_str(), &LISTED]).await?;
        rows.iter().map(session).collect()
    }

    /// Takes it upon this core to ask the provider, for so long; its refresh token, sealed, if that is due and nobody
    /// else does it.
    pub(crate) async fn claim_check(
        &self,
        tenant: &TenantId,
        id: SessionId,
        bound: Duration,
        every: Duration,
    ) -> Result<Option<Vec<u8>>> {
        let (bound, every) = (bound.as_secs_f64(), every.as_secs_f64());
        let row = self.query_opt(sql!("claim_check"), &[&tenant.as_str(), &id.0, &bound, &every]).await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Writes down what the provider said; false when the session has ended meanwhile.
    pub(crate) async fn finish_check(
        &self,
        tenant: &TenantId,
        id: SessionId,
        who: &Who,
        refresh_token: Option<Vec<u8>>,
    ) -> Result<bool> {
        let (roles, groups, tier) = (role_names(&who.roles), group_names(&who.groups), who.tier.name());
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
            [&tenant.as_str(), &id.0, &who.name, &roles, &groups, &tier, &refresh_token];
        Ok(self.execute(sql!("finish_check"), &values).await? == 1)
    }

    pub(crate) async fn touch_session(&self, tenant: &TenantId, id: SessionId) -> Result<()> {
        self.execute(sql!("touch_session"), &[&tenant.as_str(), &id.0]).await?;
        Ok(())
    }

    /// Ends a session of a user; false when there is none.
    pub(crate) async fn end_session(&self, tenant: &TenantId, id: SessionId, user: &UserId) -> Result<bool> {
        let ended = self.execute(sql!("end_session"), &[&tenant.as_str(), &id.0, &user.as_str()]).await?;
        Ok(ended == 1)
    }

    /// Ends a session, whoever's it is; false when there is none.
    pub(crate) async fn end_session_of_anybody(&self, tenant: &TenantId, id: SessionId) -> Result<bool> {
        Ok(self.execute(sql!("end_session_of_anybody"), &[&tenant.as_str(), &id.0]).await? == 1)
    }

    pub(crate) async fn end_sessions_of_user(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<Vec<SessionId>> {
        let rows = self.query(sql!("end_sessions_of_user"), &[&tenant.as_str(), &user.as_str()]).await?;
        Ok(rows.iter().map(|row| SessionId(row.get(0))).collect())
    }

    /// Ends those of a user that are more than there may be, the oldest ones.
    pub(crate) async fn end_oldest_sessions(
        &self,
        tenant: &TenantId,
        user: &UserId,
        max: i64,
    ) -> Result<Vec<SessionId>> {
        let rows = self.query(sql!("end_oldest_sessions"), &[&tenant.as_str(), &user.as_str(), &max]).await?;
        Ok(rows.iter().map(|row| SessionId(row.get(0))).collect())
    }

    /// Ends those of whom a provider calls this, or of one of its own sessions.
    pub(crate) async fn end_sessions_at_provider(
        &self,
        tenant: &TenantId,
        subject_hash: Option<&[u8]>,
        provider_hash: Option<&[u8]>,
    ) -> Result<Vec<(SessionId, UserId)>> {
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&tenant.as_str(), &subject_hash, &provider_hash];
        let rows = self.query(sql!("end_sessions_at_provider"), &values).await?;
        let ended = rows.iter().map(|row| {
            let user = row.get::<_, &str>(1).parse().map_err(Error::reading("session"))?;
            Ok((SessionId(row.get(0)), user))
        });
        ended.collect()
    }
}

impl Store {
    /// Tenants with sessions of whom a provider calls this, or of one of its own sessions.
    pub(crate) async fn tenants_with_sessions(
        &self,
        subject_hash: Option<&[u8]>,
        provider_hash: Option<&[u8]>,
    ) -> Result<Vec<TenantId>> {
        self.tenants_due(sql!("tenants_with_sessions"), &[&subject_hash, &provider_hash, &TENANTS]).await
    }
}

pub(super) fn role_names(roles: &BTreeSet<Role>) -> Vec<&'static str> {
    roles.iter().map(|role| role.name()).collect()
}

/// Reads roles; one that only a later version knows is passed over, as in a token.
pub(super) fn roles(names: Vec<&str>) -> BTreeSet<Role> {
    names.into_iter().filter_map(Role::from_name).collect()
}

fn session(row: &Row) -> Result<SessionRow> {
    let broken = Error::reading("session");
    Ok(SessionRow {
        id: SessionId(row.get("id")),
        provider: row.get("provider"),
        subject: row.get("subject"),
        who: Who {
            user: row.get::<_, &str>("user_id").parse().map_err(broken)?,
            name: row.get("name"),
            roles: roles(row.get("roles")),
            groups: groups(row.get("groups"))?,
            tier: Tier::from_name(row.get("tier")).unwrap_or_default(),
        },
        client: row.get("client"),
        created_at: row.get("created_at"),
        seen_at: row.get("seen_at"),
        checked_at: row.get("checked_at"),
        expires_at: row.get("expires_at"),
        refreshable: row.get("refreshable"),
    })
}
