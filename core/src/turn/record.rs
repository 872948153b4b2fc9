//! Writing a step down: its rows and its events in one transaction under the lease, and only then the doorbell.

use super::work::Work;
use crate::{
    clock,
    error::{Error, Result},
    store::{
        Act, CallRow, FilePlace, FinishedCall, FinishedTurn, MessageRow, NewDecision, NewEvent,
        NewSuggestion, Tx, retrying,
    },
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use switchboard_shared::{
    api::Author,
    events::{Answer, Event, EventBody, Plan},
    ids::{AgentId, CallId},
};
use tokio::time::Instant;
use uuid::Uuid;

/// What a step writes besides its events.
pub(super) enum Rows<'a> {
    None,
    /// The plan, with all that it was decided on; `chips` is what can be learned from the message itself.
    Plan {
        decision: &'a NewDecision<'a>,
        chips: &'a [NewSuggestion],
    },
    /// That nothing is said; what people say to each other is no decision to be reviewed.
    Quiet(&'a Plan),
    CallBegun(&'a CallRow),
    CallEnded(CallId, &'a AgentId, &'a FinishedCall<'a>),
    /// Answer, usage and audit; `agents` is for the audit, `rejections` what can be learned from refused calls.
    TurnEnded {
        answer: Option<&'a Answer>,
        end: &'a FinishedTurn<'a>,
        agents: Value,
        rejections: &'a [NewSuggestion],
    },
}

impl Work {
    /// Writes a step, and rings. An answer's message comes with an event of its own, before the others.
    pub(super) async fn record(&self, bodies: Vec<EventBody>, rows: Rows<'_>) -> Result<()> {
        let _one_at_a_time = self.record.lock().await;
        let (mark, at) = (Uuid::now_v7(), clock::now());
        // A step that was done in time is written down even when the time is over.
        let deadline = self.deadline.max(Instant::now() + self.core.config.turn.lease);
        let events = retrying!(deadline, self.record_once(&bodies, &rows, mark, at))?;
        for event in events {
            self.core.bell.ring(event);
        }
        Ok(())
    }

    async fn record_once(
        &self,
        bodies: &[EventBody],
        rows: &Rows<'_>,
        mark: Uuid,
        at: DateTime<Utc>,
    ) -> Result<Vec<Event>> {
        let (tenant, turn) = (&self.tenant, &self.turn);
        let answer = match rows {
            Rows::TurnEnded { answer, .. } => *answer,
            _ => None,
        };
        let tx = self.core.store.write(tenant).await?;
        // The conversation's row first, as everywhere, so that no two transactions wait for each other.
        let count = i64::try_from(bodies.len() + usize::from(answer.is_some())).unwrap_or(i64::MAX);
        let first = tx.advance_seq(tenant, turn.conversation, count).await?.ok_or(Error::LeaseLost)?;
        if !tx.hold_lease(tenant, turn.id, self.core.id, turn.attempt, mark).await? {
            tx.rollback().await?;
            return Ok(Vec::new());
        }
        let mut all = Vec::with_capacity(bodies.len() + 1);
        if let Some(answer) = answer {
            all.push(self.say(&tx, answer, first, at).await?);
        }
        all.extend(bodies.iter().cloned());
        let place = NewEvent { conversation: turn.conversation, turn: Some(turn.id), at };
        let events = tx.insert_events(tenant, place, first, all).await?;
        self.write_rows(&tx, rows, at).await?;
        tx.commit().await?;
        Ok(events)
    }

    async fn say(&self, tx: &Tx, answer: &Answer, seq: u64, at: DateTime<Utc>) -> Result<EventBody> {
        let row = MessageRow {
            id: answer.message,
            seq,
            author: Author::Switchboard,
            text: answer.text.clone(),
            files: answer.files.clone(),
            turn: self.turn.id,
            client_id: None,
            at,
        };
        let bytes = tx.insert_message(&self.tenant, self.turn.conversation, &row, &[], None).await?;
        // Of the one who asked; an answer is not refused for it.
        tx.keep_bytes(&self.tenant, &self.turn.user, bytes).await?;
        Ok(EventBody::MessageCreated(row.view()))
    }

    async fn write_rows(&self, tx: &Tx, rows: &Rows<'_>, at: DateTime<Utc>) -> Result<()> {
        let (tenant, turn) = (&self.tenant, &self.turn);
        match rows {
            Rows::None => Ok(()),
            Rows::Plan { decision, chips } => {
                tx.set_plan(tenant, turn.id, decision.plan).await?;
                tx.upsert_decision(tenant, turn.id, decision, at).await?;
                tx.insert_suggestions(tenant, turn.id, &turn.user, chips, at).await
            }
            Rows::Quiet(plan) => tx.set_plan(tenant, turn.id, plan).await,
            Rows::CallBegun(call) => tx.insert_call(tenant, turn.id, call, at).await,
            Rows::CallEnded(call, agent, end) => {
                tx.finish_call(tenant, turn.id, *call, end).await?;
                let place =
                    FilePlace { conversation: turn.conversation, turn: turn.id, call: *call, agent, at };
                match tx.insert_files(tenant, place, end.files).await? {
                    0 => Ok(()),
                    bytes => tx.keep_bytes(tenant, &turn.user, bytes).await.map(drop),
                }
            }
            Rows::TurnEnded { end, agents, rejections, .. } => {
                tx.finish_turn(tenant, turn.id, end).await?;
                tx.insert_suggestions(tenant, turn.id, &turn.user, rejections, at).await?;
                tx.add_usage(tenant, &turn.user, at, &end.usage).await?;
                let act = Act {
                    at,
                    actor: &turn.user,
                    action: "turn.finished",
                    subject: &turn.id.to_string(),
                    detail: json!({"conversation": turn.conversation, "state": end.state, "agents": agents}),
                };
                tx.append_audit(tenant, &act).await
            }
        }
    }
}
