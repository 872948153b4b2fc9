//! What was taken back: edges ask for it, whoever's it is.

use super::{Tx, pools::Store, sql};
use crate::error::Result;
use chrono::{DateTime, Utc};
use switchboard_shared::{
    api::{Revocation, RevokedKind},
    ids::TenantId,
};
use uuid::Uuid;

impl Tx {
    /// Takes something back, for as long as there may be something that it is about.
    pub(crate) async fn insert_revocation(
        &self,
        tenant: &TenantId,
        kind: RevokedKind,
        subject: &str,
        until: DateTime<Utc>,
    ) -> Result<()> {
        let id = Uuid::now_v7();
        self.execute(sql!("delete_old_revocations"), &[&tenant.as_str()]).await?;
        self.execute(sql!("insert_revocation"), &[&tenant.as_str(), &id, &kind.name(), &subject, &until])
            .await?;
        Ok(())
    }
}

impl Store {
    /// What was taken back after a moment and matters still, of all tenants, the oldest first.
    pub(crate) async fn revocations_after(&self, at: DateTime<Utc>, limit: i64) -> Result<Vec<Revocation>> {
        let rows = self.due(sql!("revocations_after"), &[&at, &limit]).await?;
        let read = rows.iter().filter_map(|row| {
            Some(Revocation {
                tenant: row.get::<_, &str>(0).parse().ok()?,
                id: row.get(1),
                kind: RevokedKind::from_name(row.get(2))?,
                subject: row.get(3),
                at: row.get(4),
                until: row.get(5),
            })
        });
        Ok(read.collect())
    }
}
