//! Tasks of A2A: turns, each with those that answer what it asked back; and contexts, the names that clients give to
//! conversations.

use super::{
    Tx,
    messages::message,
    sql,
    turns::{TurnRow, previous, turn},
};
use crate::{
    agents::WAITS_FOR_SIGN_IN,
    error::{Error, Result},
    store::{MessageRow, PreviousTurn},
};
use chrono::{DateTime, Utc};
use switchboard_shared::ids::{ConversationId, TenantId, TurnId, UserId};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

/// Of so many of a user's tasks, the newest, lists are made.
const MAX_LISTED: i64 = 10_000;

/// A task, by the turn that stands for it: its last one.
#[derive(Clone, Debug)]
pub(crate) struct TaskRow {
    /// The task's own id: that of its first turn.
    pub(crate) id: TurnId,
    pub(crate) turn: TurnRow,
    pub(crate) state: TaskState,
    /// Since when it is in its state.
    pub(crate) since: DateTime<Utc>,
    /// What its user's client calls the conversation, if it has a name of its own for it.
    pub(crate) context: Option<String>,
}

/// Where a task is (A2A 1.0, section 4.1.3), as its turn says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskState {
    /// Nobody has decided yet whom to ask.
    Submitted,
    Working,
    Completed,
    Failed,
    Canceled,
    /// No agent here does this.
    Rejected,
    InputRequired,
    AuthRequired,
}

/// Which tasks, and where the page begins.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tasks {
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) state: Option<TaskState>,
    pub(crate) since: Option<DateTime<Utc>>,
    /// The last task of the page before.
    pub(crate) after: Option<(DateTime<Utc>, TurnId)>,
    pub(crate) limit: i64,
}

impl TaskState {
    const ALL: [Self; 8] = [
        Self::Submitted,
        Self::Working,
        Self::Completed,
        Self::Failed,
        Self::Canceled,
        Self::Rejected,
        Self::InputRequired,
        Self::AuthRequired,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Working => "working",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Rejected => "rejected",
            Self::InputRequired => "input_required",
            Self::AuthRequired => "auth_required",
        }
    }
}

impl Tx {
    /// A task of the user's, in a conversation of which they are a member.
    pub(crate) async fn task(&self, tenant: &TenantId, id: TurnId, user: &UserId) -> Result<Option<TaskRow>> {
        let values: [&(dyn ToSql + Sync); 4] = [&tenant.as_str(), &id.0, &user.as_str(), &WAITS_FOR_SIGN_IN];
        self.query_opt(sql!("task"), &values).await?.as_ref().map(task).transpose()
    }

    /// A page of the user's tasks, those of the newest states first, and how many there are in all.
    pub(crate) async fn tasks(
        &self,
        tenant: &TenantId,
        user: &UserId,
        which: &Tasks,
    ) -> Result<(Vec<TaskRow>, i64)> {
        let conversation = which.conversation.map(|id| id.0);
        let state = which.state.map(TaskState::name);
        let (at, last): (Option<DateTime<Utc>>, Option<Uuid>) =
            which.after.map(|(at, id)| (at, id.0)).unzip();
        let values: [&(dyn ToSql + Sync); 10] = [
            &tenant.as_str(),
            &user.as_str(),
            &WAITS_FOR_SIGN_IN,
            &conversation,
            &which.since,
            &state,
            &at,
            &last,
            &which.limit,
            &MAX_LISTED,
        ];
        let rows = self.query(sql!("tasks"), &values).await?;
        let total = rows.first().map_or(0, |row| row.get("total"));
        Ok((rows.iter().map(task).collect::<Result<_>>()?, total))
    }

    /// What was said in a task, oldest first: the newest so many messages.
    pub(crate) async fn messages_of_task(
        &self,
        tenant: &TenantId,
        task: TurnId,
        limit: i64,
    ) -> Result<Vec<MessageRow>> {
        let rows = self.query(sql!("messages_of_task"), &[&tenant.as_str(), &task.0, &limit]).await?;
        rows.iter().rev().map(message).collect()
    }

    /// Notes that a turn answers another one's question; false when that waits for nothing any more.
    pub(crate) async fn continue_turn(&self, tenant: &TenantId, waits: TurnId, by: TurnId) -> Result<bool> {
        Ok(self.execute(sql!("continue_turn"), &[&tenant.as_str(), &waits.0, &by.0]).await? > 0)
    }

    /// A turn of a client that knows of no tasks answers what a task asked, whichever member's message it is of: it is one
    /// of that task then.
    pub(crate) async fn adopt_task(&self, tenant: &TenantId, waits: TurnId, by: TurnId) -> Result<()> {
        self.execute(sql!("adopt_task"), &[&tenant.as_str(), &waits.0, &by.0]).await.map(drop)
    }

    /// A turn whose question another one answers.
    pub(crate) async fn turn_by_id(&self, tenant: &TenantId, id: TurnId) -> Result<Option<PreviousTurn>> {
        let row = self.query_opt(sql!("turn_by_id"), &[&tenant.as_str(), &id.0]).await?;
        row.as_ref().map(previous).transpose()
    }

    /// The conversation that a client of the user's calls so.
    pub(crate) async fn context(
        &self,
        tenant: &TenantId,
        user: &UserId,
        name: &str,
    ) -> Result<Option<ConversationId>> {
        let row = self.query_opt(sql!("context"), &[&tenant.as_str(), &user.as_str(), &name]).await?;
        Ok(row.map(|row| ConversationId(row.get(0))))
    }

    /// What a client of the user's calls the conversation.
    pub(crate) async fn context_name(
        &self,
        tenant: &TenantId,
        user: &UserId,
        conversation: ConversationId,
    ) -> Result<Option<String>> {
        let values: [&(dyn ToSql + Sync); 3] = [&tenant.as_str(), &user.as_str(), &conversation.0];
        Ok(self.query_opt(sql!("context_name"), &values).await?.map(|row| row.get(0)))
    }

    /// From now on the user's client calls the conversation so, if the name is free.
    pub(crate) async fn name_context(
        &self,
        tenant: &TenantId,
        user: &UserId,
        name: &str,
        conversation: ConversationId,
    ) -> Result<()> {
        let values: [&(dyn ToSql + Sync); 4] = [&tenant.as_str(), &user.as_str(), &name, &conversation.0];
        self.execute(sql!("name_context"), &values).await?;
        Ok(())
    }
}

fn task(row: &Row) -> Result<TaskRow> {
    let turn = turn(row)?;
    let name: &str = row.get("task_state");
    let state = TaskState::ALL.into_iter().find(|state| state.name() == name);
    Ok(TaskRow {
        id: turn.task.unwrap_or(turn.id),
        state: state.ok_or_else(|| Error::reading("task")(name))?,
        since: row.get("since"),
        context: row.get("context"),
        turn,
    })
}
