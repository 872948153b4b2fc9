//! `[analytics]`: what is counted, for how long, and what may be said of it.

use serde::{Deserialize, Deserializer, de::Error};
use std::{fs, path::PathBuf, time::Duration};
use switchboard_shared::{
    cause::Cause,
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
    pub models: Vec<ModelPrice>,
}

/// One of `[[analytics.price.models]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct ModelPrice {
    pub model: String,
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
    #[serde(rename = "file", deserialize_with = "measured")]
    pub measured: Ceilings,
}

/// What one edge and one core were measured to take, as `switchboard plan --json` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Ceilings {
    sockets_per_edge: Option<f64>,
    turns_per_s_per_core: Option<f64>,
}

/// Reads the file with the configuration, so that one that is none is a fault of its key.
fn measured<'de, D: Deserializer<'de>>(from: D) -> Result<Ceilings, D::Error> {
    #[derive(Deserialize)]
    struct Plan {
        ceilings: Ceilings,
    }
    let path = PathBuf::deserialize(from)?;
    if path.as_os_str().is_empty() {
        return Ok(Ceilings::default());
    }
    let shown = path.display();
    let text = fs::read_to_string(&path)
        .map_err(|error| D::Error::custom(format!("{shown} cannot be read: {}", Cause::of(&error))))?;
    // What `--check` found out stands behind it.
    let first = serde_json::Deserializer::from_str(&text).into_iter::<Plan>().next();
    let plan = first.and_then(Result::ok);
    plan.map(|plan| plan.ceilings)
        .ok_or_else(|| D::Error::custom(format!("{shown} is not what `switchboard plan --json` prints")))
}

impl CeilingConfig {
    /// Of one edge: what is said outright goes before what a file says.
    pub(crate) fn sockets(&self) -> Option<f64> {
        known(self.sockets_per_edge).or(self.measured.sockets_per_edge.and_then(known))
    }

    /// Of one core, each second.
    pub(crate) fn turns(&self) -> Option<f64> {
        known(self.turns_per_s_per_core).or(self.measured.turns_per_s_per_core.and_then(known))
    }
}

fn known(ceiling: f64) -> Option<f64> {
    (ceiling > 0.0).then_some(ceiling)
}

impl PriceConfig {
    /// Whether there is one.
    pub(crate) fn is_given(&self) -> bool {
        !self.currency.is_empty()
    }

    /// Of a model, for a million tokens read and written: its own, else the one for all; none where neither was given.
    pub(crate) fn of(&self, model: &str) -> Option<(f64, f64)> {
        let own = self.models.iter().find(|own| own.model == model);
        let own = own.map(|own| (own.input_per_million, own.output_per_million));
        let all = (self.input_per_million, self.output_per_million);
        let price = own.or((all.0 > 0.0 || all.1 > 0.0).then_some(all));
        price.filter(|_| self.is_given())
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
        for amount in price.models.iter().flat_map(|own| [own.input_per_million, own.output_per_million]) {
            let holds = amount.is_finite() && amount >= 0.0;
            faults.require(holds, "analytics.price.models", "must not be negative");
        }
        let is_code = price.currency.is_empty()
            || price.currency.len() == 3 && price.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        faults.require(is_code, "analytics.price.currency", "must be three letters, such as EUR (ISO 4217)");
        let needs_one = price.currency.is_empty() && !price.models.is_empty();
        faults.require(!needs_one, "analytics.price.currency", "must be given where models have prices");
    }
}
