//! Turns: work in progress, as rows, so that any core can take it up.

use super::{
    Tx,
    agents::{group_names, groups},
    messages::seq,
    sql,
};
use crate::{
    access::Reach,
    error::{Error, Result},
};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use switchboard_shared::{
    events::{Mode, Plan, TurnState, Usage},
    ids::{AgentId, ConversationId, MessageId, TenantId, TurnId, UserId},
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

/// A turn that a message begins.
pub(crate) struct NewTurn<'a> {
    pub(crate) id: TurnId,
    pub(crate) conversation: ConversationId,
    pub(crate) message: MessageId,
    pub(crate) message_seq: u64,
    pub(crate) user: &'a UserId,
    /// Which agents its user reaches.
    pub(crate) reach: &'a Reach,
    pub(crate) chosen: &'a [AgentId],
    pub(crate) owner: Uuid,
    pub(crate) hops: u32,
    pub(crate) traceparent: &'a str,
    pub(crate) at: DateTime<Utc>,
    pub(crate) task: Option<TurnId>,
    pub(crate) continues: Option<TurnId>,
}

/// A turn as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct TurnRow {
    pub(crate) id: TurnId,
    pub(crate) conversation: ConversationId,
    pub(crate) message: MessageId,
    pub(crate) message_seq: u64,
    pub(crate) user: UserId,
    /// Which agents its user reached when the message was accepted.
    pub(crate) reach: Reach,
    pub(crate) chosen: Vec<AgentId>,
    pub(crate) state: TurnState,
    pub(crate) attempt: u32,
    pub(crate) plan: Option<Plan>,
    pub(crate) hops: u32,
    pub(crate) traceparent: String,
    pub(crate) answer: Option<String>,
    pub(crate) degraded: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) usage: Usage,
    pub(crate) created_at: DateTime<Utc>,
    /// The task of A2A that it belongs to, by its first turn; `None` for clients that know of no tasks.
    pub(crate) task: Option<TurnId>,
    /// The turn whose question it answers, where its client has said so.
    pub(crate) continues: Option<TurnId>,
}

/// The turn before a message.
pub(crate) struct PreviousTurn {
    pub(crate) id: TurnId,
    pub(crate) user: UserId,
    pub(crate) state: TurnState,
    /// Whom it asked.
    pub(crate) plan: Option<Plan>,
    pub(crate) message_seq: u64,
}

impl PreviousTurn {
    /// Whether it asked its user which agent was meant.
    pub(crate) fn clarifies(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.mode == Mode::Clarify)
    }

    /// Whether an agent of it waits for its user.
    pub(crate) fn waits(&self) -> bool {
        self.state == TurnState::InputRequired
    }
}

/// What a step makes of its turn.
#[derive(Clone, Copy)]
pub(crate) enum Change<'a> {
    None,
    Plan(&'a Plan),
    End(&'a FinishedTurn<'a>),
}

/// How a turn ended.
pub(crate) struct FinishedTurn<'a> {
    pub(crate) state: TurnState,
    pub(crate) answer: Option<&'a str>,
    pub(crate) degraded: Option<&'a str>,
    pub(crate) error: Option<&'a str>,
    pub(crate) usage: Usage,
    pub(crate) at: DateTime<Utc>,
}

impl Tx {
    pub(crate) async fn insert_turn(&self, tenant: &TenantId, turn: &NewTurn<'_>) -> Result<()> {
        let chosen: Vec<_> = turn.chosen.iter().map(AgentId::as_str).collect();
        let message_seq = int(turn.message_seq);
        let hops = i32::try_from(turn.hops).unwrap_or(i32::MAX);
        let author_groups = group_names(&turn.reach.groups);
        let only = turn.reach.only.as_ref();
        let author_agents = only.map(|only| only.iter().map(AgentId::as_str).collect::<Vec<_>>());
        self.execute(
            sql!("insert_turn"),
            &[
                &tenant.as_str(),
                &turn.id.0,
                &turn.conversation.0,
                &turn.message.0,
                &message_seq,
                &turn.user.as_str(),
                &chosen,
                &turn.owner,
                &hops,
                &turn.traceparent,
                &turn.at,
                &author_groups,
                &turn.reach.admin,
                &author_agents,
                &turn.task.map(|task| task.0),
                &turn.continues.map(|turn| turn.0),
            ],
        )
        .await?;
        Ok(())
    }

    /// The turn, if `user` is a member of its conversation.
    pub(crate) async fn turn(&self, tenant: &TenantId, id: TurnId, user: &UserId) -> Result<TurnRow> {
        let row = self.query_opt(sql!("turn"), &[&tenant.as_str(), &id.0, &user.as_str()]).await?;
        turn(&row.ok_or_else(Error::not_found)?)
    }

    /// Takes over turns whose core has no lease.
    pub(crate) async fn claim_turns(
        &self,
        tenant: &TenantId,
        owner: Uuid,
        limit: i64,
    ) -> Result<Vec<TurnRow>> {
        let rows = self.query(sql!("claim_turns"), &[&tenant.as_str(), &owner, &limit]).await?;
        rows.iter().map(turn).collect()
    }

    /// Gives a turn back, for another core to take at once.
    pub(crate) async fn release_lease(
        &self,
        tenant: &TenantId,
        id: TurnId,
        owner: Uuid,
        attempt: u32,
    ) -> Result<()> {
        self.execute(sql!("release_lease"), &[&tenant.as_str(), &id.0, &owner, &count(attempt)]).await?;
        Ok(())
    }

    /// Makes sure, until this transaction ends, that the turn is this core's: nobody writes a turn it has lost. With that
    /// the turn is changed, so that its row is written once. `mark` names what is about to be written; false means that it
    /// is there already, from a commit whose answer was lost.
    pub(crate) async fn hold_lease(
        &self,
        tenant: &TenantId,
        (id, attempt): (TurnId, u32),
        owner: Uuid,
        mark: Uuid,
        change: Change<'_>,
    ) -> Result<bool> {
        let attempt = count(attempt);
        let held: [&(dyn ToSql + Sync); 5] = [&tenant.as_str(), &id.0, &owner, &attempt, &mark];
        let held = match change {
            Change::None => self.execute(sql!("hold_lease"), &held).await?,
            Change::Plan(plan) => {
                let plan = serde_json::to_value(plan).map_err(Error::writing("plan"))?;
                let values = [&held[..], &[&plan]].concat();
                self.execute(sql!("hold_lease_with_plan"), &values).await?
            }
            Change::End(end) => self.hold_to_the_end(&held, end).await?,
        };
        if held > 0 {
            return Ok(true);
        }
        let row = self.query_opt(sql!("lease_mark"), &[&tenant.as_str(), &id.0]).await?;
        match row.and_then(|row| row.get::<_, Option<Uuid>>(0)) {
            Some(last) if last == mark => Ok(false),
            _ => Err(Error::LeaseLost),
        }
    }

    async fn hold_to_the_end(&self, held: &[&(dyn ToSql + Sync)], end: &FinishedTurn<'_>) -> Result<u64> {
        let (usage, state) = (&end.usage, end.state.name());
        let (calls, ms) = (count(usage.calls), int(usage.ms));
        let (input, output) = (int(usage.llm_input_tokens), int(usage.llm_output_tokens));
        let ended: [&(dyn ToSql + Sync); 9] =
            [&state, &end.answer, &end.error, &calls, &input, &output, &ms, &end.at, &end.degraded];
        self.execute(sql!("hold_lease_to_the_end"), &[held, &ended].concat()).await
    }

    pub(crate) async fn request_cancel(&self, tenant: &TenantId, id: TurnId) -> Result<()> {
        self.execute(sql!("request_cancel"), &[&tenant.as_str(), &id.0]).await?;
        Ok(())
    }

    /// A turn waits for its user, or for agents that work on, no more; false when it did not.
    pub(crate) async fn give_up_question(&self, tenant: &TenantId, id: TurnId) -> Result<bool> {
        Ok(self.execute(sql!("give_up_question"), &[&tenant.as_str(), &id.0]).await? > 0)
    }

    /// A turn, whoever asks.
    pub(crate) async fn turn_row(&self, tenant: &TenantId, id: TurnId) -> Result<Option<TurnRow>> {
        self.query_opt(sql!("turn_row"), &[&tenant.as_str(), &id.0]).await?.as_ref().map(turn).transpose()
    }

    /// An agent that worked on is done: its turn is in this state now, if it was answered before and no other agent works
    /// on it. How it ended then: it has failed only where nobody has answered it.
    pub(crate) async fn end_late_turn(
        &self,
        tenant: &TenantId,
        id: TurnId,
        (state, error): (TurnState, Option<&str>),
    ) -> Result<Option<(TurnState, Option<String>)>> {
        let values: [&(dyn ToSql + Sync); 4] = [&tenant.as_str(), &id.0, &state.name(), &error];
        let row = self.query_opt(sql!("end_late_turn"), &values).await?;
        row.map(|row| Ok((turn_state(row.get(0))?, row.get(1)))).transpose()
    }

    /// What still worked for a turn that is canceled is so too.
    pub(crate) async fn cancel_working_calls(&self, tenant: &TenantId, id: TurnId) -> Result<()> {
        self.execute(sql!("cancel_working_calls"), &[&tenant.as_str(), &id.0]).await.map(drop)
    }

    pub(crate) async fn running_turns(&self, tenant: &TenantId, id: ConversationId) -> Result<Vec<TurnId>> {
        let rows = self.query(sql!("running_turns"), &[&tenant.as_str(), &id.0]).await?;
        Ok(rows.iter().map(|row| TurnId(row.get(0))).collect())
    }

    /// The turn before the message `before`, but for those in which nothing was said.
    pub(crate) async fn previous_turn(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        before: u64,
    ) -> Result<Option<PreviousTurn>> {
        let row =
            self.query_opt(sql!("previous_turn"), &[&tenant.as_str(), &conversation.0, &int(before)]).await?;
        row.as_ref().map(previous).transpose()
    }

    /// Adds a finished turn to its user's hour.
    pub(crate) async fn add_usage(
        &self,
        tenant: &TenantId,
        user: &UserId,
        at: DateTime<Utc>,
        usage: &Usage,
    ) -> Result<()> {
        let (calls, input, output) =
            (i64::from(usage.calls), int(usage.llm_input_tokens), int(usage.llm_output_tokens));
        self.execute(sql!("add_usage"), &[&tenant.as_str(), &user.as_str(), &at, &calls, &input, &output])
            .await?;
        Ok(())
    }
}

pub(super) fn previous(row: &Row) -> Result<PreviousTurn> {
    let (state, plan) = (turn_state(row.get(1))?, plan(row.get(2))?);
    let user = super::conversations::user(row, 4)?;
    Ok(PreviousTurn { id: TurnId(row.get(0)), user, state, plan, message_seq: seq(row, 3) })
}

pub(super) fn turn(row: &Row) -> Result<TurnRow> {
    let id = Error::reading("turn");
    Ok(TurnRow {
        id: TurnId(row.get("id")),
        conversation: ConversationId(row.get("conversation_id")),
        message: MessageId(row.get("message_id")),
        message_seq: u64::try_from(row.get::<_, i64>("message_seq")).unwrap_or(0),
        user: row.get::<_, &str>("user_id").parse().map_err(id)?,
        reach: Reach {
            admin: row.get("author_is_admin"),
            groups: groups(row.get("author_groups"))?,
            only: row.get::<_, Option<Vec<&str>>>("author_agents").map(agent_ids).transpose()?.map(set),
        },
        chosen: agent_ids(row.get("chosen"))?,
        state: turn_state(row.get("state"))?,
        attempt: u32::try_from(row.get::<_, i32>("attempt")).unwrap_or(1),
        plan: plan(row.get("plan"))?,
        hops: u32::try_from(row.get::<_, i32>("hops")).unwrap_or(0),
        traceparent: row.get("traceparent"),
        answer: row.get("answer"),
        degraded: row.get("degraded"),
        error: row.get("error"),
        usage: Usage {
            calls: u32::try_from(row.get::<_, i32>("calls")).unwrap_or(0),
            llm_input_tokens: u64::try_from(row.get::<_, i64>("llm_input_tokens")).unwrap_or(0),
            llm_output_tokens: u64::try_from(row.get::<_, i64>("llm_output_tokens")).unwrap_or(0),
            ms: u64::try_from(row.get::<_, i64>("ms")).unwrap_or(0),
        },
        created_at: row.get("created_at"),
        task: row.get::<_, Option<Uuid>>("task_id").map(TurnId),
        continues: row.get::<_, Option<Uuid>>("continues").map(TurnId),
    })
}

fn set(agents: Vec<AgentId>) -> BTreeSet<AgentId> {
    agents.into_iter().collect()
}

pub(super) fn agent_ids(names: Vec<&str>) -> Result<Vec<AgentId>> {
    let broken = Error::reading("agent's id");
    names.into_iter().map(|name| name.parse().map_err(broken)).collect()
}

pub(super) fn plan(value: Option<serde_json::Value>) -> Result<Option<Plan>> {
    let plan = value.map(serde_json::from_value).transpose();
    plan.map_err(Error::reading("plan"))
}

fn turn_state(name: &str) -> Result<TurnState> {
    named("turn state", name)
}

pub(super) fn named<T: serde::de::DeserializeOwned>(what: &'static str, name: &str) -> Result<T> {
    serde_json::from_value(name.into()).map_err(Error::reading(what))
}

pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
