//! How drills are shown: a line each while they run, and all of them at the end.

use super::{catalogue::Name, verdict::Report};
use crate::{
    error::{Error, Result},
    terminal,
};
use serde::Serialize;

/// What was run, and what was not and why.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) reports: Vec<Report>,
    skipped: Vec<String>,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    verdict: &'static str,
    drills: &'a [Report],
    /// Drills that were not run, and why.
    skipped: &'a [String],
}

impl Ran {
    /// It counts neither as passed nor as failed.
    pub(super) fn skip(&mut self, name: Name, why: &str) {
        self.skipped.push(format!("{}: {why}", name.word()));
    }
}

/// One that is over.
pub(super) fn show(report: &Report, first: bool, json: bool) {
    // With JSON, the table is talk.
    let line = |line: &str| if json { terminal::say(line) } else { terminal::out(line) };
    if first {
        line(&Report::head());
    }
    line(&report.line());
    for (name, value) in &report.figures.also {
        line(&format!("    {name} {value:.1}"));
    }
    for (code, count) in report.figures.errors.iter().chain(&report.figures.not_completed) {
        line(&format!("    {code} {count}"));
    }
    for why in &report.broken {
        line(&format!("    {}", terminal::clean_line(why)));
    }
}

/// All of them. `outcome` is an error where they were cut off; what was run until then is shown all the same.
pub(super) fn sum_up(ran: &Ran, outcome: Result<()>, json: bool) -> Result<()> {
    let failed: Vec<_> = ran.reports.iter().filter(|report| !report.passed()).collect();
    let verdict = if failed.is_empty() && outcome.is_ok() { "pass" } else { "fail" };
    ran.skipped.iter().for_each(|why| terminal::say(&format!("not run: {}", terminal::clean_line(why))));
    if json && (outcome.is_ok() || !ran.reports.is_empty()) {
        terminal::json(&Summary { verdict, drills: &ran.reports, skipped: &ran.skipped });
    }
    outcome?;
    let (passed, skipped) = (ran.reports.len() - failed.len(), ran.skipped.len());
    if failed.is_empty() {
        terminal::say(&format!("{passed} passed, {skipped} not run"));
        return Ok(());
    }
    let names: Vec<_> = failed.iter().map(|report| report.drill.as_str()).collect();
    Err(Error::Failed(format!(
        "{} of {} drills failed: {}",
        failed.len(),
        ran.reports.len(),
        names.join(", ")
    )))
}
