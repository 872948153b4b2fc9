//! Session tokens: access tokens (RFC 9068) that the cores sign, good for some minutes, for edges to verify like any
//! other.

use crate::error::{Error, Result};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use serde::Serialize;
use std::{collections::BTreeSet, time::Duration};
use switchboard_a2a::signed::Signing;
use switchboard_shared::{
    config::Secret,
    identity::{Role, Tier},
    ids::{Group, SessionId, TenantId, UserId},
};
use uuid::Uuid;

/// Signs with the first key of the configuration.
pub(crate) struct Signer {
    key: EncodingKey,
    header: Header,
    issuer: String,
    audience: String,
    lifetime: Duration,
}

/// A key of the configuration that is none.
#[derive(Debug, thiserror::Error)]
#[error("login.keys: number {number} is no private key of the curve P-256 in PEM (PKCS 8): {source}")]
pub(crate) struct UnusableKey {
    number: usize,
    source: jsonwebtoken::errors::Error,
}

/// Whom a session token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bearer<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) user: &'a UserId,
    pub(crate) roles: &'a BTreeSet<Role>,
    pub(crate) groups: &'a BTreeSet<Group>,
    pub(crate) tier: Tier,
    pub(crate) session: SessionId,
}

/// A session token.
pub(crate) struct SessionToken {
    pub(crate) text: String,
    /// In seconds since 1970.
    pub(crate) expires_at: i64,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a UserId,
    tenant: &'a TenantId,
    roles: &'a BTreeSet<Role>,
    groups: &'a BTreeSet<Group>,
    tier: Tier,
    sid: SessionId,
    jti: Uuid,
    iat: i64,
    exp: i64,
}

impl Signer {
    pub(crate) fn new(
        keys: &[Secret],
        issuer: &str,
        audience: &str,
        lifetime: Duration,
    ) -> Result<Option<Self>, UnusableKey> {
        let Some(first) = keys.first() else { return Ok(None) };
        // Each is looked at, so that none is found to be wrong when it is needed.
        let set = key_set(keys)?;
        let (key, _) = read(first, 1)?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = set.keys.first().and_then(|key| key.common.key_id.clone());
        let (issuer, audience) = (issuer.to_owned(), audience.to_owned());
        Ok(Some(Self { key, header, issuer, audience, lifetime }))
    }

    /// Signs a token that holds from `now_s` on, and no longer than its session.
    pub(crate) fn token(&self, of: &Bearer<'_>, now_s: i64, until_s: i64) -> Result<SessionToken> {
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let expires_at = now_s.saturating_add(lifetime).min(until_s);
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.audience,
            sub: of.user,
            tenant: of.tenant,
            roles: of.roles,
            groups: of.groups,
            tier: of.tier,
            sid: of.session,
            jti: Uuid::now_v7(),
            iat: now_s,
            exp: expires_at,
        };
        let text = jsonwebtoken::encode(&self.header, &claims, &self.key);
        Ok(SessionToken { text: text.map_err(Error::writing("session token"))?, expires_at })
    }
}

impl Signer {
    /// The same key for cards.
    pub(super) fn signing<'a>(&'a self, jku: &'a str) -> Signing<'a> {
        Signing { key: &self.key, algorithm: self.header.alg, kid: self.kid(), jku }
    }

    pub(super) fn kid(&self) -> &str {
        self.header.kid.as_deref().unwrap_or_default()
    }
}

/// The public halves of the keys, as edges read them (RFC 7517); each is called by its thumbprint (RFC 7638).
pub(crate) fn key_set(keys: &[Secret]) -> Result<JwkSet, UnusableKey> {
    let public = (1..).zip(keys).map(|(number, key)| Ok(read(key, number)?.1));
    Ok(JwkSet { keys: public.collect::<Result<_, _>>()? })
}

fn read(key: &Secret, number: usize) -> Result<(EncodingKey, Jwk), UnusableKey> {
    let unusable = |source| UnusableKey { number, source };
    let key = EncodingKey::from_ec_pem(key.expose().as_bytes()).map_err(unusable)?;
    let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(unusable)?;
    public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).map_err(unusable)?);
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok((key, public))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    /// Drawn for tests alone: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
    pub(crate) const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgyTg5VcZc7uLfjItV
qy4SwlEplnl1tJXP76V54D2m2SuhRANCAARBMueRtt2uYvCkdbYpSxpEVMAOiUcn
FGTr2cVCkNKZZh8ZVT2TutPPlgeQ0vDThJoqV5uHAV/vy85D4vDOMbIv
-----END PRIVATE KEY-----";

    fn keys(texts: &[&str]) -> Vec<Secret> {
        texts.iter().map(|text| Secret::new((*text).to_owned())).collect()
    }

    #[test]
    fn a_token_holds_against_the_set_that_edges_are_given_and_ends_with_its_session() {
        let keys = keys(&[KEY]);
        let signer = Signer::new(&keys, "i", "a", Duration::from_secs(300)).unwrap().unwrap();
        let (tenant, user) = ("acme".parse().unwrap(), "ann".parse().unwrap());
        let (roles, groups, session) = ([Role::User].into(), BTreeSet::new(), SessionId::new());
        let of = Bearer {
            tenant: &tenant,
            user: &user,
            roles: &roles,
            groups: &groups,
            tier: Tier::Free,
            session,
        };
        let now_s = chrono::Utc::now().timestamp();
        let token = signer.token(&of, now_s, now_s + 1_000).unwrap();
        assert_eq!(token.expires_at, now_s + 300);
        let set = key_set(&keys).unwrap();
        let kid = jsonwebtoken::decode_header(&token.text).unwrap().kid.unwrap();
        let key = DecodingKey::from_jwk(set.find(&kid).unwrap()).unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&["a"]);
        rules.set_issuer(&["i"]);
        let claims = jsonwebtoken::decode::<Value>(&token.text, &key, &rules).unwrap().claims;
        assert_eq!((claims["sub"].as_str(), claims["tier"].as_str()), (Some("ann"), Some("free")));
        assert_eq!(claims["sid"], session.to_string());
        assert_eq!(signer.token(&of, now_s, now_s + 10).unwrap().expires_at, now_s + 10);
        assert!(!serde_json::to_string(&set).unwrap().contains("\"d\""), "the private half stays here");
    }

    #[test]
    fn a_key_that_is_none_is_named_by_its_number() {
        assert!(Signer::new(&[], "i", "a", Duration::from_secs(1)).unwrap().is_none());
        let error = Signer::new(&keys(&[KEY, "x"]), "i", "a", Duration::from_secs(1)).err().unwrap();
        assert!(error.to_string().contains("number 2"), "{error}");
    }
}
