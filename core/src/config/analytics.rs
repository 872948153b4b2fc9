//! `[analytics]`: what is counted, for how long, and what may be said of it.

use serde::Deserialize;
use std::time::Duration;
use switchboard_shared::{
    config::{Check, Faults},
    ids::TenantId,
};

/// `[analytics]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct AnalyticsConfig {
    #[serde(rename = "write_ms", deserialize_with = "super::millis")]
    pub write: Duration,
    #[serde(rename = "stream_ms", deserialize_with = "super::millis")]
    pub stream: Duration,
    pub minutes_days: u32,
    pub hours_days: u32,
    pub house_tenants: Vec<TenantId>,
    pub price: PriceConfig,
    pub ceilings: CeilingConfig,
}

/// `[analytics.price]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct PriceConfig {
    pub currency: String,
    pub input_per_million: f64,
    pub output_per_million: f64,
}

/// `[analytics.ceilings]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct CeilingConfig {
    pub sockets_per_edge: f64,
    pub turns_per_s_per_core: f64,
}

impl PriceConfig {
    /// Whether there is one.
    pub(crate) fn is_given(&self) -> bool {
        !self.currency.is_empty()
    }
}

impl Check for AnalyticsConfig {
    fn check(&self, faults: &mut Faults) {
        let tenth = Duration::from_millis(100);
        faults.require(self.write >= tenth, "analytics.write_ms", "must be at least 100");
        faults.require(self.stream >= tenth, "analytics.stream_ms", "must be at least 100");
        for (key, days) in
            [("analytics.minutes_days", self.minutes_days), ("analytics.hours_days", self.hours_days)]
        {
            faults.require((1..=3_650).contains(&days), key, "must be 1 to 3650");
        }
        let price = &self.price;
        for (key, amount) in [
            ("analytics.price.input_per_million", price.input_per_million),
            ("analytics.price.output_per_million", price.output_per_million),
            ("analytics.ceilings.sockets_per_edge", self.ceilings.sockets_per_edge),
            ("analytics.ceilings.turns_per_s_per_core", self.ceilings.turns_per_s_per_core),
        ] {
            faults.require(amount.is_finite() && amount >= 0.0, key, "must not be negative");
        }
        let is_code = price.currency.is_empty()
            || price.currency.len() == 3 && price.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        faults.require(is_code, "analytics.price.currency", "must be three letters, such as EUR (ISO 4217)");
    }
}
