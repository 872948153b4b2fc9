//! Bounds that a report must keep: what makes CI fail.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Bounds by field of the report; fields within others after a dot.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Gate(BTreeMap<String, Bound>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    #[serde(default)]
    min: Option<f64>,
    #[serde(default)]
    max: Option<f64>,
}

impl Gate {
    pub(super) fn read(value: Value) -> Result<Self, String> {
        let gate: Self = serde_json::from_value(value)
            .map_err(|e| format!("is not a gate such as {{\"accuracy\": {{\"min\": 0.9}}}}: {e}"))?;
        if gate.0.is_empty() {
            return Err("demands nothing: a gate names fields and their bounds".to_owned());
        }
        match gate.0.iter().find(|(_, bound)| bound.min.is_none() && bound.max.is_none()) {
            Some((field, _)) => Err(format!("{field} has neither min nor max")),
            None => Ok(gate),
        }
    }

    /// What is out of bounds, a sentence each.
    pub(super) fn broken(&self, report: &Value) -> Vec<String> {
        self.0.iter().filter_map(|(field, bound)| bound.broken(field, number(report, field))).collect()
    }
}

impl Bound {
    fn broken(&self, field: &str, found: Option<f64>) -> Option<String> {
        let Some(found) = found else {
            return Some(format!("{field} is not in the report"));
        };
        if let Some(min) = self.min.filter(|min| found < *min) {
            return Some(format!("{field} is {found:.4}, it must be at least {min}"));
        }
        self.max
            .filter(|max| found > *max)
            .map(|max| format!("{field} is {found:.4}, it must be at most {max}"))
    }
}

fn number(report: &Value, field: &str) -> Option<f64> {
    field.split('.').try_fold(report, |value, key| value.get(key)).and_then(Value::as_f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bounds_hold_or_are_named() {
        let report = json!({"accuracy": 0.9, "ece": 0.04, "p99_us": {"lexical": 80.0}, "cov99": null});
        let broken = |gate: Value| Gate::read(gate).unwrap().broken(&report);
        assert!(broken(json!({"accuracy": {"min": 0.9}, "p99_us.lexical": {"max": 100}})).is_empty());
        assert_eq!(broken(json!({"accuracy": {"min": 0.91}, "ece": {"max": 0.03}})).len(), 2);
        assert_eq!(broken(json!({"cov99": {"min": 0.1}})), ["cov99 is not in the report"]);
        for bad in
            [json!({}), json!({"accuracy": 0.9}), json!({"accuracy": {}}), json!({"ece": {"maximum": 1}})]
        {
            assert!(Gate::read(bad).is_err());
        }
    }
}
