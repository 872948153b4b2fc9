//! Whom the development provider lets in.

use crate::topology::issuer::TENANT;
use serde_json::{Value, json};

/// By which name the cores know themselves to it.
pub const CLIENT_ID: &str = "switchboard";

/// Somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: &'static str,
    /// As people read it.
    pub name: &'static str,
    /// What it may do.
    pub roles: &'static [&'static str],
}

/// All of them: one who may do everything, and one who may only talk.
pub const USERS: [User; 2] = [
    User { id: "ann", name: "Ann Archer", roles: &["user", "agent-admin", "admin"] },
    User { id: "bob", name: "Bob Baker", roles: &["user"] },
];

/// Somebody by the id.
#[must_use]
pub(super) fn find(id: &str) -> Option<User> {
    USERS.into_iter().find(|user| user.id == id)
}

impl User {
    /// What is said of them.
    #[must_use]
    pub(super) fn claims(self) -> Value {
        json!({
            "sub": self.id, "name": self.name, "tenant": TENANT, "roles": self.roles,
            "groups": [], "tier": "standard",
        })
    }
}
