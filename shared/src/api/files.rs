//! Files, as they are shown.

use crate::ids::{AgentId, FileId};
use serde::{Deserialize, Serialize};

/// A file of a message or an answer, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// Under which it is found: `GET /v1/conversations/{id}/files/{file_id}`. Absent in events of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<FileId>,
    /// The agent that gave it; absent where a member did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
}
