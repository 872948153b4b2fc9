//! The checks of one token. The signature is verified by jsonwebtoken; what it leaves to its caller is done here:
//! size, canonical base64url, algorithms by key type, `typ`, no key from the token's own header, doubled JSON keys,
//! exact issuer and audience (RFC 8725, RFC 9068).

use super::{jwks::Keys, strict_json};
use crate::config::AuthConfig;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use switchboard_shared::{
    claims::Unreadable,
    identity::{Grant, Identity},
    ids::UserId,
};

type Object = Map<String, Value>;

/// The longest `jti` by which a token can be taken back alone.
const MAX_TOKEN_ID: usize = 128;

/// Why a token was refused: the metric label. The log says it in words; the client is told no more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each reason says what it is")]
pub enum Refusal {
    #[error("missing")]
    Missing,
    #[error("too_large")]
    TooLarge,
    #[error("malformed")]
    Malformed,
    #[error("header")]
    Header,
    #[error("type")]
    Type,
    #[error("algorithm")]
    Algorithm,
    #[error("key_unknown")]
    KeyUnknown,
    #[error("signature")]
    Signature,
    #[error("issuer")]
    Issuer,
    #[error("audience")]
    Audience,
    #[error("expired")]
    Expired,
    #[error("not_yet_valid")]
    NotYetValid,
    #[error("claims")]
    Claims,
    #[error("tenant")]
    Tenant,
    #[error("user")]
    User,
    #[error("roles")]
    Roles,
    #[error("tier")]
    Tier,
    #[error("groups")]
    Groups,
    #[error("revoked")]
    Revoked,
    #[error("unknown_key")]
    UnknownKey,
    #[error("unavailable")]
    Unavailable,
}

impl From<Unreadable> for Refusal {
    fn from(claim: Unreadable) -> Self {
        match claim {
            Unreadable::Tenant => Self::Tenant,
            Unreadable::Roles => Self::Roles,
            Unreadable::Groups => Self::Groups,
            Unreadable::Tier => Self::Tier,
        }
    }
}

impl Refusal {
    /// The reason in words for the log of the house. Nothing of the token stands in it.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Missing => "there is none, or more than one, or it is not a bearer token",
            Self::TooLarge => "it is larger than auth.max_token_bytes",
            Self::Malformed => "it is not a JWT: three parts in base64url without padding, no key twice",
            Self::Header => "its header names a key, an encryption or a critical extension of its own",
            Self::Type => "it does not say that it is an access token (typ, token_use; auth.untyped)",
            Self::Algorithm => "its algorithm is not EdDSA, ES256 or RS256",
            Self::KeyUnknown => "auth.jwks has no key of this kid for this algorithm, or is too old",
            Self::Signature => "its signature is not good",
            Self::Issuer => "its iss is not auth.issuer",
            Self::Audience => "what auth.claims.audience names is not auth.audience",
            Self::Expired => "it has expired",
            Self::NotYetValid => "its iat or nbf is later than now, by more than auth.skew_s",
            Self::Claims => "its exp is missing, or exp, iat or nbf is no number of seconds",
            Self::Tenant => "auth.claims.tenant leads to no tenant: 1 to 64 of letters, digits, - _ .",
            Self::User => {
                "its sub is not a user's id: 1 to 255 characters that can be seen, with single blanks within"
            }
            Self::Roles => "what auth.claims.roles names is neither a list of texts nor one text",
            Self::Tier => "what auth.claims.tier names is no tier",
            Self::Groups => {
                "what auth.claims.groups names is no list, or lists more than 256 groups, or 9216 characters of them"
            }
            Self::Revoked => "it was taken back: itself, its session, its key or its user",
            Self::UnknownKey => "no core knows this key or this ticket, or it has expired",
            Self::Unavailable => {
                "no core could say in time whose key or ticket it is, or what was taken back"
            }
        }
    }
}

/// A token's parts before its signature is known to be good.
#[derive(Debug)]
pub struct Unverified<'a> {
    /// The key that the token says it was signed with, if it says so (RFC 7515 §4.1.4).
    pub kid: Option<String>,
    /// The algorithm that the token says, one of ours.
    pub algorithm: Algorithm,
    signed: &'a str,
    signature: &'a str,
    claims: Object,
    typed: bool,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// With the first reason to refuse it.
    pub fn parse(token: &'a str, rules: &AuthConfig) -> Result<Self, Refusal> {
        if token.len() > rules.max_token_bytes {
            return Err(Refusal::TooLarge);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed);
        };
        let signed = &token[..header.len() + 1 + claims.len()];
        let header = decode(header)?;
        // jsonwebtoken also takes a signature whose last character has stray bits.
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Malformed)?;
        let typed = header.contains_key("typ");
        if !(typed || rules.untyped) {
            return Err(Refusal::Type);
        }
        let (kid, algorithm) = read_header(&header)?;
        Ok(Self { kid, algorithm, signed, signature, claims: decode(claims)?, typed })
    }

    /// Who says that it is the issuer.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        text(&self.claims, "iss")
    }

    /// Verifies the signature and the claims.
    ///
    /// # Errors
    /// With the first reason to refuse it.
    pub fn verify(&self, keys: &Keys, rules: &AuthConfig, now_s: i64) -> Result<Identity, Refusal> {
        let key = keys.get(self.kid.as_deref(), self.algorithm).ok_or(Refusal::KeyUnknown)?;
        let good = jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), key, self.algorithm);
        if !good.unwrap_or(false) {
            return Err(Refusal::Signature);
        }
        if is_for_something_else(&self.claims, self.typed) {
            return Err(Refusal::Type);
        }
        read_claims(&self.claims, rules, now_s)
    }
}

fn decode(part: &str) -> Result<Object, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)?;
    strict_json::object(&bytes).map_err(|_| Refusal::Malformed)
}

fn read_header(header: &Object) -> Result<(Option<String>, Algorithm), Refusal> {
    const FORBIDDEN: [&str; 9] = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk"];
    if FORBIDDEN.iter().any(|name| header.contains_key(*name)) {
        return Err(Refusal::Header);
    }
    let known = |typ: &str| ["at+jwt", "jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known));
    match header.get("typ") {
        None => {}
        Some(Value::String(typ)) if known(without_application(typ)) => {}
        Some(_) => return Err(Refusal::Type),
    }
    let algorithm = match text(header, "alg").ok_or(Refusal::Algorithm)? {
        "EdDSA" => Algorithm::EdDSA,
        "ES256" => Algorithm::ES256,
        "RS256" => Algorithm::RS256,
        _ => return Err(Refusal::Algorithm),
    };
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) if !kid.is_empty() => Some(kid.clone()),
        Some(_) => return Err(Refusal::KeyUnknown),
    };
    Ok((kid, algorithm))
}

/// A media type may be written without its `application/` (RFC 7515 §4.1.9).
fn without_application(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => &typ[PREFIX.len()..],
        _ => typ,
    }
}

/// Whether the claims say that this is no access token, as Cognito (`token_use`) and Keycloak (`typ`) do. Without a
/// type in the header, what stands in ID tokens alone says it too (OpenID Connect Core §2, §3.3.2.11).
fn is_for_something_else(claims: &Object, typed: bool) -> bool {
    const OF_ID_TOKENS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];
    const OTHERS: [&str; 4] = ["id", "refresh", "offline", "logout"];
    claims.get("token_use").is_some_and(|used| used != "access")
        || text(claims, "typ").is_some_and(|typ| OTHERS.iter().any(|other| typ.eq_ignore_ascii_case(other)))
        || (!typed && OF_ID_TOKENS.iter().any(|name| claims.contains_key(*name)))
}

fn read_claims(claims: &Object, rules: &AuthConfig, now_s: i64) -> Result<Identity, Refusal> {
    if text(claims, "iss") != Some(&rules.issuer) {
        return Err(Refusal::Issuer);
    }
    let for_us = match rules.claims.audience.find(claims) {
        Some(Value::String(audience)) => *audience == rules.audience,
        Some(Value::Array(list)) => list.iter().any(|audience| audience.as_str() == Some(&rules.audience)),
        _ => false,
    };
    if !for_us {
        return Err(Refusal::Audience);
    }
    let expires_at = seconds(claims, "exp", f64::floor)?.ok_or(Refusal::Claims)?;
    if expires_at <= now_s {
        return Err(Refusal::Expired);
    }
    // Both are optional (RFC 7519 §4.1.5, §4.1.6).
    let latest = seconds(claims, "iat", f64::ceil)?.max(seconds(claims, "nbf", f64::ceil)?);
    if latest.is_some_and(|from| from > now_s.saturating_add(rules.skew_s)) {
        return Err(Refusal::NotYetValid);
    }
    let who = rules.mapping().read(claims)?;
    Ok(Identity {
        tenant: who.tenant,
        user: text(claims, "sub").and_then(|sub| sub.parse::<UserId>().ok()).ok_or(Refusal::User)?,
        roles: who.roles,
        groups: who.groups,
        tier: who.tier,
        expires_at,
        grant: Grant {
            token: text(claims, "jti").filter(|id| id.len() <= MAX_TOKEN_ID).map(Into::into),
            issued_at: seconds(claims, "iat", f64::floor)?.unwrap_or(0),
            // Whether this issuer may speak of sessions is for whoever knows it to say.
            session: text(claims, "sid").and_then(|id| id.parse().ok()),
            ..Grant::default()
        },
    })
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// A NumericDate, which may have a fraction (RFC 7519 §2); rounded so that a token is good for no longer than it says.
fn seconds(claims: &Object, name: &str, round: fn(f64) -> f64) -> Result<Option<i64>, Refusal> {
    /// Up to here a float is exact about whole seconds.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Some(value) = claims.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let whole = value.as_i64();
    #[allow(clippy::cast_possible_truncation, reason = "it is rounded, and small enough")]
    let rounded = || value.as_f64().map(round).filter(|at| at.abs() < EXACT).map(|at| at as i64);
    whole.or_else(rounded).map(Some).ok_or(Refusal::Claims)
}
