//! What was counted of the house as a whole. It is no tenant's, so no fence stands around it, and no label in it is a
//! tenant's word.

use super::{
    counts::{Columns, CountedRow, Span, counted},
    pools::{Sql, Store},
    sql,
};
use crate::{
    analytics::CountRow,
    error::{Error, Result},
};
use chrono::{DateTime, Utc};
use tokio_postgres::{Row, types::ToSql};

impl Store {
    /// Adds counts to the rows of their minutes and hours.
    pub(crate) async fn add_house_counts(&self, rows: &[CountRow]) -> Result<()> {
        let columns = Columns::of(rows);
        let values: &[&(dyn ToSql + Sync)] =
            &[&columns.minutes, &columns.whats, &columns.labels, &columns.counts];
        self.of_house(sql!("add_house_counts"), values).await.map(drop)
    }

    /// The counts of these names.
    pub(crate) async fn house_counts(&self, span: &Span, whats: &[&str]) -> Result<Vec<CountedRow>> {
        let values: &[&(dyn ToSql + Sync)] = &[&span.step.name(), &span.from, &span.to, &whats];
        let rows = self.read_of_house(sql!("house_counts"), values).await?;
        Ok(rows.iter().map(counted).collect())
    }

    /// Deletes counts of minutes and of hours that began before that, so many at most; how many.
    pub(crate) async fn delete_old_house_counts(
        &self,
        minutes: DateTime<Utc>,
        hours: DateTime<Utc>,
        limit: i64,
    ) -> Result<usize> {
        let deleted = self.of_house(sql!("delete_old_house_counts"), &[&minutes, &hours, &limit]).await?;
        Ok(deleted.len())
    }

    /// Writes what is nobody's, and waits for no disk and no replica.
    pub(super) async fn of_house(
        &self,
        (doing, sql): Sql,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        let fail = |source| Error::Database { doing, source };
        let mut connection = self.writer(doing).await?;
        let tx = connection.transaction().await.map_err(fail)?;
        tx.batch_execute(sql!("without_waiting").1).await.map_err(fail)?;
        let statement = tx.prepare_cached(sql).await.map_err(fail)?;
        let rows = tx.query(&statement, values).await.map_err(fail)?;
        tx.commit().await.map_err(fail)?;
        Ok(rows)
    }

    /// Reads what is nobody's from whoever answers.
    pub(super) async fn read_of_house(
        &self,
        (doing, sql): Sql,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        let fail = |source| Error::Database { doing, source };
        let connection = self.anyone(doing).await?;
        let statement = connection.prepare_cached(sql).await.map_err(fail)?;
        connection.query(&statement, values).await.map_err(fail)
    }
}
