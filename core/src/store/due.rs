//! What is due, whoever's it is: the statements that look into all tenants. They run as a role that sees whose a row is
//! and when it is due, and nothing else of it.

use super::{pools::Store, sql};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use deadpool_postgres::Object;
use switchboard_shared::ids::{TenantId, TurnId};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

/// A running turn that the rows give to this core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnTurn {
    pub(crate) tenant: TenantId,
    pub(crate) id: TurnId,
    pub(crate) attempt: u32,
    /// Its user wants it stopped.
    pub(crate) cancel: bool,
}

impl Store {
    /// Whether a database answers as the cores need it: a connection, a transaction, a role and a table. While there is
    /// no primary a replica will do, since this core is then ready to read.
    pub(crate) async fn ping(&self) -> Result<()> {
        let (doing, sql) = sql!("tenants_with_due_turns");
        let connection = self.anyone(doing).await?;
        self.looking(connection, (doing, sql), &[]).await.map(drop)
    }

    /// Tenants with turns whose core has no lease.
    pub(crate) async fn tenants_with_due_turns(&self) -> Result<Vec<TenantId>> {
        self.tenants_due(sql!("tenants_with_due_turns"), &[]).await
    }

    /// The turns of a core, whoever's they are.
    pub(crate) async fn own_turns(&self, core: Uuid) -> Result<Vec<OwnTurn>> {
        let rows = self.due(sql!("own_turns"), &[&core]).await?;
        let own = rows.iter().filter_map(|row| {
            let attempt = u32::try_from(row.get::<_, i32>(2)).unwrap_or(1);
            let tenant = row.get::<_, &str>(0).parse().ok()?;
            Some(OwnTurn { tenant, id: TurnId(row.get(1)), attempt, cancel: row.get(3) })
        });
        Ok(own.collect())
    }

    /// Tenants with events or with keys of requests that are older than that.
    pub(crate) async fn tenants_with_old_rows(
        &self,
        events: DateTime<Utc>,
        keys: DateTime<Utc>,
    ) -> Result<Vec<TenantId>> {
        self.tenants_due(sql!("tenants_with_old_rows"), &[&events, &keys]).await
    }

    /// Tenants but those with turns that began before that.
    pub(crate) async fn tenants_with_old_turns(
        &self,
        before: DateTime<Utc>,
        but: &[&str],
    ) -> Result<Vec<TenantId>> {
        self.tenants_due(sql!("tenants_with_old_turns"), &[&before, &but]).await
    }

    /// Tenants with counts of minutes, or of hours, that are older than that.
    pub(crate) async fn tenants_with_old_counts(
        &self,
        minutes: DateTime<Utc>,
        hours: DateTime<Utc>,
    ) -> Result<Vec<TenantId>> {
        self.tenants_due(sql!("tenants_with_old_counts"), &[&minutes, &hours]).await
    }

    pub(super) async fn tenants_due(
        &self,
        sql: super::pools::Sql,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<TenantId>> {
        let rows = self.due(sql, values).await?;
        Ok(rows.iter().filter_map(|row| row.get::<_, &str>(0).parse().ok()).collect())
    }

    pub(super) async fn due(
        &self,
        sql: super::pools::Sql,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        let connection = self.writer(sql.0).await?;
        self.looking(connection, sql, values).await
    }

    async fn looking(
        &self,
        mut connection: Object,
        (doing, sql): super::pools::Sql,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        let fail = |source| Error::Database { doing, source };
        let tx = connection.transaction().await.map_err(fail)?;
        tx.batch_execute(&format!("SET LOCAL ROLE {}", due_role(self.role()))).await.map_err(fail)?;
        let statement = tx.prepare_cached(sql).await.map_err(fail)?;
        let rows = tx.query(&statement, values).await.map_err(fail)?;
        tx.commit().await.map_err(fail)?;
        Ok(rows)
    }
}

/// The role that finds what is due, beside the one that the cores work as.
pub(super) fn due_role(role: &str) -> String {
    format!("{role}_due")
}
