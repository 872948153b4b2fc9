//! How much is kept, and for how long.

use serde::Deserialize;
use std::time::Duration;
use switchboard_shared::{
    config::{Check, Faults},
    ids::TenantId,
};

/// `[quota]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct QuotaConfig {
    pub user_bytes: u64,
    pub tenant_bytes: u64,
}

/// `[retention]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct RetentionConfig {
    pub messages_days: u32,
    pub tenants: Vec<TenantRetention>,
    #[serde(rename = "every_ms", deserialize_with = "super::millis")]
    pub every: Duration,
}

/// One of `retention.tenants`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct TenantRetention {
    pub tenant: TenantId,
    pub messages_days: u32,
}

impl RetentionConfig {
    /// For how many days a tenant's messages are kept; `None`: for ever.
    pub(crate) fn days(&self, tenant: &TenantId) -> Option<u32> {
        let own = self.tenants.iter().find(|own| own.tenant == *tenant);
        let days = own.map_or(self.messages_days, |own| own.messages_days);
        (days > 0).then_some(days)
    }
}

impl Check for RetentionConfig {
    fn check(&self, faults: &mut Faults) {
        faults.require(!self.every.is_zero(), "retention.every_ms", "must be at least 1");
    }
}
