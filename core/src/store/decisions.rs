//! Decisions of the router: what it knew, and what it decided, so that it can be asked again.

use super::{
    Tx,
    messages::seq,
    sql,
    turns::{agent_ids, int, plan},
};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use switchboard_shared::{
    api::{DecisionView, Score},
    events::Plan,
    ids::{AgentId, ConversationId, TenantId, TurnId},
};
use tokio_postgres::Row;

/// A decision that has just been made.
pub(crate) struct NewDecision<'a> {
    pub(crate) question: &'a str,
    pub(crate) registry_version: i64,
    pub(crate) previous: &'a [AgentId],
    pub(crate) waiting: Option<&'a AgentId>,
    pub(crate) plan: &'a Plan,
    pub(crate) scores: &'a [Score],
    pub(crate) us: u64,
}

/// A decision as it is stored, and where its message stands.
pub(crate) struct DecisionRow {
    pub(crate) view: DecisionView,
    pub(crate) conversation: ConversationId,
    pub(crate) message_seq: u64,
}

impl Tx {
    pub(crate) async fn upsert_decision(
        &self,
        tenant: &TenantId,
        turn: TurnId,
        new: &NewDecision<'_>,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let plan = serde_json::to_value(new.plan).map_err(Error::writing("plan"))?;
        let scores = serde_json::to_value(new.scores).map_err(Error::writing("score"))?;
        let previous: Vec<_> = new.previous.iter().map(AgentId::as_str).collect();
        let waiting = new.waiting.map(AgentId::as_str);
        self.execute(
            sql!("upsert_decision"),
            &[
                &tenant.as_str(),
                &turn.0,
                &new.question,
                &new.registry_version,
                &previous,
                &waiting,
                &plan,
                &scores,
                &int(new.us),
                &at,
            ],
        )
        .await?;
        Ok(())
    }

    pub(crate) async fn decision(&self, tenant: &TenantId, turn: TurnId) -> Result<Option<DecisionRow>> {
        let row = self.query_opt(sql!("decision"), &[&tenant.as_str(), &turn.0]).await?;
        row.map(|row| decision(turn, &row)).transpose()
    }
}

fn decision(turn: TurnId, row: &Row) -> Result<DecisionRow> {
    let waiting: Option<&str> = row.get("waiting");
    let waiting = waiting.map(str::parse).transpose().map_err(Error::reading("decision"))?;
    let view = DecisionView {
        turn,
        question: row.get("question"),
        chosen: agent_ids(row.get("chosen"))?,
        previous: agent_ids(row.get("previous"))?,
        waiting,
        registry_version: seq(row, 1),
        plan: plan(row.get("plan"))?.ok_or("it has no plan").map_err(Error::reading("decision"))?,
        scores: serde_json::from_value(row.get("scores")).map_err(Error::reading("decision"))?,
        us: seq(row, 6),
        at: row.get("at"),
    };
    let conversation = ConversationId(row.get("conversation_id"));
    Ok(DecisionRow { view, conversation, message_seq: seq(row, 10) })
}
