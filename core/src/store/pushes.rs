//! Where clients of A2A want to be told what happens to their tasks, and how far each was told.

use super::{Tx, pools::Store, sql};
use crate::{
    error::{Error, Result},
    turn::Whose,
};
use chrono::{DateTime, Utc};
use std::time::Duration;
use switchboard_shared::ids::{ConversationId, TenantId, TurnId, UserId};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

/// Users for whom something is due, at one look.
const USERS: i64 = 1_000;

/// One of a task's.
#[derive(Clone, Debug)]
pub(crate) struct PushRow {
    pub(crate) id: String,
    pub(crate) task: TurnId,
    pub(crate) user: UserId,
    pub(crate) conversation: ConversationId,
    pub(crate) url: String,
    pub(crate) scheme: Option<String>,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) origin: String,
    /// What it was told last.
    pub(crate) after: u64,
    /// In a row.
    pub(crate) failures: u32,
    pub(crate) failing_since: Option<DateTime<Utc>>,
}

/// Which ones of a task's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pushes<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
    pub(crate) limit: i64,
}

/// What becomes of one that a core tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is told more, for so long at most.
    Held(Duration),
    /// Any core tells it more, after that.
    In(Duration),
    /// It is told nothing more.
    Ended,
}

impl Tx {
    /// Notes one, or another one under its id, which goes on where that was; `is_over`: nothing will happen any more.
    pub(crate) async fn insert_push(&self, tenant: &TenantId, new: &PushRow, is_over: bool) -> Result<()> {
        let after = seq(new.after)?;
        let values: [&(dyn ToSql + Sync); 11] = [
            &tenant.as_str(),
            &new.task.0,
            &new.id,
            &new.user.as_str(),
            &new.conversation.0,
            &new.url,
            &new.scheme,
            &new.sealed,
            &new.origin,
            &after,
            &is_over,
        ];
        self.execute(sql!("insert_push"), &values).await.map(drop)
    }

    /// How many a task has, and how many its user has of tasks that go on; without the one of this id.
    pub(crate) async fn count_pushes(
        &self,
        tenant: &TenantId,
        user: &UserId,
        task: Option<TurnId>,
        but: Option<&str>,
    ) -> Result<(i64, i64)> {
        let task = task.map(|task| task.0);
        let values: [&(dyn ToSql + Sync); 4] = [&tenant.as_str(), &user.as_str(), &task, &but];
        let row = self.query_opt(sql!("count_pushes"), &values).await?;
        Ok(row.map_or((0, 0), |row| (row.get(0), row.get(1))))
    }

    /// Some of a task's, by their ids.
    pub(crate) async fn pushes(
        &self,
        tenant: &TenantId,
        user: &UserId,
        task: TurnId,
        which: Pushes<'_>,
    ) -> Result<Vec<PushRow>> {
        let values: [&(dyn ToSql + Sync); 6] =
            [&tenant.as_str(), &user.as_str(), &task.0, &which.id, &which.after, &which.limit];
        self.query(sql!("pushes"), &values).await?.iter().map(push).collect()
    }

    pub(crate) async fn delete_push(
        &self,
        tenant: &TenantId,
        user: &UserId,
        task: TurnId,
        id: &str,
    ) -> Result<()> {
        let values: [&(dyn ToSql + Sync); 4] = [&tenant.as_str(), &user.as_str(), &task.0, &id];
        self.execute(sql!("delete_push"), &values).await.map(drop)
    }

    /// Takes some of a user's that are due for a core, for so long.
    pub(crate) async fn claim_pushes(
        &self,
        whose: &Whose,
        core: Uuid,
        (most, lease): (usize, Duration),
    ) -> Result<Vec<PushRow>> {
        let (most, lease) = (i64::try_from(most).unwrap_or(i64::MAX), lease.as_secs_f64() * 1e3);
        let values: [&(dyn ToSql + Sync); 5] =
            [&whose.tenant.as_str(), &whose.user.as_str(), &core, &lease, &most];
        self.query(sql!("claim_pushes"), &values).await?.iter().map(push).collect()
    }

    /// Notes how far one was told; false when it is this core's no more.
    pub(crate) async fn note_push(
        &self,
        tenant: &TenantId,
        row: &PushRow,
        core: Uuid,
        next: Next,
    ) -> Result<bool> {
        let (after, failures) = (seq(row.after)?, i32::try_from(row.failures).unwrap_or(i32::MAX));
        let (pause, is_held) = match next {
            Next::Held(lease) => (lease, true),
            Next::In(pause) => (pause, false),
            Next::Ended => (Duration::ZERO, false),
        };
        let pause = pause.as_secs_f64() * 1e3;
        let values: [&(dyn ToSql + Sync); 9] = [
            &tenant.as_str(),
            &row.task.0,
            &row.id,
            &core,
            &after,
            &failures,
            &pause,
            &is_held,
            &(next == Next::Ended),
        ];
        Ok(self.execute(sql!("note_push"), &values).await? > 0)
    }

    /// Forgets those that ended before that, so many at most; how many.
    pub(crate) async fn delete_old_pushes(
        &self,
        tenant: &TenantId,
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<u64> {
        self.execute(sql!("delete_old_pushes"), &[&tenant.as_str(), &before, &limit]).await
    }

    /// The turns of a task, with the numbers of their messages, in their order.
    pub(crate) async fn turns_of_task(&self, tenant: &TenantId, task: TurnId) -> Result<Vec<(TurnId, u64)>> {
        let rows = self.query(sql!("turns_of_task"), &[&tenant.as_str(), &task.0]).await?;
        let read = |row: &Row| Some((TurnId(row.get(0)), u64::try_from(row.get::<_, i64>(1)).ok()?));
        Ok(rows.iter().filter_map(read).collect())
    }
}

impl Store {
    /// Users of any tenant who are to be told something; who waits the longest first.
    pub(crate) async fn users_with_due_pushes(&self) -> Result<Vec<Whose>> {
        let rows = self.due(sql!("users_with_due_pushes"), &[&USERS]).await?;
        let whose = |row: &Row| {
            let (tenant, user): (&str, &str) = (row.get(0), row.get(1));
            Some(Whose { tenant: tenant.parse().ok()?, user: user.parse().ok()? })
        };
        Ok(rows.iter().filter_map(whose).collect())
    }
}

fn seq(seq: u64) -> Result<i64> {
    i64::try_from(seq).map_err(Error::writing("seq"))
}

fn push(row: &Row) -> Result<PushRow> {
    let user: &str = row.get("user_id");
    Ok(PushRow {
        id: row.get("id"),
        task: TurnId(row.get("task_id")),
        user: user.parse().map_err(Error::reading("user id"))?,
        conversation: ConversationId(row.get("conversation_id")),
        url: row.get("url"),
        scheme: row.get("scheme"),
        sealed: row.get("sealed"),
        origin: row.get("origin"),
        after: u64::try_from(row.get::<_, i64>("after_seq")).unwrap_or(0),
        failures: u32::try_from(row.get::<_, i32>("failures")).unwrap_or(0),
        failing_since: row.get("failing_since"),
    })
}
