//! Who is asking. The edge verifies the client's token, makes an [`Identity`] of it and signs that; the core
//! believes nothing else. The client's token itself never goes further than the edge.

use crate::{
    ids::{AgentId, Group, KeyId, SessionId, TenantId, UserId},
    keys::{Purpose, SigningKeys},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long a signed identity is good for after the edge made it: long enough for a slow hop and for clocks that
/// differ, too short to keep.
pub const SIGNED_IDENTITY_LIFETIME_S: i64 = 30;

/// After its token has expired a caller may still be listened for this long: a socket waits for a refresh that is on
/// its way, and a stream for the edge to attach again with a fresh token.
pub const EXPIRY_GRACE_S: i64 = 60;

/// The most groups that an agent is for.
pub const MAX_GROUPS: usize = 128;

/// The most groups that a caller is in: Entra ID names up to 200 in a token.
pub const MAX_CALLER_GROUPS: usize = 256;

/// The most characters that the names of a caller's groups have together: so many UUIDs. Signed for the core they stay
/// below the 16 KiB that an HTTP/2 server takes as header fields unless it is told otherwise.
pub const MAX_CALLER_GROUPS_CHARS: usize = MAX_CALLER_GROUPS * 36;

/// A verified caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Whose data the caller may see.
    pub tenant: TenantId,
    /// Who the caller is within the tenant.
    pub user: UserId,
    /// What the caller may do.
    pub roles: BTreeSet<Role>,
    /// The tenant's own groups that the caller is in: what decides which agents the caller may use. A header that was
    /// signed before there were groups has none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<Group>,
    /// The usage policy that holds for the caller.
    pub tier: Tier,
    /// When the token behind this identity expires, in seconds since 1970.
    pub expires_at: i64,
    /// What stands behind it.
    #[serde(default, skip_serializing_if = "Grant::is_plain")]
    pub grant: Grant,
}

/// What stands behind an identity: by this it is taken back, and held to less than its user may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The token's own id (`jti`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Box<str>>,
    /// When it was issued, in seconds since 1970; 0 where the token does not say. It stays at the edge.
    #[serde(skip)]
    pub issued_at: i64,
    /// The session, of somebody who has signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The key, of a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// The only agents that it may use; none given: all that its user may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<BTreeSet<AgentId>>,
}

impl Grant {
    /// Whether a core need not know of it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.token.is_none() && self.session.is_none() && self.key.is_none() && self.agents.is_none()
    }
}

/// A role, from the token's `roles` claim. Unknown roles are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// May hold conversations.
    User,
    /// May register, change and remove agents.
    AgentAdmin,
    /// May do everything within the tenant.
    Admin,
}

impl Role {
    /// Its name in a token.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::AgentAdmin => "agent-admin",
            Self::Admin => "admin",
        }
    }

    /// Reads a role's name; `None` for one that this version does not know.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "user" => Some(Self::User),
            "agent-admin" => Some(Self::AgentAdmin),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// A usage policy, from the token's `tier` claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The smallest.
    Free,
    /// 30 messages a minute unless the edge is configured otherwise.
    #[default]
    Standard,
    /// Larger.
    Premium,
    /// The largest.
    Enterprise,
}

impl Tier {
    /// The tier's name, as in tokens, config and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Standard => "standard",
            Self::Premium => "premium",
            Self::Enterprise => "enterprise",
        }
    }

    /// Reads a tier's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Free, Self::Standard, Self::Premium, Self::Enterprise].into_iter().find(|t| t.name() == name)
    }
}

/// Why a signed identity was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum IdentityError {
    /// Not of the form `payload.signature`.
    #[error("the signed identity is malformed")]
    Malformed,
    /// Signed with another key, for another request, or changed on the way.
    #[error("the signed identity's signature does not match")]
    Signature,
    /// Older than [`SIGNED_IDENTITY_LIFETIME_S`], or from the future.
    #[error("the signed identity is stale")]
    Stale,
    /// The token behind it has expired, more than [`EXPIRY_GRACE_S`] ago.
    #[error("the signed identity's token has expired")]
    Expired,
}

/// The request that an identity is signed for: it is good for no other one.
#[derive(Clone, Copy, Debug)]
pub struct SignedFor<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query, as they stand in the request line.
    pub target: &'a str,
    /// Its id, as in [`headers::REQUEST_ID`](crate::headers::REQUEST_ID).
    pub request_id: &'a str,
}

#[derive(Serialize, Deserialize)]
struct Signed {
    at: i64,
    id: Identity,
}

impl Identity {
    /// Signs this identity for one request to the core: `base64url(payload).base64url(HMAC-SHA256)`. What the request
    /// is, is signed as well, and not repeated.
    ///
    /// # Panics
    /// Never: an identity is always JSON.
    #[must_use]
    pub fn sign(&self, keys: &SigningKeys, now_s: i64, request: SignedFor<'_>) -> String {
        let payload = serde_json::to_vec(&Signed { at: now_s, id: self.clone() })
            .expect("an identity has only string keys, so it is always JSON");
        let payload = URL_SAFE_NO_PAD.encode(payload);
        let signature = keys.sign(Purpose::Identity, &request.with(&payload));
        format!("{payload}.{signature}")
    }

    /// Verifies what [`Identity::sign`] made for this request.
    ///
    /// # Errors
    /// When the header is malformed, was signed with another key or for another request, is stale, or its token has
    /// expired.
    pub fn verify(
        header: &str,
        keys: &SigningKeys,
        now_s: i64,
        request: SignedFor<'_>,
    ) -> Result<Self, IdentityError> {
        let (payload, signature) = header.split_once('.').ok_or(IdentityError::Malformed)?;
        if !keys.verify(Purpose::Identity, &request.with(payload), signature) {
            return Err(IdentityError::Signature);
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| IdentityError::Malformed)?;
        let signed: Signed = serde_json::from_slice(&payload).map_err(|_| IdentityError::Malformed)?;
        if (now_s - signed.at).abs() > SIGNED_IDENTITY_LIFETIME_S {
            return Err(IdentityError::Stale);
        }
        if signed.id.expires_at.saturating_add(EXPIRY_GRACE_S) < now_s {
            return Err(IdentityError::Expired);
        }
        Ok(signed.id)
    }

    /// Whether the caller has the role, or is an admin.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role) || self.roles.contains(&Role::Admin)
    }
}

impl<'a> SignedFor<'a> {
    pub(crate) fn with(self, payload: &'a str) -> [&'a str; 4] {
        [payload, self.method, self.target, self.request_id]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: SignedFor<'_> = SignedFor { method: "GET", target: "/v1/agents?limit=1", request_id: "r1" };

    fn keys() -> SigningKeys {
        SigningKeys::new("key", [])
    }

    fn ann() -> Identity {
        Identity {
            tenant: "acme".parse().unwrap(),
            user: "ann".parse().unwrap(),
            roles: BTreeSet::from([Role::User]),
            groups: BTreeSet::from(["finance".parse().unwrap()]),
            tier: Tier::Standard,
            expires_at: 2_000,
            grant: Grant::default(),
        }
    }

    #[test]
    fn a_signed_identity_comes_back_as_it_was() {
        let header = ann().sign(&keys(), 1_000, LISTS);
        assert_eq!(Identity::verify(&header, &keys(), 1_010, LISTS), Ok(ann()));
    }

    #[test]
    fn an_identity_that_was_signed_before_there_were_groups_has_none() {
        let alone = Identity { groups: BTreeSet::new(), ..ann() };
        let header = alone.sign(&keys(), 1_000, LISTS);
        let payload = URL_SAFE_NO_PAD.decode(header.split_once('.').unwrap().0).unwrap();
        assert!(!String::from_utf8(payload).unwrap().contains("groups"), "it is signed as it was before");
        assert_eq!(Identity::verify(&header, &keys(), 1_000, LISTS), Ok(alone));
    }

    #[test]
    fn the_largest_signed_identity_fits_into_the_header_of_any_server() {
        let group = |i: usize| format!("{i:0>36}").parse().unwrap();
        let many = Identity {
            // Each backslash is two in JSON.
            user: "\\".repeat(255).parse().unwrap(),
            tenant: "t".repeat(64).parse().unwrap(),
            groups: (0..MAX_CALLER_GROUPS).map(group).collect(),
            ..ann()
        };
        let header = many.sign(&keys(), 1_000, LISTS);
        assert!(header.len() < 15_000, "{}", header.len());
        assert_eq!(Identity::verify(&header, &keys(), 1_000, LISTS), Ok(many));
    }

    #[test]
    fn a_changed_foreign_or_old_identity_is_refused() {
        let header = ann().sign(&keys(), 1_000, LISTS);
        assert_eq!(
            Identity::verify(&header, &SigningKeys::new("other", []), 1_000, LISTS),
            Err(IdentityError::Signature)
        );
        assert_eq!(Identity::verify(&header, &keys(), 1_031, LISTS), Err(IdentityError::Stale));
        let mut changed = ann();
        changed.groups.insert("board".parse().unwrap());
        let forged = changed.sign(&keys(), 1_000, LISTS);
        let spliced = format!("{}.{}", forged.split_once('.').unwrap().0, header.split_once('.').unwrap().1);
        assert_eq!(Identity::verify(&spliced, &keys(), 1_000, LISTS), Err(IdentityError::Signature));
        assert_eq!(Identity::verify("x", &keys(), 1_000, LISTS), Err(IdentityError::Malformed));
    }

    #[test]
    fn an_identity_is_good_for_one_request_and_not_after_its_tokens_end() {
        let header = ann().sign(&keys(), 1_000, LISTS);
        for other in [
            SignedFor { method: "POST", ..LISTS },
            SignedFor { target: "/v1/agents", ..LISTS },
            SignedFor { request_id: "r2", ..LISTS },
            SignedFor { method: "GET/v1/agents", target: "?limit=1", ..LISTS },
        ] {
            assert_eq!(Identity::verify(&header, &keys(), 1_000, other), Err(IdentityError::Signature));
        }
        let late = ann().sign(&keys(), 2_061, LISTS);
        assert_eq!(Identity::verify(&late, &keys(), 2_061, LISTS), Err(IdentityError::Expired));
        let grace = ann().sign(&keys(), 2_060, LISTS);
        assert_eq!(Identity::verify(&grace, &keys(), 2_060, LISTS), Ok(ann()));
    }
}
