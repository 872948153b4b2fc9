//! What members think of a turn; of each the last word counts.

use super::{
    Tx, sql,
    turns::{agent_ids, named},
};
use crate::error::{Error, Result};
use switchboard_shared::{
    api::{FeedbackView, Thumb},
    ids::{AgentId, TenantId, TurnId},
};
use tokio_postgres::Row;

impl Tx {
    pub(crate) async fn upsert_feedback(&self, tenant: &TenantId, given: &FeedbackView) -> Result<()> {
        let agents: Vec<_> = given.agents.iter().map(AgentId::as_str).collect();
        let value = match given.value {
            Thumb::Up => "up",
            Thumb::Down => "down",
        };
        self.execute(
            sql!("upsert_feedback"),
            &[
                &tenant.as_str(),
                &given.turn.0,
                &given.user.as_str(),
                &value,
                &agents,
                &given.comment,
                &given.at,
            ],
        )
        .await?;
        Ok(())
    }

    /// What every member thinks of a turn.
    pub(crate) async fn feedback(&self, tenant: &TenantId, turn: TurnId) -> Result<Vec<FeedbackView>> {
        let rows = self.query(sql!("feedback"), &[&tenant.as_str(), &turn.0]).await?;
        rows.iter().map(|row| feedback(turn, row)).collect()
    }
}

fn feedback(turn: TurnId, row: &Row) -> Result<FeedbackView> {
    let broken = Error::reading("feedback");
    Ok(FeedbackView {
        turn,
        user: row.get::<_, &str>(0).parse().map_err(broken)?,
        value: named("thumb", row.get(1))?,
        agents: agent_ids(row.get(2))?,
        comment: row.get(3),
        at: row.get(4),
    })
}
