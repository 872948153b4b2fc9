//! How far a figure may be off by the choice of rows: the bootstrap (Efron, 1979), always with the same draws.

use super::{
    figures::{Known, quantile},
    headlines::{Taus, headlines},
};
use serde_json::{Map, Value, json};

const DRAWS: usize = 200;
const LOW: f64 = 0.025;
const HIGH: f64 = 0.975;

/// The 95 % interval of every headline figure.
pub(super) fn intervals(test: &[&Known], taus: Taus) -> Value {
    let mut found: Vec<(&'static str, Vec<f64>)> = Vec::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..if test.is_empty() { 0 } else { DRAWS } {
        let drawn: Vec<&Known> = (0..test.len()).map(|_| test[below(test.len(), &mut random)]).collect();
        for (i, (name, value)) in headlines(&drawn, taus).into_iter().enumerate() {
            if found.len() == i {
                found.push((name, Vec::new()));
            }
            found[i].1.extend(value);
        }
    }
    let interval = |(name, mut values): (&str, Vec<f64>)| {
        values.sort_by(f64::total_cmp);
        let between = quantile(&values, LOW).zip(quantile(&values, HIGH)).map(|(low, high)| [low, high]);
        (name.to_owned(), json!(between))
    };
    found.into_iter().map(interval).collect::<Map<_, _>>().into()
}

fn below(count: usize, random: &mut u64) -> usize {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*random >> 33).unwrap_or_default() % count
}
