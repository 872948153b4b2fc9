//! A tenant's own messages that are for no agent.

use super::{Tx, agents::json, sql};
use crate::error::Result;
use switchboard_shared::{api::Example, ids::TenantId};

impl Tx {
    pub(crate) async fn nobody(&self, tenant: &TenantId) -> Result<Vec<Example>> {
        let rows = self.query(sql!("nobody"), &[&tenant.as_str()]).await?;
        Ok(rows.iter().map(|row| Example { text: row.get(0), language: row.get(1) }).collect())
    }

    pub(crate) async fn replace_nobody(&self, tenant: &TenantId, examples: &[Example]) -> Result<()> {
        let examples = json(examples)?;
        self.execute(sql!("delete_nobody"), &[&tenant.as_str()]).await?;
        self.execute(sql!("insert_nobody"), &[&tenant.as_str(), &examples]).await?;
        Ok(())
    }
}
