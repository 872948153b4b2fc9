//! Signing in and out, keys for programs, and what is taken back.

use crate::{
    identity::{Identity, Role, Tier},
    ids::{AgentId, Group, KeyId, SessionId, TenantId, UserId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// `GET /auth/me`: who has signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The user's id.
    pub user: UserId,
    /// As people read it.
    pub name: String,
    /// The tenant.
    pub tenant: TenantId,
    /// What the user may do.
    pub roles: BTreeSet<Role>,
    /// The tenant's own groups that the user is in.
    pub groups: BTreeSet<Group>,
    /// The usage policy.
    pub tier: Tier,
    /// Until when the token is good; a new one comes by `POST /auth/refresh`.
    pub expires_at: DateTime<Utc>,
    /// The session; absent for who comes with a token of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
}

/// `GET /auth/providers`: with whom one can sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderList {
    /// Empty: sign-in is not set up.
    pub providers: Vec<ProviderView>,
}

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderView {
    /// As `GET /auth/login?provider=…` names it.
    pub id: String,
    /// As people read it.
    pub name: String,
    /// Whether it is for development: anybody is let in.
    pub development: bool,
    /// Whom it lets in, if it is for development.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
}

/// `POST /auth/logout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOut {
    /// Whether all sessions of the user end.
    #[serde(default)]
    pub everywhere: bool,
}

/// The answer of `POST /auth/logout`, where the provider is to be signed out of as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOut {
    /// The provider's address for that, to which the browser goes next; it comes back to the page.
    pub to: String,
}

/// `GET /auth/sessions`: where the user has signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    /// The newest first.
    pub sessions: Vec<SessionView>,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub seen_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub current: bool,
    /// The browser, as it calls itself.
    pub client: String,
}

/// `POST /v1/keys`: a key for a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// Its roles, of those that its user has; absent: all of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<BTreeSet<Role>>,
    /// The only agents that it may use; absent: all that its user may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<BTreeSet<AgentId>>,
    /// When it ends; absent: when it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key that was just made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKeyView {
    /// The key itself, which is said this once.
    pub key: String,
    /// What is kept of it.
    #[serde(flatten)]
    pub view: KeyView,
}

/// `GET /v1/keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyList {
    /// The newest first.
    pub keys: Vec<KeyView>,
}

/// A key, without itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Its id.
    pub id: KeyId,
    /// What it is for.
    pub name: String,
    /// Whose it is.
    pub user: UserId,
    /// Its roles.
    pub roles: BTreeSet<Role>,
    /// The only agents that it may use; absent: all that its user may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<BTreeSet<AgentId>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// `POST /v1/tickets`: lets a socket in, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The ticket.
    pub ticket: String,
    /// For how long it is good, in seconds.
    pub expires_in_s: u32,
}

/// What an edge asks of a core: whose key or ticket this is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// As a client showed it.
    pub secret: String,
}

/// What a core says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanged {
    /// Whom it stands for.
    pub identity: Identity,
    /// When it was made, in seconds since 1970.
    pub issued_at: i64,
}

/// What can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevokedKind {
    /// One token, by its `jti`.
    Token,
    /// Whatever a user was given until then.
    User,
    /// A session.
    Session,
    /// A key.
    Key,
}

impl RevokedKind {
    /// Its name in rows and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::User => "user",
            Self::Session => "session",
            Self::Key => "key",
        }
    }

    /// Reads its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Token, Self::User, Self::Session, Self::Key].into_iter().find(|kind| kind.name() == name)
    }
}

/// `POST /v1/revocations`: takes something back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// What.
    pub kind: RevokedKind,
    /// Which: a token's `jti`, a user's, session's or key's id.
    pub id: String,
}

/// What edges refuse from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Whose.
    pub tenant: TenantId,
    /// Its own id.
    pub id: Uuid,
    /// What.
    pub kind: RevokedKind,
    /// Which.
    pub subject: String,
    /// When it was taken back.
    pub at: DateTime<Utc>,
    /// When nothing is left that it could be about.
    pub until: DateTime<Utc>,
}

/// What a core tells an edge was taken back since it asked last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationList {
    /// The oldest first.
    pub revocations: Vec<Revocation>,
    /// Whether there are more.
    pub more: bool,
}
