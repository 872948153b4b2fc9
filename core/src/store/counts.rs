//! What was counted, by minute and hour, and what other rows say of a stretch of time.

use super::{
    Tx, sql,
    turns::{agent_ids, plan},
};
use crate::{analytics::CountRow, error::Result};
use chrono::{DateTime, Utc};
use switchboard_shared::{
    api::{CorrectedRoute, Step},
    ids::{TenantId, TurnId},
};
use tokio_postgres::Row;

/// A stretch of time in steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) step: Step,
    pub(crate) from: DateTime<Utc>,
    /// Not in it any more.
    pub(crate) to: DateTime<Utc>,
}

/// One count of one minute or hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CountedRow {
    pub(crate) at: DateTime<Utc>,
    pub(crate) what: String,
    pub(crate) label: String,
    pub(crate) n: i64,
}

/// What people thought in one minute or hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThoughtRow {
    pub(crate) at: DateTime<Utc>,
    pub(crate) up: i64,
    pub(crate) down: i64,
    /// Of those down, the ones that name the agents that would have been right.
    pub(crate) corrections: i64,
}

/// The columns of counts that are added at once.
pub(super) struct Columns<'a> {
    pub(super) minutes: Vec<DateTime<Utc>>,
    pub(super) whats: Vec<&'static str>,
    pub(super) labels: Vec<&'a str>,
    pub(super) counts: Vec<i64>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(rows: &'a [CountRow]) -> Self {
        Self {
            minutes: rows
                .iter()
                .map(|row| DateTime::from_timestamp(row.minute_s, 0).unwrap_or_default())
                .collect(),
            whats: rows.iter().map(|row| row.what.name()).collect(),
            labels: rows.iter().map(|row| row.label.as_ref()).collect(),
            counts: rows.iter().map(|row| row.n).collect(),
        }
    }
}

impl Tx {
    /// Adds counts to the rows of their minutes and hours. A crash that takes a moment of them away is worth no wait for
    /// a disk or a replica.
    pub(crate) async fn add_counts(&self, tenant: &TenantId, rows: &[CountRow]) -> Result<()> {
        let columns = Columns::of(rows);
        self.execute(sql!("without_waiting"), &[]).await?;
        self.execute(
            sql!("add_counts"),
            &[&tenant.as_str(), &columns.minutes, &columns.whats, &columns.labels, &columns.counts],
        )
        .await?;
        Ok(())
    }

    /// The counts of these names.
    pub(crate) async fn counts(
        &self,
        tenant: &TenantId,
        span: &Span,
        whats: &[&str],
    ) -> Result<Vec<CountedRow>> {
        let values: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
            &[&tenant.as_str(), &span.step.name(), &span.from, &span.to, &whats];
        let rows = self.query(sql!("counts"), values).await?;
        Ok(rows.iter().map(counted).collect())
    }

    /// How many people there were in each step, and, without a time, in all.
    pub(crate) async fn users_in(
        &self,
        tenant: &TenantId,
        span: &Span,
    ) -> Result<Vec<(Option<DateTime<Utc>>, i64)>> {
        let statement = match span.step {
            Step::Minute => sql!("users_by_minute"),
            Step::Hour => sql!("users_by_hour"),
        };
        let rows = self.query(statement, &[&tenant.as_str(), &span.from, &span.to]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// What people thought in each step.
    pub(crate) async fn thoughts(&self, tenant: &TenantId, span: &Span) -> Result<Vec<ThoughtRow>> {
        let values: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
            &[&tenant.as_str(), &span.step.name(), &span.from, &span.to];
        let rows = self.query(sql!("thoughts"), values).await?;
        let thought = |row: &Row| ThoughtRow {
            at: row.get(0),
            up: row.get(1),
            down: row.get(2),
            corrections: row.get(3),
        };
        Ok(rows.iter().map(thought).collect())
    }

    /// The newest turns of which somebody said that other agents would have been right.
    pub(crate) async fn corrected(
        &self,
        tenant: &TenantId,
        span: &Span,
        limit: i64,
    ) -> Result<Vec<CorrectedRoute>> {
        let rows = self.query(sql!("corrected"), &[&tenant.as_str(), &span.from, &span.to, &limit]).await?;
        rows.iter().map(corrected).collect()
    }

    /// Deletes counts of minutes and of hours that began before that, so many at most; how many.
    pub(crate) async fn delete_old_counts(
        &self,
        tenant: &TenantId,
        minutes: DateTime<Utc>,
        hours: DateTime<Utc>,
        limit: i64,
    ) -> Result<u64> {
        self.execute(sql!("delete_old_counts"), &[&tenant.as_str(), &minutes, &hours, &limit]).await
    }
}

pub(super) fn counted(row: &Row) -> CountedRow {
    CountedRow { at: row.get(0), what: row.get(1), label: row.get(2), n: row.get(3) }
}

fn corrected(row: &Row) -> Result<CorrectedRoute> {
    let plan = plan(row.get(3))?;
    Ok(CorrectedRoute {
        turn: TurnId(row.get(0)),
        at: row.get(1),
        right: agent_ids(row.get(2))?,
        confidence: plan.as_ref().map(|plan| plan.confidence),
        asked: plan.into_iter().flat_map(|plan| plan.steps).map(|step| step.agent).collect(),
    })
}
