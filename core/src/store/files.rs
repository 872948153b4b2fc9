//! Files that agents gave, and those that members sent with their messages.

use super::{Tx, sql};
use crate::error::{Error, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use switchboard_shared::{
    api::{FileView, Part},
    ids::{AgentId, CallId, ConversationId, FileId, TenantId, TurnId},
};
use uuid::Uuid;

/// A file to be kept.
#[derive(Clone, Debug)]
pub(crate) struct NewFile {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// Where the files of a call belong.
#[derive(Clone, Copy)]
pub(crate) struct FilePlace<'a> {
    pub(crate) conversation: ConversationId,
    pub(crate) turn: TurnId,
    pub(crate) call: CallId,
    pub(crate) agent: &'a AgentId,
    pub(crate) at: DateTime<Utc>,
}

/// A file with its bytes.
pub(crate) struct FileRow {
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// Whose file an id names.
enum Which {
    /// An agent's.
    Given(Uuid),
    /// A member's: the seq of the message, and its place there.
    Sent(i64, i32),
}

impl NewFile {
    /// What members see.
    pub(crate) fn view(&self, agent: &AgentId) -> FileView {
        FileView {
            id: self.id.to_string().parse().ok(),
            agent: Some(agent.clone()),
            name: self.name.clone(),
            media_type: self.media_type.clone(),
            bytes: self.bytes.len() as u64,
        }
    }
}

/// The id of a file that came with a message.
pub(super) fn sent_id(seq: u64, place: usize) -> Option<FileId> {
    format!("{seq}-{place}").parse().ok()
}

/// An id that is neither kind names nothing.
fn which(id: &FileId) -> Option<Which> {
    if let Ok(id) = id.as_str().parse() {
        return Some(Which::Given(id));
    }
    let (seq, place) = id.as_str().split_once('-')?;
    // An index below 0 would count from the end.
    Some(Which::Sent(seq.parse().ok()?, place.parse().ok().filter(|place| *place >= 0)?))
}

impl Tx {
    /// Keeps a call's files.
    pub(crate) async fn insert_files(
        &self,
        tenant: &TenantId,
        place: FilePlace<'_>,
        files: &[NewFile],
    ) -> Result<()> {
        let FilePlace { conversation, turn, call, agent, at } = place;
        let ids: Vec<_> = files.iter().map(|file| file.id).collect();
        let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
        let types: Vec<_> = files.iter().map(|file| file.media_type.as_str()).collect();
        let contents: Vec<_> = files.iter().map(|file| &*file.bytes).collect();
        self.execute(
            sql!("insert_files"),
            &[
                &tenant.as_str(),
                &conversation.0,
                &turn.0,
                &call.0,
                &agent.as_str(),
                &at,
                &ids,
                &names,
                &types,
                &contents,
            ],
        )
        .await?;
        Ok(())
    }

    /// A file of a conversation; who asks must be known to be a member.
    pub(crate) async fn file(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        id: &FileId,
    ) -> Result<Option<FileRow>> {
        match which(id) {
            None => Ok(None),
            Some(Which::Given(id)) => {
                let row = self.query_opt(sql!("file"), &[&tenant.as_str(), &conversation.0, &id]).await?;
                let file = |row: tokio_postgres::Row| FileRow {
                    name: row.get(0),
                    media_type: row.get(1),
                    bytes: row.get(2),
                };
                Ok(row.map(file))
            }
            Some(Which::Sent(seq, place)) => {
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                    [&tenant.as_str(), &conversation.0, &seq, &place];
                let row = self.query_opt(sql!("message_part"), &values).await?;
                row.and_then(|row| row.get(0)).map(sent).transpose()
            }
        }
    }
}

fn sent(part: serde_json::Value) -> Result<FileRow> {
    let Part { name, media_type, data } = serde_json::from_value(part).map_err(Error::reading("file"))?;
    let bytes = STANDARD.decode(data).map_err(Error::reading("file"))?;
    Ok(FileRow { name, media_type, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_a_file_of_an_agent_or_one_of_a_message_or_nothing() {
        let id = |text: &str| text.parse::<FileId>().ok().as_ref().and_then(which);
        assert!(matches!(id("0197c5a0-6f0e-7c41-9d1c-2b6f0a4f1e01"), Some(Which::Given(_))));
        assert!(matches!(id("12-0"), Some(Which::Sent(12, 0))));
        for nothing in ["12", "12--1", "-", "a-b", "99999999999999999999-1", "../x", ""] {
            assert!(id(nothing).is_none(), "{nothing}");
        }
        assert_eq!(sent_id(7, 3).unwrap().as_str(), "7-3");
    }
}
