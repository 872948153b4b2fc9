//! Tickets of sockets: each lets somebody in once.

use super::{Tx, sql};
use crate::error::{Error, Result};
use switchboard_shared::{api::Exchanged, ids::TenantId};

impl Tx {
    /// Writes one down that is good for so many seconds; those that were not used in time go.
    pub(crate) async fn insert_ticket(
        &self,
        tenant: &TenantId,
        secret_hash: &[u8],
        of: &Exchanged,
        lasts_s: u32,
    ) -> Result<()> {
        let of = serde_json::to_value(of).map_err(Error::writing("ticket"))?;
        self.execute(sql!("delete_old_tickets"), &[&tenant.as_str()]).await?;
        let lasts_s = f64::from(lasts_s);
        self.execute(sql!("insert_ticket"), &[&tenant.as_str(), &secret_hash, &of, &lasts_s]).await?;
        Ok(())
    }

    /// Takes one, which is gone then: whom it lets in, unless that is too late.
    pub(crate) async fn take_ticket(
        &self,
        tenant: &TenantId,
        secret_hash: &[u8],
    ) -> Result<Option<Exchanged>> {
        let row = self.query_opt(sql!("take_ticket"), &[&tenant.as_str(), &secret_hash]).await?;
        let in_time = row.filter(|row| row.get(1));
        let of = in_time.map(|row| serde_json::from_value(row.get(0)));
        of.transpose().map_err(Error::reading("ticket"))
    }
}
