//! Conversations, who is in them, and pages of lists.

use crate::ids::{ConversationId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The most characters of a title.
pub const MAX_TITLE_CHARS: usize = 200;
/// The most items of a page.
pub const MAX_PAGE: u32 = 200;

/// `POST /v1/conversations`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateConversation {
    /// Shown in lists; empty means "from the first message".
    #[serde(default)]
    pub title: String,
    /// Who else is in it; the caller always is.
    #[serde(default)]
    pub members: Vec<UserId>,
    /// When Switchboard answers, once several people are in it.
    #[serde(default)]
    pub speaks: Speaks,
}

/// When Switchboard answers in a conversation of several people. Where one person is, it always does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaks {
    /// Whatever is said, but what is said to a member by name.
    Always,
    /// What names an agent, or `@switchboard`, and what is said in reply to its question.
    #[default]
    WhenAsked,
}

/// `PATCH /v1/conversations/{id}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeConversation {
    /// The new title; absent: as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When Switchboard answers from now on; absent: as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaks: Option<Speaks>,
}

/// `POST /v1/conversations/{id}/fork`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    /// The seq of a message: what was said before it comes along.
    pub before: u64,
}

/// `POST /v1/conversations/{id}/members`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// Who.
    pub user: UserId,
}

/// `POST /v1/conversations/{id}/presence`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SayPresence {
    /// What the caller does here.
    pub state: Presence,
}

/// What a member does in a conversation just now, as their client says; it holds until it is said again, or for 40 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Has it before them.
    Here,
    /// Writes.
    Writing,
    /// Has left it.
    Gone,
}

/// Someone in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// `owner` or `member`.
    pub role: MemberRole,
}

/// What a member may do with the conversation itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// May rename and delete it, and add and remove members.
    Owner,
    /// May read and write.
    Member,
}

/// A conversation, as lists and joins show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationSummary {
    /// Its id.
    pub id: ConversationId,
    /// Its title.
    pub title: String,
    /// The seq of its last event.
    pub last_seq: u64,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When something last happened.
    pub updated_at: DateTime<Utc>,
    /// Messages from before then were deleted, as the tenant's retention says; absent when none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten_before: Option<DateTime<Utc>>,
    /// When Switchboard answers, where several people are in it.
    #[serde(default)]
    pub speaks: Speaks,
    /// The conversation that it is a branch of, which may be gone; absent when it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_of: Option<ConversationId>,
    /// Who is in it; absent in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
}

/// A page of a list; `next` asks for the following one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
