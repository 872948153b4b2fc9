//! Whose figures somebody sees: a tenant's admin its own, and who runs the house those of the whole house.

use super::{counts::What, sums::Sums, window::Window};
use crate::{
    core::Core,
    error::Result,
    store::{View, reading},
};
use switchboard_shared::{api::FiguresOf, ids::TenantId};

/// The configuration names the tenants whose admins run the house: a role in a token is a tenant's own word.
pub(crate) fn whose(core: &Core, tenant: &TenantId) -> FiguresOf {
    match core.config.analytics.house_tenants.contains(tenant) {
        true => FiguresOf::House,
        false => FiguresOf::Tenant,
    }
}

pub(super) async fn sums(
    core: &Core,
    tenant: &TenantId,
    whose: FiguresOf,
    window: Window,
    whats: &[What],
) -> Result<Sums> {
    let names: Vec<_> = whats.iter().map(|what| what.name()).collect();
    let span = window.span();
    let rows = match whose {
        FiguresOf::House => core.store.house_counts(&span, &names).await?,
        FiguresOf::Tenant => reading!(&core.store, tenant, View::Any, tx, tx.counts(tenant, &span, &names))?,
    };
    Ok(Sums::of(rows))
}
