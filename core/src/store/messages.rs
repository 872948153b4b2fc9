//! Messages: what members and Switchboard said.

use super::{
    Tx,
    files::sent_id,
    page::{PageSize, Paged},
    sql,
    stored::{Stored, counted},
    tx::Sql,
};
use crate::{
    error::{Error, Result},
    route::ContextMessage,
};
use chrono::{DateTime, Utc};
use std::ops::Range;
use switchboard_shared::{
    api::{Author, FileView, MessageView, Part},
    ids::{AgentId, ClientId, ConversationId, MessageId, TenantId, TurnId, UserId},
};
use tokio_postgres::Row;

/// A message as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct MessageRow {
    pub(crate) id: MessageId,
    pub(crate) seq: u64,
    pub(crate) author: Author,
    pub(crate) text: String,
    /// Its files, without their bytes: [`Tx::message_parts`] reads those of a member, [`Tx::file`] any.
    pub(crate) files: Vec<FileView>,
    pub(crate) turn: TurnId,
    /// The agent whose reply it is, where that came later than its turn's answer.
    pub(crate) agent: Option<AgentId>,
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
            files: self.named_files(),
            turn: Some(self.turn),
            agent: self.agent.clone(),
            client_id: self.client_id.clone(),
            at: self.at,
        }
    }

    /// A member's files have their ids by the message: also those of versions that gave none.
    fn named_files(&self) -> Vec<FileView> {
        let name = |(place, file): (usize, &FileView)| FileView {
            id: file.id.clone().or_else(|| sent_id(self.seq, place)),
            ..file.clone()
        };
        self.files.iter().enumerate().map(name).collect()
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

    /// Stores a message, whose bytes are `whose`; how many there are then. Those of the whole tenant are added up only if
    /// they are asked for.
    pub(crate) async fn insert_message(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        message: &MessageRow,
        (parts, request_hash): (&[Part], Option<&[u8]>),
        (whose, add_up): (&UserId, bool),
    ) -> Result<Stored> {
        let author = match &message.author {
            Author::User(user) => Some(user.as_str()),
            Author::Switchboard => None,
        };
        let parts = serde_json::to_value(parts).map_err(Error::writing("part"))?;
        let files = serde_json::to_value(&message.files).map_err(Error::writing("file"))?;
        let seq = i64::try_from(message.seq).unwrap_or(i64::MAX);
        let client_id = message.client_id.as_ref().map(ClientId::as_str);
        let agent = message.agent.as_ref().map(AgentId::as_str);
        let row = self
            .query_opt(
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
                    &files,
                    &whose.as_str(),
                    &add_up,
                    &agent,
                ],
            )
            .await?;
        Ok(counted(row.as_ref()))
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

    /// The files of a message, with their bytes.
    pub(crate) async fn message_parts(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        at: u64,
    ) -> Result<Vec<Part>> {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        let row = self.query_opt(sql!("message_parts"), &[&tenant.as_str(), &conversation.0, &at]).await?;
        let parts = row.map_or_else(|| Ok(Vec::new()), |row| serde_json::from_value(row.get(0)));
        parts.map_err(Error::reading("part"))
    }

    /// The newest messages of a range, newest first.
    pub(crate) async fn messages_before(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        range: Range<u64>,
        size: PageSize,
    ) -> Result<Paged<MessageRow>> {
        self.messages(sql!("messages_before"), tenant, conversation, range, size).await
    }

    /// The oldest messages of a range, oldest first.
    pub(crate) async fn messages_after(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        range: Range<u64>,
        size: PageSize,
    ) -> Result<Paged<MessageRow>> {
        self.messages(sql!("messages_after"), tenant, conversation, range, size).await
    }

    async fn messages(
        &self,
        sql: Sql,
        tenant: &TenantId,
        conversation: ConversationId,
        range: Range<u64>,
        size: PageSize,
    ) -> Result<Paged<MessageRow>> {
        let after = i64::try_from(range.start).unwrap_or(i64::MAX) - 1;
        let before = i64::try_from(range.end).unwrap_or(i64::MAX);
        let (rows, bytes) = (size.one_more(), size.bytes());
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&tenant.as_str(), &conversation.0, &after, &before, &rows, &bytes];
        size.cut(8, self.query(sql, &values).await?, message)
    }
}

pub(super) fn seq(row: &Row, column: usize) -> u64 {
    u64::try_from(row.get::<_, i64>(column)).unwrap_or(0)
}

pub(super) fn message(row: &Row) -> Result<MessageRow> {
    let author = match row.get::<_, Option<&str>>(2) {
        Some(user) => Author::User(user.parse().map_err(Error::reading("message"))?),
        None => Author::Switchboard,
    };
    Ok(MessageRow {
        id: MessageId(row.get(0)),
        seq: seq(row, 1),
        author,
        text: row.get(3),
        files: serde_json::from_value(row.get(4)).map_err(Error::reading("message"))?,
        turn: TurnId(row.get(5)),
        agent: row.get::<_, Option<&str>>("agent_id").and_then(|id| id.parse().ok()),
        client_id: row.get::<_, Option<&str>>(6).and_then(|id| id.parse().ok()),
        at: row.get(7),
    })
}

/// What members see of a file.
pub(crate) fn file(part: &Part) -> FileView {
    // Base64 holds three bytes in four characters, the padding at the end holds none.
    let bytes = part.data.trim_end_matches('=').len() as u64 * 3 / 4;
    let (name, media_type) = (part.name.clone(), part.media_type.clone());
    FileView { id: None, agent: None, name, media_type, bytes }
}
