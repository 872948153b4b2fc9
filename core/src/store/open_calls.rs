//! Calls whose turn has ended and whose agent has not: it works on, waits for its user, or is to be told that nobody goes
//! on with its work.

use super::{Tx, pools::Store, sql, turns::named};
use crate::error::{Error, Result};
use serde::Deserialize;
use std::time::Duration;
use switchboard_shared::ids::{AgentId, CallId, ConversationId, TenantId, TurnId, UserId};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

/// Of so many in a conversation, the newest, one gets a reply.
const MOST: i64 = 32;

/// An agent that waits for its user.
#[derive(Clone, Debug)]
pub(crate) struct OpenCall {
    pub(crate) call: CallId,
    pub(crate) turn: TurnId,
    /// The task of A2A that its turn is of: its first turn.
    pub(crate) of_task: TurnId,
    pub(crate) agent: AgentId,
    /// What the agent calls its work.
    pub(crate) task: String,
    /// It was answered, and asks again.
    pub(crate) asks_on: bool,
    /// It waits for a sign-in at its own place.
    pub(crate) signs_in: bool,
    /// What it asks.
    pub(crate) question: String,
}

/// Why a call is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Openness {
    Waiting,
    /// It waits for a sign-in at its own place.
    SignIn,
    /// It works on, beyond the time of its turn.
    Working,
    /// Nobody goes on with it, and its agent is to be told.
    GivenUp,
}

impl Openness {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::SignIn => "sign_in",
            Self::Working => "working",
            Self::GivenUp => "given_up",
        }
    }
}

/// One that is due.
#[derive(Clone, Debug)]
pub(crate) struct DueCall {
    pub(crate) call: CallId,
    pub(crate) turn: TurnId,
    pub(crate) conversation: ConversationId,
    pub(crate) agent: AgentId,
    pub(crate) task: String,
    pub(crate) state: Openness,
    pub(crate) failures: u32,
    /// Since its turn was answered.
    pub(crate) open_for: Duration,
    /// Whether the time that it had is over.
    pub(crate) is_late: bool,
}

/// Which ones.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OpenOf {
    Turn(TurnId),
    Conversation(ConversationId),
    Call(CallId),
}

impl Tx {
    /// Those of a conversation, the newest first.
    pub(crate) async fn open_calls(&self, tenant: &TenantId, of: ConversationId) -> Result<Vec<OpenCall>> {
        self.query(sql!("open_calls"), &[&tenant.as_str(), &of.0, &MOST])
            .await?
            .iter()
            .map(open_call)
            .collect()
    }

    /// Nobody goes on with these: their agents are told. How many there were.
    pub(crate) async fn give_up_open_calls(&self, tenant: &TenantId, of: OpenOf) -> Result<u64> {
        let (mut turn, mut conversation, mut call) = (None, None, None);
        match of {
            OpenOf::Turn(id) => turn = Some(id.0),
            OpenOf::Conversation(id) => conversation = Some(id.0),
            OpenOf::Call(id) => call = Some(id.0),
        }
        let values: [&(dyn ToSql + Sync); 4] = [&tenant.as_str(), &turn, &conversation, &call];
        self.execute(sql!("give_up_open_calls"), &values).await
    }

    /// The same for all of a user's but the newest so many.
    pub(crate) async fn give_up_oldest_open_calls(
        &self,
        tenant: &TenantId,
        user: &UserId,
        most: u32,
    ) -> Result<()> {
        let most = i64::from(most);
        self.execute(sql!("give_up_oldest_open_calls"), &[&tenant.as_str(), &user.as_str(), &most])
            .await
            .map(drop)
    }

    /// Takes some that are due for a core, for so long.
    pub(crate) async fn claim_open_calls(
        &self,
        tenant: &TenantId,
        core: Uuid,
        (most, lease): (usize, Duration),
    ) -> Result<Vec<DueCall>> {
        let (most, lease) = (i64::try_from(most).unwrap_or(i64::MAX), lease.as_secs_f64() * 1e3);
        let rows = self.query(sql!("claim_open_calls"), &[&tenant.as_str(), &core, &lease, &most]).await?;
        rows.iter().map(due_call).collect()
    }

    /// Those of a turn that has ended wait with the one that goes on with its task.
    pub(crate) async fn move_open_calls(
        &self,
        tenant: &TenantId,
        calls: &[CallId],
        to: TurnId,
    ) -> Result<()> {
        if calls.is_empty() {
            return Ok(());
        }
        let calls: Vec<_> = calls.iter().map(|call| call.0).collect();
        self.execute(sql!("move_open_calls"), &[&tenant.as_str(), &to.0, &calls]).await.map(drop)
    }

    /// One that a core has taken is looked at again, after that.
    pub(crate) async fn postpone_open_call(
        &self,
        tenant: &TenantId,
        call: CallId,
        core: Uuid,
        pause: Duration,
    ) -> Result<()> {
        let pause = pause.as_secs_f64() * 1e3;
        self.execute(sql!("postpone_open_call"), &[&tenant.as_str(), &call.0, &core, &pause]).await.map(drop)
    }

    /// One that a core has taken is open no more; false when it is that core's no more.
    pub(crate) async fn delete_open_call(&self, tenant: &TenantId, call: CallId, core: Uuid) -> Result<bool> {
        Ok(self.execute(sql!("delete_open_call"), &[&tenant.as_str(), &call.0, &core]).await? > 0)
    }
}

impl Store {
    /// Tenants with open calls that are to be looked at.
    pub(crate) async fn tenants_with_due_open_calls(&self) -> Result<Vec<TenantId>> {
        self.tenants_due(sql!("tenants_with_due_open_calls"), &[]).await
    }
}

fn open_call(row: &Row) -> Result<OpenCall> {
    Ok(OpenCall {
        call: CallId(row.get(0)),
        turn: TurnId(row.get(1)),
        agent: agent(row.get(2))?,
        task: row.get(3),
        asks_on: row.get(4),
        of_task: TurnId(row.get(5)),
        signs_in: row.get(6),
        question: row.get(7),
    })
}

fn due_call(row: &Row) -> Result<DueCall> {
    Ok(DueCall {
        call: CallId(row.get(0)),
        turn: TurnId(row.get(1)),
        conversation: ConversationId(row.get(2)),
        agent: agent(row.get(3))?,
        task: row.get(4),
        state: named("open call", row.get(5))?,
        failures: u32::try_from(row.get::<_, i32>(6)).unwrap_or(0),
        open_for: Duration::try_from_secs_f64(row.get(7)).unwrap_or_default(),
        is_late: row.get(8),
    })
}

fn agent(id: &str) -> Result<AgentId> {
    id.parse().map_err(Error::reading("open call"))
}
