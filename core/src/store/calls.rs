//! A turn's calls: whom it asked, and what became of that.

use super::{
    Tx,
    files::NewFile,
    messages::seq,
    open_calls::Openness,
    sql,
    turns::{int, named},
};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use std::time::Duration;
use switchboard_shared::{
    api::{CallView, FileView},
    events::CallState,
    ids::{AgentId, CallId, TenantId, TurnId},
};
use tokio_postgres::Row;
use uuid::Uuid;

/// A call as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct CallRow {
    pub(crate) id: CallId,
    pub(crate) step: usize,
    pub(crate) agent: AgentId,
    pub(crate) question: String,
    pub(crate) state: CallState,
    pub(crate) task_id: Option<String>,
    /// The call whose question it answers.
    pub(crate) answers: Option<CallId>,
    pub(crate) reply: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) partial: bool,
    pub(crate) ms: u64,
    pub(crate) files: Vec<FileView>,
}

impl CallRow {
    /// What members see.
    pub(crate) fn view(&self) -> CallView {
        CallView {
            id: self.id,
            agent: self.agent.clone(),
            question: self.question.clone(),
            state: self.state,
            reply: self.reply.clone(),
            reason: self.reason.clone(),
            files: self.files.clone(),
            ms: self.ms,
        }
    }
}

/// How a call ended.
#[derive(Clone, Debug)]
pub(crate) struct FinishedCall {
    pub(crate) id: CallId,
    pub(crate) agent: AgentId,
    pub(crate) state: CallState,
    pub(crate) task_id: Option<String>,
    pub(crate) reply: String,
    pub(crate) reason: Option<String>,
    pub(crate) partial: bool,
    pub(crate) ms: u64,
    pub(crate) files: Vec<NewFile>,
    /// What is left of it, where its agent is not done with it.
    pub(crate) open: Option<Opening>,
}

/// A call that is open beyond its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) why: Openness,
    /// Before it is looked at for the first time.
    pub(crate) rest: Duration,
    /// How long it may be so.
    pub(crate) most: Duration,
}

impl Opening {
    /// Nobody goes on with it.
    pub(crate) const GIVEN_UP: Self =
        Self { why: Openness::GivenUp, rest: Duration::ZERO, most: Duration::ZERO };

    /// It waits for its user, for so long.
    pub(crate) fn waiting(why: Openness, wait: Duration) -> Self {
        Self { why, rest: wait, most: wait }
    }
}

impl FinishedCall {
    /// Whether a row can hold what its agent said: no text of Postgres holds U+0000.
    pub(crate) fn fits_a_row(&self) -> bool {
        let texts = [Some(&self.reply), self.task_id.as_ref(), self.reason.as_ref()].into_iter().flatten();
        let files = self.files.iter().flat_map(|file| [&file.name, &file.media_type]);
        !texts.chain(files).any(|text| text.contains('\0'))
    }
}

impl Tx {
    pub(crate) async fn calls(&self, tenant: &TenantId, id: TurnId) -> Result<Vec<CallRow>> {
        let rows = self.query(sql!("calls"), &[&tenant.as_str(), &id.0]).await?;
        rows.iter().map(call).collect()
    }

    /// Begins calls; what they answer is open no more.
    pub(crate) async fn insert_calls(
        &self,
        tenant: &TenantId,
        turn: TurnId,
        new: &[CallRow],
        at: DateTime<Utc>,
    ) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = new.iter().map(|call| call.id.0).collect();
        let steps: Vec<_> = new.iter().map(|call| i32::try_from(call.step).unwrap_or(i32::MAX)).collect();
        let agents: Vec<_> = new.iter().map(|call| call.agent.as_str()).collect();
        let questions: Vec<_> = new.iter().map(|call| call.question.as_str()).collect();
        let tasks: Vec<_> = new.iter().map(|call| call.task_id.as_deref()).collect();
        let answers: Vec<_> = new.iter().map(|call| call.answers.map(|call| call.0)).collect();
        self.execute(
            sql!("insert_calls"),
            &[&tenant.as_str(), &turn.0, &ids, &steps, &agents, &questions, &tasks, &at, &answers],
        )
        .await?;
        Ok(())
    }

    /// Remembers the agent's id of its work, so that another core can ask for it.
    pub(crate) async fn set_task(
        &self,
        tenant: &TenantId,
        turn: TurnId,
        call: CallId,
        task: &str,
    ) -> Result<()> {
        self.execute(sql!("set_task"), &[&tenant.as_str(), &turn.0, &call.0, &task]).await?;
        Ok(())
    }

    pub(crate) async fn finish_call(
        &self,
        tenant: &TenantId,
        turn: TurnId,
        end: &FinishedCall,
    ) -> Result<()> {
        let open = end.open.map(|open| open.why.name());
        let ms = |time: fn(&Opening) -> Duration| {
            end.open.as_ref().map(time).unwrap_or_default().as_secs_f64() * 1e3
        };
        let (rest, most) = (ms(|open| open.rest), ms(|open| open.most));
        self.execute(
            sql!("finish_call"),
            &[
                &tenant.as_str(),
                &turn.0,
                &end.id.0,
                &end.state.name(),
                &end.task_id,
                &end.reply,
                &end.reason,
                &end.partial,
                &int(end.ms),
                &open,
                &rest,
                &most,
            ],
        )
        .await?;
        Ok(())
    }
}

fn call(row: &Row) -> Result<CallRow> {
    Ok(CallRow {
        id: CallId(row.get(0)),
        step: usize::try_from(row.get::<_, i32>(1)).unwrap_or(0),
        agent: row.get::<_, &str>(2).parse().map_err(Error::reading("call"))?,
        question: row.get(3),
        state: named("call state", row.get(4))?,
        task_id: row.get(5),
        reply: row.get(6),
        reason: row.get(7),
        partial: row.get(8),
        ms: seq(row, 9),
        files: serde_json::from_value(row.get(10)).map_err(Error::reading("call"))?,
        answers: row.get::<_, Option<Uuid>>(11).map(CallId),
    })
}
