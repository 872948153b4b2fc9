//! The frozen set: messages by which a tenant's routing is measured, and from which it never learns.

use super::{Tx, sql, turns::agent_ids};
use crate::error::Result;
use switchboard_shared::{api::FrozenRow, ids::TenantId};

impl Tx {
    pub(crate) async fn frozen(&self, tenant: &TenantId) -> Result<Vec<FrozenRow>> {
        let rows = self.query(sql!("frozen"), &[&tenant.as_str()]).await?;
        rows.iter()
            .map(|row| {
                Ok(FrozenRow { text: row.get(0), agents: agent_ids(row.get(1))?, language: row.get(2) })
            })
            .collect()
    }

    pub(crate) async fn replace_frozen(&self, tenant: &TenantId, rows: &[FrozenRow]) -> Result<()> {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| serde_json::json!({"text": row.text, "agents": row.agents, "language": row.language}))
            .collect();
        let rows = serde_json::Value::Array(rows);
        self.execute(sql!("delete_frozen"), &[&tenant.as_str()]).await?;
        self.execute(sql!("insert_frozen"), &[&tenant.as_str(), &rows]).await?;
        Ok(())
    }
}
