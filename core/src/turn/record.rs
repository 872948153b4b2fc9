//! Writing a step down: its rows and its events in one transaction under the lease, and only then the doorbell.

use super::{
    given,
    step::{Rows, Step},
    unwritten::Waiting,
    work::Work,
};
use crate::{
    clock,
    error::{Error, Result},
    metrics,
    store::{Act, FinishedCall, MessageRow, NewEvent, OpenOf, Tx, retrying},
};
use chrono::{DateTime, Utc};
use futures::{future::try_join_all, try_join};
use serde_json::json;
use switchboard_shared::{
    events::{Event, EventBody, TurnState},
    ids::TurnId,
};
use tokio::time::Instant;
use uuid::Uuid;

/// Which writing of which step it is.
#[derive(Clone, Copy)]
struct Mark {
    id: Uuid,
    at: DateTime<Utc>,
}

impl Work {
    /// Writes a step, and what waited for one, and rings.
    pub(super) async fn record(&self, mut step: Step<'_>) -> Result<()> {
        let _one_at_a_time = self.record.lock().await;
        let (mut waiting, mark) = (self.unwritten.take(), Mark { id: Uuid::now_v7(), at: clock::now() });
        waiting.ended.append(&mut step.ended);
        // A step that was done in time is written down even when the time is over.
        let deadline = self.deadline.max(Instant::now() + self.core.config.turn.lease);
        let writing = async { retrying!(deadline, Box::pin(self.record_once(&step, &waiting, mark))) };
        for event in metrics::timed("record", writing).await? {
            self.core.bell.ring(event);
        }
        Ok(())
    }

    async fn record_once(&self, step: &Step<'_>, waiting: &Waiting, mark: Mark) -> Result<Vec<Event>> {
        let (tenant, turn) = (&self.tenant, &self.turn);
        let tx = self.core.store.write(tenant).await?;
        let count = i64::try_from(step.count(waiting)).unwrap_or(i64::MAX);
        // The conversation's row first, as everywhere, so that no two transactions wait for each other.
        let (first, is_new) = try_join!(
            tx.advance_seq(tenant, turn.conversation, count),
            tx.hold_lease(tenant, (turn.id, turn.attempt), self.core.id, mark.id, step.rows.change()),
        )?;
        let first = first.ok_or(Error::LeaseLost)?;
        if !is_new {
            tx.rollback().await?;
            return Ok(Vec::new());
        }
        let (bodies, answer) = step.events(turn, waiting, first, mark.at);
        let writing = self.write(&tx, (step, waiting, mark.at), (first, bodies), answer.as_ref());
        tx.commit_behind(Box::pin(writing)).await
    }

    /// All that is left when the numbers are known; nothing of it waits for anything else of it.
    async fn write(
        &self,
        tx: &Tx,
        (step, waiting, at): (&Step<'_>, &Waiting, DateTime<Utc>),
        (first, bodies): (u64, Vec<EventBody>),
        answer: Option<&MessageRow>,
    ) -> Result<Vec<Event>> {
        let (tenant, turn) = (&self.tenant, &self.turn);
        let place = NewEvent { conversation: turn.conversation, turn: Some(turn.id), at };
        let tasks = waiting.tasks.iter().map(|(call, task)| tx.set_task(tenant, turn.id, *call, task));
        let (events, (), (), _, _, ()) = try_join!(
            tx.insert_events(tenant, place, first, bodies),
            self.say(tx, answer),
            tx.insert_calls(tenant, turn.id, step.calls, at),
            try_join_all(waiting.ended.iter().map(|call| self.end_call(tx, call, at))),
            try_join_all(tasks),
            self.write_rows(tx, &step.rows, at),
        )?;
        Ok(events)
    }

    async fn say(&self, tx: &Tx, answer: Option<&MessageRow>) -> Result<()> {
        let Some(answer) = answer else { return Ok(()) };
        // Of the one who asked; an answer is not refused for it.
        let whose = (&self.turn.user, false);
        tx.insert_message(&self.tenant, self.turn.conversation, answer, (&[], None), whose).await.map(drop)
    }

    /// All of it is sent at once: what waits for something else of the step would come behind its end.
    async fn end_call(&self, tx: &Tx, call: &FinishedCall, at: DateTime<Utc>) -> Result<()> {
        try_join!(
            tx.finish_call(&self.tenant, self.turn.id, call),
            self.make_room(tx, call),
            given::keep(tx, &self.tenant, &self.turn, call, at),
        )
        .map(drop)
    }

    /// Of too many agents that wait for one user, those that wait longest are given up.
    async fn make_room(&self, tx: &Tx, call: &FinishedCall) -> Result<()> {
        if call.open.is_none() {
            return Ok(());
        }
        let most = self.core.config.open_calls.max_per_user;
        tx.give_up_oldest_open_calls(&self.tenant, &self.turn.user, most).await.map(drop)
    }

    async fn adopt_task(&self, tx: &Tx, answers: Option<TurnId>) -> Result<()> {
        match answers {
            Some(waits) => tx.adopt_task(&self.tenant, waits, self.turn.id).await,
            None => Ok(()),
        }
    }

    /// Of a turn that was stopped, or has failed, no agent waits.
    async fn give_up(&self, tx: &Tx, state: TurnState) -> Result<()> {
        match state {
            TurnState::Canceled | TurnState::Failed => {
                let turn = self.turn.id;
                try_join!(
                    tx.give_up_open_calls(&self.tenant, OpenOf::Turn(turn)),
                    tx.cancel_working_calls(&self.tenant, turn),
                )
                .map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn write_rows(&self, tx: &Tx, rows: &Rows<'_>, at: DateTime<Utc>) -> Result<()> {
        let (tenant, turn) = (&self.tenant, &self.turn);
        match rows {
            Rows::None | Rows::Quiet(_) => Ok(()),
            Rows::Plan { decision, chips, answers } => try_join!(
                tx.upsert_decision(tenant, turn.id, decision, at),
                tx.insert_suggestions(tenant, turn.id, &turn.user, chips, at),
                self.adopt_task(tx, *answers),
            )
            .map(drop),
            Rows::TurnEnded { end, agents, rejections, left, .. } => {
                let subject = turn.id.to_string();
                let detail = json!({"conversation": turn.conversation, "state": end.state, "agents": agents});
                let act = Act { at, actor: &turn.user, action: "turn.finished", subject: &subject, detail };
                try_join!(
                    tx.insert_suggestions(tenant, turn.id, &turn.user, rejections, at),
                    tx.add_usage(tenant, &turn.user, at, &end.usage),
                    tx.append_audit(tenant, &act),
                    self.give_up(tx, end.state),
                    tx.move_open_calls(tenant, left, turn.id),
                )
                .map(drop)
            }
        }
    }
}
