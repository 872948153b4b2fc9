//! The headline figures of an evaluation.

use super::figures::{self, Known};

/// The thresholds, as dev set them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taus {
    pub(super) plain: Option<f64>,
    pub(super) oos: Option<f64>,
}

/// The figures that also get an interval.
pub(super) fn headlines(test: &[&Known], taus: Taus) -> Vec<(&'static str, Option<f64>)> {
    let weight = figures::oos_weight(test);
    let at =
        |tau: Option<f64>, weight: f64| tau.map_or((None, None), |tau| figures::selected(test, tau, weight));
    let (cov99, sel99) = at(taus.plain, 0.0);
    let (cov99_oos, sel99_oos) = at(taus.oos.filter(|_| weight > 0.0), weight);
    let (decided, decided_right) = figures::decided(test);
    vec![
        ("accuracy", figures::accuracy(test)),
        ("decided", decided),
        ("decided_right", decided_right),
        ("cov99", cov99),
        ("sel99", sel99),
        ("cov99_oos", cov99_oos),
        ("sel99_oos", sel99_oos),
        ("oos_auroc", figures::oos_auroc(test)),
        ("ece", figures::ece(&figures::bins(test))),
    ]
}
