//! Messages: what members and Switchboard said.

use super::{Tx, sql};
use crate::{
    error::{Error, Result},
    route::ContextMessage,
};
use chrono::{DateTime, Utc};
use switchboard_shared::{
    api::{Author, FileView, MessageView, Part},
    ids::{ClientId, ConversationId, MessageId, TenantId, TurnId, UserId},
};
use tokio_postgres::Row;

/// A message as it is stored.
pub(crate) struct MessageRow {
    pub(crate) id: MessageId,
    pub(crate) seq: u64,
    pub(crate) author: Author,
    pub(crate) text: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) turn: TurnId,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) at: DateTime<Utc>,
}

impl MessageRow {
    /// What members see: names of files, not their bytes.
    pub(crate) fn view(&self) -> MessageView {
        MessageView {
            id: self.id,
            seq: self.seq,
            author: self.author.clone(),
            text: self.text.clone(),
            files: self.parts.iter().map(file).collect(),
            turn: Some(self.turn),
            client_id: self.client_id.clone(),
            at: self.at,
        }
    }
}

/// A message as those who read it later get it.
impl From<MessageRow> for ContextMessage {
    fn from(row: MessageRow) -> Self {
        let author = match row.author {
            Author::User(user) => user.to_string(),
            Author::Switchboard => "switchboard".to_owned(),
        };
        Self { author, text: row.text }
    }
}

/// A message that was sent before under the same client id.
pub(crate) struct SentBefore {
    pub(crate) id: MessageId,
    pub(crate) seq: u64,
    pub(crate) turn: TurnId,
    pub(crate) request_hash: Vec<u8>,
}

impl Tx {
    pub(crate) async fn message_by_client_id(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        author: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<SentBefore>> {
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&tenant.as_str(), &conversation.0, &author.as_str(), &client_id.as_str()];
        let row = self.query_opt(sql!("message_by_client_id"), &values).await?;
        Ok(row.map(|row| SentBefore {
            id: MessageId(row.get(0)),
            seq: seq(&row, 1),
            turn: TurnId(row.get(2)),
            request_hash: row.get::<_, Option<Vec<u8>>>(3).unwrap_or_default(),
        }))
    }

    pub(crate) async fn insert_message(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        message: &MessageRow,
        request_hash: Option<&[u8]>,
    ) -> Result<()> {
        let author = match &message.author {
            Author::User(user) => Some(user.as_str()),
            Author::Switchboard => None,
        };
        let parts = serde_json::to_value(&message.parts);
        let parts = parts.map_err(|e| Error::Row { what: "part", reason: e.to_string() })?;
        let seq = i64::try_from(message.seq).unwrap_or(i64::MAX);
        let client_id = message.client_id.as_ref().map(ClientId::as_str);
        self.execute(
            sql!("insert_message"),
            &[
                &tenant.as_str(),
                &conversation.0,
                &seq,
                &message.id.0,
                &author,
                &message.text,
                &parts,
                &message.turn.0,
                &client_id,
                &request_hash,
                &message.at,
            ],
        )
        .await?;
        Ok(())
    }

    pub(crate) async fn message(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        at: u64,
    ) -> Result<Option<MessageRow>> {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        let row = self.query_opt(sql!("message"), &[&tenant.as_str(), &conversation.0, &at]).await?;
        row.as_ref().map(message).transpose()
    }

    /// The newest messages before `before`, newest first.
    pub(crate) async fn messages_before(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        before: u64,
        limit: i64,
    ) -> Result<Vec<MessageRow>> {
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        let rows = self
            .query(sql!("messages_before"), &[&tenant.as_str(), &conversation.0, &before, &limit])
            .await?;
        rows.iter().map(message).collect()
    }

    /// The oldest messages after `after`, oldest first.
    pub(crate) async fn messages_after(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        after: u64,
        limit: i64,
    ) -> Result<Vec<MessageRow>> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let rows =
            self.query(sql!("messages_after"), &[&tenant.as_str(), &conversation.0, &after, &limit]).await?;
        rows.iter().map(message).collect()
    }
}

pub(super) fn seq(row: &Row, column: usize) -> u64 {
    u64::try_from(row.get::<_, i64>(column)).unwrap_or(0)
}

fn message(row: &Row) -> Result<MessageRow> {
    let broken = |reason: String| Error::Row { what: "message", reason };
    let author = match row.get::<_, Option<&str>>(2) {
        Some(user) => {
            Author::User(user.parse().map_err(|e: switchboard_shared::ids::InvalidId| broken(e.to_string()))?)
        }
        None => Author::Switchboard,
    };
    Ok(MessageRow {
        id: MessageId(row.get(0)),
        seq: seq(row, 1),
        author,
        text: row.get(3),
        parts: serde_json::from_value(row.get(4)).map_err(|e| broken(e.to_string()))?,
        turn: TurnId(row.get(5)),
        client_id: row.get::<_, Option<&str>>(6).and_then(|id| id.parse().ok()),
        at: row.get(7),
    })
}

fn file(part: &Part) -> FileView {
    // Base64 holds three bytes in four characters, the padding at the end holds none.
    let bytes = part.data.trim_end_matches('=').len() as u64 * 3 / 4;
    FileView { name: part.name.clone(), media_type: part.media_type.clone(), bytes }
}
