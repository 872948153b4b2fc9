//! Who has been here, and how much is used: for a tenant's admins.

use super::extract::{Caller, Limit, Params};
use crate::{
    access::{Permission, permit},
    core::Core,
    error::Result,
    store::{TenantUsage, Tx, View, reading},
};
use axum::{extract::State, response::IntoResponse};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use std::sync::Arc;
use switchboard_shared::{
    api::{TierBudget, UsageOrder, UsageView, UserUsage, UserView},
    identity::Tier,
    ids::{TenantId, UserId},
};

/// So far back usage is told, in days.
const MOST_DAYS: u16 = 366;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    /// The beginning of an id, which has the form of one.
    begin: Option<UserId>,
    after: Option<UserId>,
    #[serde(default)]
    limit: Limit,
}

pub(crate) async fn list(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Params(list): Params<List>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Administer)?;
    let List { begin, after, limit } = list;
    let begin = begin.as_ref().map(UserId::as_str);
    let rows = reading!(
        &core.store,
        &me.tenant,
        View::Own,
        tx,
        tx.users(&me.tenant, after.as_ref(), begin, limit.one_more())
    )?;
    Ok(axum::Json(limit.page(rows, |last: &UserView| last.user.clone())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Usage {
    #[serde(default)]
    days: Days,
    user: Option<UserId>,
    #[serde(default)]
    order: UsageOrder,
    #[serde(default)]
    limit: Limit,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "u16")]
struct Days(u16);

impl Default for Days {
    fn default() -> Self {
        Self(30)
    }
}

impl TryFrom<u16> for Days {
    type Error = String;

    fn try_from(days: u16) -> std::result::Result<Self, String> {
        let fits = (1..=MOST_DAYS).contains(&days);
        fits.then_some(Self(days)).ok_or_else(|| format!("days is 1 to {MOST_DAYS}"))
    }
}

pub(crate) async fn usage(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Params(wish): Params<Usage>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Administer)?;
    let Usage { days, user, order, limit } = wish;
    let from = Utc::now() - TimeDelta::days(i64::from(days.0));
    let rows = i64::from(limit.rows());
    let (whole, items) = reading!(
        &core.store,
        &me.tenant,
        View::Own,
        tx,
        used(tx, &me.tenant, from, (user.as_ref(), order, rows))
    )?;
    let (quota, budget) = (&core.config.quota, &core.config.limits.costly_per_minute);
    let bound = |bytes: u64| (bytes > 0).then_some(bytes);
    let tiers = [Tier::Free, Tier::Standard, Tier::Premium, Tier::Enterprise];
    Ok(axum::Json(UsageView {
        from,
        used: whole.used,
        users: whole.users,
        stored_bytes: whole.stored_bytes,
        quota_bytes: bound(quota.tenant_bytes),
        user_quota_bytes: bound(quota.user_bytes),
        budgets: tiers.map(|tier| TierBudget { tier, costly_per_minute: budget.of(tier) }).into(),
        items,
    }))
}

async fn used(
    tx: &Tx,
    tenant: &TenantId,
    from: DateTime<Utc>,
    (user, order, rows): (Option<&UserId>, UsageOrder, i64),
) -> Result<(TenantUsage, Vec<UserUsage>)> {
    let whole = tx.usage_of_tenant(tenant, from).await?;
    Ok((whole, tx.usage_of_users(tenant, from, user, order, rows).await?))
}
