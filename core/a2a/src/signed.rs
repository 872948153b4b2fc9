//! Signatures of Agent Cards (A2A 1.0, section 8.4): JWS (RFC 7515) without its payload, which is the card itself in the
//! canonical form of RFC 8785. Pure.

use crate::{
    proto,
    wire::{AgentCard, AgentCardSignature},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, crypto,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Signatures of a card that are looked at.
const MAX_SIGNATURES: usize = 16;
/// Levels of a card; a deeper one is not canonicalised.
const MAX_DEPTH: usize = 64;

/// What signs.
pub struct Signing<'a> {
    /// The private key.
    pub key: &'a EncodingKey,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// What the public half is called in its set.
    pub kid: &'a str,
    /// Where that set lies.
    pub jku: &'a str,
}

/// Why a card is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// It has no signature.
    Unsigned,
    /// It has some, by other keys.
    Strange,
    /// One names a key that is trusted, and is not over what the card says.
    Altered,
}

impl std::fmt::Display for Unproven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unsigned => "it is not signed",
            Self::Strange => "none of its signatures is by a key that is trusted for it",
            Self::Altered => "its signature does not fit what it says",
        })
    }
}

#[derive(Deserialize)]
struct Protected {
    alg: Algorithm,
    kid: Option<String>,
    crit: Option<Value>,
}

/// The signatures of a card: over its form by the letter of the specification, and over the one without anything empty,
/// where that is another one, since there are verifiers (the official Python SDK's) that leave out what is empty.
///
/// # Errors
/// When the key cannot sign.
pub fn sign(card: &AgentCard, by: &Signing<'_>) -> Result<Vec<AgentCardSignature>, String> {
    let card = serde_json::to_value(card).map_err(|error| error.to_string())?;
    let described = described(&card).ok_or("the card is none")?;
    let mut forms = vec![described.clone(), without_empty(described)];
    forms.dedup();
    let header = json!({"alg": by.algorithm, "typ": "JOSE", "kid": by.kid, "jku": by.jku});
    let protected = BASE64.encode(header.to_string());
    let signed = |form: Value| {
        let form = canonical(&form).ok_or("the card has no canonical form")?;
        let text = format!("{protected}.{}", BASE64.encode(form));
        let signature =
            crypto::sign(text.as_bytes(), by.key, by.algorithm).map_err(|error| error.to_string())?;
        Ok(AgentCardSignature { protected: protected.clone(), signature, header: None })
    };
    forms.into_iter().map(signed).collect()
}

/// What one of these keys has signed of a card: that is to be read, and not the card itself, since one name can be written
/// in two ways, of which a reader and a signature might each mean another one.
///
/// # Errors
/// When none of the keys has signed it.
pub fn verify(card: &Value, keys: &JwkSet) -> Result<Value, Unproven> {
    let signatures = card.get("signatures").and_then(Value::as_array).filter(|all| !all.is_empty());
    let signatures = signatures.ok_or(Unproven::Unsigned)?;
    if depth(card) > MAX_DEPTH {
        return Err(Unproven::Altered);
    }
    let readings = readings(card);
    let mut why = Unproven::Strange;
    for signature in signatures.iter().take(MAX_SIGNATURES) {
        let text = |name| signature.get(name).and_then(Value::as_str).unwrap_or_default();
        let (protected, signature) = (text("protected"), text("signature"));
        let Some(header) = header(protected) else { continue };
        for key in keys.keys.iter().filter(|key| fits(key, &header)) {
            why = Unproven::Altered;
            let Ok(key) = DecodingKey::from_jwk(key) else { continue };
            let is_over = |form: &[u8]| {
                let text = format!("{protected}.{}", BASE64.encode(form));
                crypto::verify(signature, text.as_bytes(), &key, header.alg).unwrap_or(false)
            };
            if let Some((reading, _)) = readings.iter().find(|(_, form)| is_over(form)) {
                return Ok(reading.clone());
            }
        }
    }
    Err(why)
}

/// What may have been signed, with its canonical form: the card as it came; as its description has it; and that without
/// what is empty.
fn readings(card: &Value) -> Vec<(Value, Vec<u8>)> {
    let (whole, described) = (unsigned(card), described(card));
    let mut readings = vec![(whole.clone(), whole)];
    if let Some(described) = described {
        readings.push((described.clone(), described.clone()));
        readings.push((described.clone(), without_empty(described)));
    }
    let formed = |(reading, signed): (Value, Value)| Some((reading, canonical(&signed)?));
    readings.into_iter().filter_map(formed).collect()
}

/// Whether a key can be trusted to have signed: it is a public one, and none that two share.
#[must_use]
pub fn is_public(key: &Jwk) -> bool {
    !matches!(key.algorithm, AlgorithmParameters::OctetKey(_) | AlgorithmParameters::Other(_))
        && DecodingKey::from_jwk(key).is_ok()
}

fn header(protected: &str) -> Option<Protected> {
    let header: Protected = serde_json::from_slice(&BASE64.decode(protected).ok()?).ok()?;
    // What has to be understood (RFC 7515, section 4.1.11) is not.
    header.crit.is_none().then_some(header)
}

/// Whether a key can have made a signature with this header; its own type says which algorithms it is for.
fn fits(key: &Jwk, header: &Protected) -> bool {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let is_called = match (&header.kid, &key.common.key_id) {
        (Some(said), Some(own)) => said == own,
        _ => true,
    };
    let is_for = match (&key.algorithm, header.alg) {
        (AlgorithmParameters::EllipticCurve(of), ES256) => of.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(of), ES384) => of.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(_), EdDSA)
        | (AlgorithmParameters::RSA(_), RS256 | RS384 | RS512 | PS256 | PS384 | PS512) => true,
        _ => false,
    };
    let signs = key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    is_called && is_for && signs
}

fn canonical(card: &Value) -> Option<Vec<u8>> {
    serde_json_canonicalizer::to_vec(card).ok()
}

fn unsigned(card: &Value) -> Value {
    let mut card = card.clone();
    card.as_object_mut().and_then(|fields| fields.remove("signatures"));
    card
}

/// The card as its description has it (section 8.4.1): without what has its default, and without what is unknown.
fn described(card: &Value) -> Option<Value> {
    let kind = proto::message("lf.a2a.v1.AgentCard")?;
    proto::to_json(&proto::from_json(kind, &unsigned(card)).ok()?).ok()
}

fn without_empty(value: Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    match value {
        Value::Array(items) => items.into_iter().map(without_empty).filter(|item| !is_empty(item)).collect(),
        Value::Object(fields) => {
            let kept = fields.into_iter().map(|(name, value)| (name, without_empty(value)));
            Value::Object(kept.filter(|(_, value)| !is_empty(value)).collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn depth(value: &Value) -> usize {
    let deepest = |values: &mut dyn Iterator<Item = &Value>| values.map(depth).max().unwrap_or(0);
    match value {
        Value::Array(items) => 1 + deepest(&mut items.iter()),
        Value::Object(fields) => 1 + deepest(&mut fields.values()),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drawn for tests alone: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgyTg5VcZc7uLfjItV
qy4SwlEplnl1tJXP76V54D2m2SuhRANCAARBMueRtt2uYvCkdbYpSxpEVMAOiUcn
FGTr2cVCkNKZZh8ZVT2TutPPlgeQ0vDThJoqV5uHAV/vy85D4vDOMbIv
-----END PRIVATE KEY-----";

    fn signed() -> (Value, JwkSet) {
        let key = EncodingKey::from_ec_pem(KEY.as_bytes()).unwrap();
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        public.common.key_id = Some("k".into());
        let mut card: AgentCard = serde_json::from_value(json!({
            "name": "É", "description": "d", "version": "1", "capabilities": {"streaming": false},
            "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
            "securityRequirements": [{"schemes": {"bearer": {"list": []}}}],
            "skills": [{"id": "s", "name": "S", "description": "d", "tags": ["t"]}],
            "supportedInterfaces": [
                {"url": "http://a.example", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}]}))
        .unwrap();
        let by = Signing { key: &key, algorithm: Algorithm::ES256, kid: "k", jku: "https://a.example/jwks" };
        card.signatures = Some(sign(&card, &by).unwrap());
        (serde_json::to_value(card).unwrap(), JwkSet { keys: vec![public] })
    }

    #[test]
    fn a_signed_card_holds_and_one_that_was_altered_does_not() {
        let (card, keys) = signed();
        assert_eq!(card["signatures"].as_array().unwrap().len(), 2, "its two forms differ");
        assert_eq!(verify(&card, &keys).unwrap()["name"], "É");
        let mut more = card.clone();
        more["unheard"] = json!("of");
        assert_eq!(verify(&more, &keys).unwrap().get("unheard"), None, "it was not signed");
        for (place, value) in [
            ("/name", json!("E")),
            ("/skills", json!([])),
            ("/supportedInterfaces/0/url", json!("http://b.example")),
        ] {
            let mut other = card.clone();
            *other.pointer_mut(place).unwrap() = value;
            assert_eq!(verify(&other, &keys), Err(Unproven::Altered), "{place}");
        }
    }

    #[test]
    fn what_was_signed_is_what_is_read() {
        let (mut card, keys) = signed();
        let interfaces = card["supportedInterfaces"].take();
        card["supported_interfaces"] = interfaces.clone();
        card["supportedInterfaces"] = interfaces.clone();
        card["supportedInterfaces"][0]["url"] = json!("http://evil.example");
        if let Ok(read) = verify(&card, &keys) {
            assert_eq!(read["supportedInterfaces"], interfaces);
        }
    }

    #[test]
    fn who_signed_is_told_from_what_was_signed() {
        let (card, keys) = signed();
        let mut bare = card.clone();
        bare["signatures"] = json!([]);
        assert_eq!(verify(&bare, &keys), Err(Unproven::Unsigned));
        assert_eq!(verify(&card, &JwkSet { keys: Vec::new() }), Err(Unproven::Strange));
        let mut named = keys.clone();
        named.keys[0].common.key_id = Some("another".into());
        assert_eq!(verify(&card, &named), Err(Unproven::Strange));
        for (alg, more) in [("HS256", json!({})), ("ES384", json!({})), ("ES256", json!({"crit": ["exp"]}))] {
            let mut header = json!({"alg": alg, "kid": "k"});
            header.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
            let mut other = card.clone();
            for signature in other["signatures"].as_array_mut().unwrap() {
                signature["protected"] = json!(BASE64.encode(header.to_string()));
            }
            assert_eq!(verify(&other, &keys), Err(Unproven::Strange), "{header}");
        }
    }

    #[test]
    fn a_card_without_a_floor_is_refused() {
        let (mut card, keys) = signed();
        let mut deep = json!(1);
        for _ in 0..MAX_DEPTH {
            deep = json!([deep]);
        }
        card["metadata"] = deep;
        assert_eq!(verify(&card, &keys), Err(Unproven::Altered));
    }

    #[test]
    fn only_public_keys_are_trusted() {
        let (_, keys) = signed();
        assert!(is_public(&keys.keys[0]));
        let shared: Jwk = serde_json::from_value(json!({"kty": "oct", "k": "c2VjcmV0"})).unwrap();
        assert!(!is_public(&shared));
    }
}
