//! The leases of cores: one row for each, which is written often, and is worth nothing when it is old.

use super::{
    pools::{Sql, Store},
    sql,
};
use crate::error::{Error, Result};
use deadpool_postgres::{ClientWrapper, Object};
use std::time::Duration;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Writes a core's lease over a connection of its own: neither a pool that is busy nor a slow commit keeps it waiting.
#[derive(Default)]
pub(crate) struct Pulse {
    connection: Option<ClientWrapper>,
}

impl Pulse {
    /// The lease begins anew, from when the database does this.
    pub(crate) async fn beat(&mut self, store: &Store, core: Uuid, lease: Duration) -> Result<()> {
        let lease = lease.as_secs_f64() * 1e3;
        self.execute(store, sql!("beat"), &[&core, &lease]).await
    }

    /// The lease is over, and all turns of this core are due; with it go the rows of cores that died long ago.
    pub(crate) async fn end(&mut self, store: &Store, core: Uuid) -> Result<()> {
        self.execute(store, sql!("end_lease"), &[&core]).await
    }

    async fn execute(
        &mut self,
        store: &Store,
        (doing, sql): Sql,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<()> {
        let fail = |source| Error::Database { doing, source };
        // Taken out while it is used: one that failed, or that nobody waited for to the end, is not used again.
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connection = Object::take(store.writer(doing).await?);
                // A lease that a crash takes away was over anyway, so it waits for no disk and for no replica.
                connection.batch_execute("SET synchronous_commit = off").await.map_err(fail)?;
                connection
            }
        };
        let statement = connection.prepare_cached(sql).await.map_err(fail)?;
        connection.execute(&statement, values).await.map_err(fail)?;
        self.connection = Some(connection);
        Ok(())
    }
}
