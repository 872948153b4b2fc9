//! Who is asking. The edge verifies the client's token, makes an [`Identity`] of it and signs that; the core
//! believes nothing else. The client's token itself never goes further than the edge.

use crate::ids::{Group, TenantId, UserId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::BTreeSet;

/// How long a signed identity is good for after the edge made it: long enough for a slow hop, too short to keep.
pub const SIGNED_IDENTITY_LIFETIME_S: i64 = 60;

/// The fewest bytes that a signing key may have (RFC 2104 advises the hash's length).
pub const MIN_KEY_BYTES: usize = 32;

/// The most groups that a caller is in, or that an agent is for. So many of the longest names, signed for the core,
/// stay below the 16 KiB that an HTTP/2 server takes as header fields unless it is told otherwise.
pub const MAX_GROUPS: usize = 128;

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
    /// Signed with another key, or changed on the way.
    #[error("the signed identity's signature does not match")]
    Signature,
    /// Older than [`SIGNED_IDENTITY_LIFETIME_S`], or from the future.
    #[error("the signed identity is stale")]
    Stale,
}

#[derive(Serialize, Deserialize)]
struct Signed {
    at: i64,
    id: Identity,
}

impl Identity {
    /// Signs this identity for the core: `base64url(payload).base64url(HMAC-SHA256)`.
    #[must_use]
    pub fn sign(&self, key: &[u8], now_s: i64) -> String {
        let payload = serde_json::to_vec(&Signed { at: now_s, id: self.clone() })
            .expect("an identity has only string keys, so it is always JSON");
        let payload = URL_SAFE_NO_PAD.encode(payload);
        let signature = URL_SAFE_NO_PAD.encode(mac(key, &payload).finalize().into_bytes());
        format!("{payload}.{signature}")
    }

    /// Verifies what [`Identity::sign`] made.
    ///
    /// # Errors
    /// When the header is malformed, was signed with another key, or is stale.
    pub fn verify(header: &str, key: &[u8], now_s: i64) -> Result<Self, IdentityError> {
        let (payload, signature) = header.split_once('.').ok_or(IdentityError::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| IdentityError::Malformed)?;
        mac(key, payload).verify_slice(&signature).map_err(|_| IdentityError::Signature)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| IdentityError::Malformed)?;
        let signed: Signed = serde_json::from_slice(&payload).map_err(|_| IdentityError::Malformed)?;
        if (now_s - signed.at).abs() > SIGNED_IDENTITY_LIFETIME_S {
            return Err(IdentityError::Stale);
        }
        Ok(signed.id)
    }

    /// Whether the caller has the role, or is an admin.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role) || self.roles.contains(&Role::Admin)
    }
}

fn mac(key: &[u8], payload: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length (RFC 2104)");
    mac.update(payload.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Identity {
        Identity {
            tenant: "acme".parse().unwrap(),
            user: "ann".parse().unwrap(),
            roles: BTreeSet::from([Role::User]),
            groups: BTreeSet::from(["finance".parse().unwrap()]),
            tier: Tier::Standard,
            expires_at: 2_000,
        }
    }

    #[test]
    fn a_signed_identity_comes_back_as_it_was() {
        let header = ann().sign(b"key", 1_000);
        assert_eq!(Identity::verify(&header, b"key", 1_010), Ok(ann()));
    }

    #[test]
    fn an_identity_that_was_signed_before_there_were_groups_has_none() {
        let alone = Identity { groups: BTreeSet::new(), ..ann() };
        let header = alone.sign(b"key", 1_000);
        let payload = URL_SAFE_NO_PAD.decode(header.split_once('.').unwrap().0).unwrap();
        assert!(!String::from_utf8(payload).unwrap().contains("groups"), "it is signed as it was before");
        assert_eq!(Identity::verify(&header, b"key", 1_000), Ok(alone));
    }

    #[test]
    fn the_largest_signed_identity_fits_into_the_header_of_any_server() {
        let group = |i: usize| format!("{i:0>64}").parse().unwrap();
        let many = Identity {
            user: "u".repeat(128).parse().unwrap(),
            tenant: "t".repeat(64).parse().unwrap(),
            groups: (0..MAX_GROUPS).map(group).collect(),
            ..ann()
        };
        let header = many.sign(b"key", 1_000);
        assert!(header.len() < 13_000, "{}", header.len());
        assert_eq!(Identity::verify(&header, b"key", 1_000), Ok(many));
    }

    #[test]
    fn a_changed_foreign_or_old_identity_is_refused() {
        let header = ann().sign(b"key", 1_000);
        assert_eq!(Identity::verify(&header, b"other", 1_000), Err(IdentityError::Signature));
        assert_eq!(Identity::verify(&header, b"key", 1_061), Err(IdentityError::Stale));
        let mut changed = ann();
        changed.groups.insert("board".parse().unwrap());
        let forged = changed.sign(b"key", 1_000);
        let spliced = format!("{}.{}", forged.split_once('.').unwrap().0, header.split_once('.').unwrap().1);
        assert_eq!(Identity::verify(&spliced, b"key", 1_000), Err(IdentityError::Signature));
        assert_eq!(Identity::verify("x", b"key", 1_000), Err(IdentityError::Malformed));
    }
}
