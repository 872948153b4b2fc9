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

impl Check for RetentionConfig {
    fn check(&self, faults: &mut Faults) {
        faults.require(!self.every.is_zero(), "retention.every_ms", "must be at least 1");
    }
}
