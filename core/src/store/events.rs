//! The log: durable events with gap-free numbers.

use super::{
    Tx,
    page::{PageSize, Paged},
    sql,
};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;
use switchboard_shared::{
    events::{Event, EventBody},
    ids::{ConversationId, TenantId, TurnId},
};
use tokio_postgres::{Row, types::Json};

/// Where events go, and when they happened.
#[derive(Clone, Copy)]
pub(crate) struct NewEvent {
    pub(crate) conversation: ConversationId,
    pub(crate) turn: Option<TurnId>,
    pub(crate) at: DateTime<Utc>,
}

impl Tx {
    /// Takes the next `count` numbers of a conversation; the first of them. `None` if the conversation is gone.
    pub(crate) async fn advance_seq(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        count: i64,
    ) -> Result<Option<u64>> {
        let row = self.query_opt(sql!("advance_seq"), &[&tenant.as_str(), &id.0, &count]).await?;
        Ok(row.and_then(|row| u64::try_from(row.get::<_, i64>(0) - count + 1).ok()))
    }

    /// Writes events under numbers that [`Tx::advance_seq`] gave, from `first` on.
    pub(crate) async fn insert_events(
        &self,
        tenant: &TenantId,
        new: NewEvent,
        first: u64,
        bodies: Vec<EventBody>,
    ) -> Result<Vec<Event>> {
        let mut events = Vec::with_capacity(bodies.len());
        let mut seqs = Vec::with_capacity(bodies.len());
        for (seq, body) in (first..).zip(bodies) {
            seqs.push(i64::try_from(seq).map_err(Error::writing("seq"))?);
            events.push(Event {
                conversation: new.conversation,
                seq: Some(seq),
                turn: new.turn,
                at: new.at,
                body,
            });
        }
        let (turn, values) = (new.turn.map(|turn| turn.0), events.iter().map(|event| Json(&event.body)));
        let values: Vec<_> = values.collect();
        self.execute(
            sql!("insert_events"),
            &[&tenant.as_str(), &new.conversation.0, &turn, &new.at, &seqs, &values],
        )
        .await?;
        Ok(events)
    }

    /// Appends events at the end of the log. An empty result means that the conversation is gone.
    pub(crate) async fn append_events(
        &self,
        tenant: &TenantId,
        new: NewEvent,
        bodies: Vec<EventBody>,
    ) -> Result<Vec<Event>> {
        let count = i64::try_from(bodies.len()).unwrap_or(i64::MAX);
        match self.advance_seq(tenant, new.conversation, count).await? {
            Some(first) => self.insert_events(tenant, new, first, bodies).await,
            None => Ok(Vec::new()),
        }
    }

    pub(crate) async fn events_after(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        after: u64,
        size: PageSize,
    ) -> Result<Paged<Event>> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let (rows, bytes) = (size.one_more(), size.bytes());
        let rows =
            self.query(sql!("events_after"), &[&tenant.as_str(), &id.0, &after, &rows, &bytes]).await?;
        size.cut(4, rows, |row| event(id, row))
    }

    /// The oldest event that is kept.
    pub(crate) async fn oldest_event(&self, tenant: &TenantId, id: ConversationId) -> Result<Option<u64>> {
        let row = self.query_opt(sql!("oldest_event"), &[&tenant.as_str(), &id.0]).await?;
        Ok(row.and_then(|row| row.get::<_, Option<i64>>(0)).and_then(|seq| u64::try_from(seq).ok()))
    }

    /// Deletes events that are older than that, so many at most, the oldest first; how many.
    pub(crate) async fn delete_old_events(
        &self,
        tenant: &TenantId,
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<u64> {
        self.execute(sql!("delete_old_events"), &[&tenant.as_str(), &before, &limit]).await
    }
}

fn event(conversation: ConversationId, row: &Row) -> Result<Event> {
    let body: Value = row.get(2);
    Ok(Event {
        conversation,
        seq: u64::try_from(row.get::<_, i64>(0)).ok(),
        turn: row.get::<_, Option<uuid::Uuid>>(1).map(TurnId),
        at: row.get(3),
        body: serde_json::from_value(body).map_err(Error::reading("event"))?,
    })
}
