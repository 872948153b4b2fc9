//! What those see who look after a tenant: who is here, who did what, and how much is used.

use crate::{
    identity::{Role, Tier},
    ids::{Group, UserId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Somebody who has been here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// Who.
    pub user: UserId,
    /// What their last token said; absent where none has come since this is written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<BTreeSet<Role>>,
    /// The same of their groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<Group>>,
    /// The same of their tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// When they first came.
    pub first_seen: DateTime<Utc>,
    /// When they last came, to a quarter of an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<DateTime<Utc>>,
    /// When the last turn of theirs ended; absent where they have asked nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_turn: Option<DateTime<Utc>>,
    /// What their messages hold, with files and answers.
    pub stored_bytes: u64,
}

/// One row of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its place, without gaps.
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What was done, such as `agent.registered`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// What else is known of it.
    pub detail: Value,
}

/// What a search in the audit has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// Newest first.
    pub items: Vec<AuditEntry>,
    /// Where to go on; a page may be empty and have one, since each looks at so many rows and no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How far back it has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_to: Option<DateTime<Utc>>,
}

/// One row of an exported audit, with what its hash was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Its place, without gaps.
    pub seq: u64,
    /// When, to the microsecond.
    pub at: String,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// JSON as it was hashed.
    pub detail: String,
    /// SHA-256 in hexadecimal.
    pub hash: String,
}

/// What is wrong with a row of the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditFault {
    /// There is another row in its place, or none.
    Missing,
    /// It is not what was hashed, or the row before it is not.
    Changed,
    /// The row from which on to check is not the one that was found good before.
    Anchor,
    /// It is the last one, and not the one that the chain's head names.
    Head,
}

/// Where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditBreak {
    /// The row.
    pub seq: u64,
    /// What is wrong with it.
    pub fault: AuditFault,
}

/// What came of checking the audit's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCheck {
    /// Whether nothing is wrong as far as it was checked.
    pub ok: bool,
    /// How many rows were checked.
    pub checked: u64,
    /// The last row that is good; 0 where there is none.
    pub to: u64,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    /// The last row that there is.
    pub head: u64,
    /// That row and its hash: `after` of a check that goes on from there, also much later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// Whether all was checked; else the next check goes on at the anchor.
    pub complete: bool,
    /// Where it is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<AuditBreak>,
}

/// What was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Messages that were answered.
    pub turns: u64,
    /// How often agents were asked for that.
    pub calls: u64,
    /// Tokens that LLMs read.
    pub llm_input_tokens: u64,
    /// Tokens that LLMs wrote.
    pub llm_output_tokens: u64,
}

/// What one user uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserUsage {
    /// Who.
    pub user: UserId,
    /// As their last token said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// What their messages hold now, with files and answers.
    pub stored_bytes: u64,
    /// In the time that was asked about.
    #[serde(flatten)]
    pub used: Used,
}

/// What users of a tier may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierBudget {
    /// The tier.
    pub tier: Tier,
    /// Plans, lessons, trials, replays and drafts of each user in a minute, on each core.
    pub costly_per_minute: u32,
}

/// How users are listed by what they use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsageOrder {
    /// Who had the most messages answered comes first.
    #[default]
    Turns,
    /// Whose messages hold the most bytes.
    Stored,
    /// For whom LLMs read and wrote the most.
    Tokens,
}

impl UsageOrder {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Stored => "stored",
            Self::Tokens => "tokens",
        }
    }
}

/// What a tenant uses, and who of it the most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageView {
    /// Since when turns, calls and tokens are counted here.
    pub from: DateTime<Utc>,
    /// All users together.
    pub used: Used,
    /// Users who have been here, ever.
    pub users: u64,
    /// What all messages hold now, with files and answers.
    pub stored_bytes: u64,
    /// What they may hold; absent where nothing bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
    /// What those of one user may hold; absent where nothing bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_quota_bytes: Option<u64>,
    /// By tier.
    pub budgets: Vec<TierBudget>,
    /// The first by the order that was asked for.
    pub items: Vec<UserUsage>,
}
