//! What users may ask for, by tier.

use serde::Deserialize;
use switchboard_shared::{
    config::{Check, Faults},
    identity::Tier,
};

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct LimitsConfig {
    pub costly_per_minute: CostlyPerMinute,
    pub analytics_per_minute: CostlyPerMinute,
}

/// `[limits.costly_per_minute]` and `[limits.analytics_per_minute]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct CostlyPerMinute {
    pub free: u32,
    pub standard: u32,
    pub premium: u32,
    pub enterprise: u32,
}

impl CostlyPerMinute {
    pub(crate) fn of(&self, tier: Tier) -> u32 {
        match tier {
            Tier::Free => self.free,
            Tier::Standard => self.standard,
            Tier::Premium => self.premium,
            Tier::Enterprise => self.enterprise,
        }
    }
}

impl Check for LimitsConfig {
    fn check(&self, faults: &mut Faults) {
        for tier in [Tier::Free, Tier::Standard, Tier::Premium, Tier::Enterprise] {
            for (key, count) in [
                ("limits.costly_per_minute", self.costly_per_minute.of(tier)),
                ("limits.analytics_per_minute", self.analytics_per_minute.of(tier)),
            ] {
                faults.require((1..=60_000).contains(&count), key, "must be 1 to 60000 for each tier");
            }
        }
    }
}
