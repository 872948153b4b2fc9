//! The development issuer: makes the tokens that the edges of this house accept. Production uses an identity provider.

use super::files;
use crate::error::{Error, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};
use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};
use switchboard_shared::{
    identity::Tier,
    ids::{Group, TenantId, UserId},
};

/// The `iss` of its tokens.
pub const ISSUER: &str = "https://issuer.switchboard.localhost";
/// The `aud` of its tokens.
pub const AUDIENCE: &str = "switchboard";
/// The tenant of a development house.
pub const TENANT: &str = "demo";

/// Whom a token is for.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The user.
    pub user: UserId,
    /// The tenant.
    pub tenant: TenantId,
    /// The roles, by name.
    pub roles: Vec<String>,
    /// The tenant's own groups.
    pub groups: Vec<Group>,
    /// The usage policy.
    pub tier: Tier,
    /// How long it is good for.
    pub lifetime: Duration,
}

impl Claims {
    /// A user of the demo tenant with these roles and in no group, for an hour.
    ///
    /// # Errors
    /// When the name is not a user id.
    pub fn demo(user: &str, roles: &[&str]) -> Result<Self> {
        let invalid = |error: switchboard_shared::ids::InvalidId| Error::Invalid(error.to_string());
        Ok(Self {
            user: user.parse().map_err(invalid)?,
            tenant: TENANT.parse().map_err(invalid)?,
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            groups: Vec::new(),
            tier: Tier::Standard,
            lifetime: Duration::from_secs(3600),
        })
    }
}

/// An Ed25519 key and its key set.
pub struct Issuer {
    key: EncodingKey,
    key_id: String,
    jwks: PathBuf,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("key_id", &self.key_id)
            .field("jwks", &self.jwks)
            .finish_non_exhaustive()
    }
}

impl Issuer {
    /// Takes the key in `folder`, or makes one, and writes the key set beside it.
    ///
    /// # Errors
    /// When the key can be neither read nor made.
    pub fn ensure(folder: &Path) -> Result<Self> {
        files::folder(folder, 0o700)?;
        let path = folder.join("key.pem");
        if !path.is_file() {
            let pair = KeyPair::generate_for(&PKCS_ED25519).map_err(unusable)?;
            files::secret(&path, &pair.serialize_pem())?;
        }
        let (issuer, public) = Self::read(folder)?;
        let set = json!({"keys": [{
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
            "kid": issuer.key_id, "x": URL_SAFE_NO_PAD.encode(public),
        }]});
        files::public(&issuer.jwks, &set.to_string())?;
        Ok(issuer)
    }

    /// Takes the key in `folder`.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::read(folder).map(|(issuer, _)| issuer)
    }

    fn read(folder: &Path) -> Result<(Self, Vec<u8>)> {
        let path = folder.join("key.pem");
        let pem = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
        let pair = KeyPair::from_pem(&pem).map_err(unusable)?;
        let public = pair.public_key_raw().to_vec();
        let key = EncodingKey::from_ed_pem(pem.as_bytes()).map_err(unusable)?;
        let key_id = format!("dev-{}", URL_SAFE_NO_PAD.encode(public.get(..6).unwrap_or_default()));
        Ok((Self { key, key_id, jwks: folder.join("jwks.json") }, public))
    }

    /// The key set's file, for the edges.
    #[must_use]
    pub fn jwks(&self) -> &Path {
        &self.jwks
    }

    /// Makes a token that holds from `now_s` (seconds since 1970).
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, claims: &Claims, now_s: i64) -> Result<String> {
        self.mint(&self.header(), &self.claims(claims, now_s))
    }

    /// The header of its tokens (RFC 9068 §2.1), for tests that change it.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": "EdDSA", "kid": self.key_id})
    }

    /// The claims of its tokens, for tests that change them.
    #[must_use]
    pub fn claims(&self, claims: &Claims, now_s: i64) -> Value {
        let lifetime_s = i64::try_from(claims.lifetime.as_secs()).unwrap_or(i64::MAX);
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": claims.user, "tenant": claims.tenant,
            "roles": claims.roles, "groups": claims.groups, "tier": claims.tier,
            "iat": now_s, "exp": now_s.saturating_add(lifetime_s), "jti": uuid::Uuid::new_v4(),
        })
    }

    /// Signs any header and any claims, whatever they say.
    ///
    /// # Errors
    /// When they cannot be signed.
    pub fn mint(&self, header: &Value, claims: &Value) -> Result<String> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::EdDSA).map_err(unusable)?;
        Ok(format!("{message}.{signature}"))
    }
}

fn unusable(error: impl fmt::Display) -> Error {
    Error::Failed(format!("the development issuer's key cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation, decode, jwk::JwkSet};
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn its_tokens_hold_against_its_key_set_also_after_a_restart() {
        let folder = std::env::temp_dir().join(format!("switchboard-issuer-{}", std::process::id()));
        let now_s = chrono::Utc::now().timestamp();
        Issuer::ensure(&folder).unwrap();
        let issuer = Issuer::open(&folder).unwrap();
        let token = issuer.token(&Claims::demo("ann", &["user"]).unwrap(), now_s).unwrap();
        let set: JwkSet = serde_json::from_slice(&fs::read(issuer.jwks()).unwrap()).unwrap();
        let key = DecodingKey::from_jwk(set.find(&issuer.key_id).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        let claims = decode::<Value>(&token, &key, &validation).unwrap().claims;
        assert_eq!((claims["sub"].as_str(), claims["tier"].as_str()), (Some("ann"), Some("standard")));
        assert_eq!(claims["exp"].as_i64(), Some(now_s + 3600));
        let mode = fs::metadata(folder.join("key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }
}
