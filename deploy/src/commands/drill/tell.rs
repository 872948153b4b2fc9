//! Tells the house what the last drill of it found, for its figures.

use super::{target::Target, verdict::Report};
use crate::terminal;
use switchboard_shared::api::DrillReport;

/// Who tells it.
const WHO: &str = "drill";
/// A summary is no longer.
const MOST_CHARS: usize = 500;

/// A house that cannot take it is told nothing: what the drill found stands here.
pub(super) async fn tell(target: &Target, report: &Report) {
    if !target.can_be_broken() {
        return;
    }
    if let Err(error) = post(target, report).await {
        terminal::say(&format!("the house could not be told: {error}"));
    }
}

async fn post(target: &Target, report: &Report) -> crate::error::Result<()> {
    let summary = report.summary().chars().take(MOST_CHARS).collect();
    let said = DrillReport { name: report.drill.clone(), passed: report.passed(), summary };
    let mut told = Ok(());
    for client in target.client(WHO, &["user", "admin"], 1)? {
        told = client.post::<DrillReport>("/v1/analytics/drills", &said).await.map(drop);
        if told.is_ok() {
            break;
        }
    }
    told
}
