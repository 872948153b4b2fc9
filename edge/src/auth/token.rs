//! The checks of one token. The signature is verified by jsonwebtoken; what it leaves to its caller is done here:
//! size, canonical base64url, algorithms by key type, `typ`, no key from the token's own header, doubled JSON keys,
//! exact issuer and audience (RFC 8725, RFC 9068).

use super::{jwks::Keys, strict_json};
use crate::config::AuthConfig;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use switchboard_shared::{
    identity::{Identity, MAX_GROUPS, Role, Tier},
    ids::Group,
};

type Object = Map<String, Value>;

/// Why a token was refused: the metric label, and no more than that is told to anyone.
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
    #[error("groups")]
    Groups,
}

/// A token's parts before its signature is known to be good.
#[derive(Debug)]
pub struct Unverified<'a> {
    /// The key that the token says it was signed with.
    pub kid: String,
    /// The algorithm that the token says, one of ours.
    pub algorithm: Algorithm,
    signed: &'a str,
    signature: &'a str,
    claims: Object,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// With the first reason to refuse it.
    pub fn parse(token: &'a str, max_bytes: usize) -> Result<Self, Refusal> {
        if token.len() > max_bytes {
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
        let (kid, algorithm) = read_header(&header)?;
        Ok(Self { kid, algorithm, signed, signature, claims: decode(claims)? })
    }

    /// Verifies the signature and the claims.
    ///
    /// # Errors
    /// With the first reason to refuse it.
    pub fn verify(self, keys: &Keys, rules: &AuthConfig, now_s: i64) -> Result<Identity, Refusal> {
        let key = keys.get(&self.kid, self.algorithm).ok_or(Refusal::KeyUnknown)?;
        let good = jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), key, self.algorithm);
        if !good.unwrap_or(false) {
            return Err(Refusal::Signature);
        }
        read_claims(&self.claims, rules, now_s)
    }
}

fn decode(part: &str) -> Result<Object, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)?;
    strict_json::object(&bytes).map_err(|_| Refusal::Malformed)
}

fn read_header(header: &Object) -> Result<(String, Algorithm), Refusal> {
    const FORBIDDEN: [&str; 9] = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk"];
    if FORBIDDEN.iter().any(|name| header.contains_key(*name)) {
        return Err(Refusal::Header);
    }
    let typ = text(header, "typ").ok_or(Refusal::Type)?;
    if !["at+jwt", "application/at+jwt", "jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known)) {
        return Err(Refusal::Type);
    }
    let algorithm = match text(header, "alg").ok_or(Refusal::Algorithm)? {
        "EdDSA" => Algorithm::EdDSA,
        "ES256" => Algorithm::ES256,
        "RS256" => Algorithm::RS256,
        _ => return Err(Refusal::Algorithm),
    };
    let kid = text(header, "kid").filter(|kid| !kid.is_empty()).ok_or(Refusal::KeyUnknown)?;
    Ok((kid.to_owned(), algorithm))
}

fn read_claims(claims: &Object, rules: &AuthConfig, now_s: i64) -> Result<Identity, Refusal> {
    if text(claims, "iss") != Some(&rules.issuer) {
        return Err(Refusal::Issuer);
    }
    let for_us = match claims.get("aud") {
        Some(Value::String(audience)) => *audience == rules.audience,
        Some(Value::Array(list)) => list.iter().any(|audience| audience.as_str() == Some(&rules.audience)),
        _ => false,
    };
    if !for_us {
        return Err(Refusal::Audience);
    }
    let expires_at = seconds(claims, "exp")?.ok_or(Refusal::Claims)?;
    if expires_at <= now_s {
        return Err(Refusal::Expired);
    }
    let issued_at = seconds(claims, "iat")?.ok_or(Refusal::Claims)?;
    let not_before = seconds(claims, "nbf")?.unwrap_or(issued_at);
    if issued_at.max(not_before) > now_s.saturating_add(rules.skew_s) {
        return Err(Refusal::NotYetValid);
    }
    Ok(Identity {
        tenant: id(claims, "tenant")?,
        user: id(claims, "sub")?,
        roles: roles(claims)?,
        groups: groups(claims)?,
        tier: tier(claims)?,
        expires_at,
    })
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

fn seconds(claims: &Object, name: &str) -> Result<Option<i64>, Refusal> {
    claims.get(name).map(|value| value.as_i64().ok_or(Refusal::Claims)).transpose()
}

fn id<T: std::str::FromStr>(claims: &Object, name: &str) -> Result<T, Refusal> {
    text(claims, name).and_then(|text| text.parse().ok()).ok_or(Refusal::Claims)
}

fn roles(claims: &Object) -> Result<BTreeSet<Role>, Refusal> {
    match claims.get("roles") {
        None => Ok(BTreeSet::new()),
        Some(Value::Array(names)) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            Ok(names.ok_or(Refusal::Claims)?.into_iter().filter_map(Role::from_name).collect())
        }
        Some(_) => Err(Refusal::Claims),
    }
}

/// Reads the tenant's own groups from `groups` (RFC 9068 §2.2.3.1), an array of strings. What cannot be a group's name
/// is left out: a directory has groups that are none of Switchboard's business, no agent can be for one that has no
/// name here, and to be in a group only ever allows more. Too many are refused, since leaving some out would take
/// agents away by an order that nobody chose; the issuer can be told to send the groups that matter.
fn groups(claims: &Object) -> Result<BTreeSet<Group>, Refusal> {
    let names = match claims.get("groups") {
        None => return Ok(BTreeSet::new()),
        Some(Value::Array(names)) => names,
        Some(_) => return Err(Refusal::Groups),
    };
    let groups: BTreeSet<Group> =
        names.iter().filter_map(Value::as_str).filter_map(|name| name.parse().ok()).collect();
    if groups.len() > MAX_GROUPS { Err(Refusal::Groups) } else { Ok(groups) }
}

fn tier(claims: &Object) -> Result<Tier, Refusal> {
    match claims.get("tier") {
        None => Ok(Tier::default()),
        Some(value) => value.as_str().and_then(Tier::from_name).ok_or(Refusal::Claims),
    }
}
