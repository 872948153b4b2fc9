//! What a provider signs about somebody: ID tokens (OpenID Connect Core §3.1.3.7) and logout tokens (Back-Channel Logout
//! §2.6), taken only for what they are.

use super::fault::Fault;
use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation,
    jwk::{Jwk, JwkSet, PublicKeyUse},
};
use serde_json::{Map, Value};

/// How far the provider's clock and ours may differ, in seconds.
const SKEW_S: u64 = 60;
/// The longest token that is read.
const MAX_CHARS: usize = 65_536;
/// What a logout token is about.
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a token's claims have to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
}

/// The claims of a token.
pub(crate) type Claims = Map<String, Value>;

/// With which key it says that it was signed.
///
/// # Errors
/// When it is no token.
pub(crate) fn header_of(token: &str) -> Result<Header, Fault> {
    if token.len() > MAX_CHARS {
        return Err(Fault::unbelievable("a token is too long"));
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Fault::unbelievable("it is no token"))?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 | Algorithm::EdDSA) {
        return Err(Fault::unbelievable("a token's algorithm is not RS256, PS256, ES256 or EdDSA"));
    }
    Ok(header)
}

/// The provider's key for a token; without an id, the only one that could be.
pub(crate) fn key_for<'k>(header: &Header, keys: &'k JwkSet) -> Option<&'k Jwk> {
    let signs =
        |key: &&Jwk| key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let mut able = keys.keys.iter().filter(signs).filter(|key| match &header.kid {
        Some(kid) => key.common.key_id.as_ref() == Some(kid),
        None => true,
    });
    let key = able.next()?;
    (header.kid.is_some() || able.next().is_none()).then_some(key)
}

/// Verifies an ID token, of a sign-in with its nonce, of a refresh without one.
///
/// # Errors
/// When it is not what it has to be.
pub(crate) fn identity(
    token: &str,
    key: &Jwk,
    expected: Expected<'_>,
    nonce: Option<&str>,
) -> Result<Claims, Fault> {
    let claims = verified(token, key, expected)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if nonce.is_some() && text("nonce") != nonce {
        return Err(Fault::unbelievable("the ID token's nonce is not that of this sign-in"));
    }
    let several = claims.get("aud").and_then(Value::as_array).is_some_and(|list| list.len() > 1);
    match text("azp") {
        Some(party) if party != expected.client_id => {
            return Err(Fault::unbelievable("the ID token is for another party (azp)"));
        }
        None if several => return Err(Fault::unbelievable("the ID token is for several and names no party")),
        _ => {}
    }
    if text("sub").is_none_or(str::is_empty) {
        return Err(Fault::unbelievable("the ID token names nobody"));
    }
    Ok(claims)
}

/// Verifies a logout token: whom it is about, and which of the provider's sessions.
///
/// # Errors
/// When it is not what it has to be.
pub(crate) fn logout(
    token: &str,
    key: &Jwk,
    expected: Expected<'_>,
) -> Result<(Option<String>, Option<String>), Fault> {
    let claims = verified(token, key, expected)?;
    let is_logout = claims.get("events").and_then(Value::as_object).is_some_and(|of| of.contains_key(LOGOUT));
    if !is_logout || claims.contains_key("nonce") {
        return Err(Fault::unbelievable("it is no logout token"));
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    match (text("sub"), text("sid")) {
        (None, None) => Err(Fault::unbelievable("a logout token is about nobody")),
        about => Ok(about),
    }
}

fn verified(token: &str, key: &Jwk, expected: Expected<'_>) -> Result<Claims, Fault> {
    let header = header_of(token)?;
    let key =
        DecodingKey::from_jwk(key).map_err(|_| Fault::unbelievable("the provider's key cannot be read"))?;
    let mut rules = Validation::new(header.alg);
    rules.leeway = SKEW_S;
    rules.validate_nbf = true;
    rules.set_issuer(&[expected.issuer]);
    rules.set_audience(&[expected.client_id]);
    rules.set_required_spec_claims(&["exp", "iss", "aud"]);
    let decoded = jsonwebtoken::decode::<Claims>(token, &key, &rules);
    let claims =
        decoded.map_err(|error| Fault::unbelievable(&format!("a token is refused: {error}")))?.claims;
    let now_s = jsonwebtoken::get_current_timestamp();
    let issued = claims.get("iat").and_then(Value::as_f64).unwrap_or(f64::INFINITY);
    #[allow(clippy::cast_precision_loss, reason = "seconds of our time are exact in a float")]
    let latest = now_s.saturating_add(SKEW_S) as f64;
    if issued > latest {
        return Err(Fault::unbelievable("a token is from the future, or does not say from when it is"));
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::signer::{key_set, tests::KEY};
    use jsonwebtoken::EncodingKey;
    use serde_json::json;
    use switchboard_shared::config::Secret;

    const US: Expected<'_> = Expected { issuer: "https://id.example", client_id: "us" };

    fn keys() -> JwkSet {
        key_set(&[Secret::new(KEY.to_owned())]).unwrap()
    }

    fn now_s() -> i64 {
        chrono::Utc::now().timestamp()
    }

    fn good() -> Value {
        json!({
            "iss": "https://id.example", "aud": "us", "sub": "7", "nonce": "n",
            "iat": now_s(), "exp": now_s() + 60,
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = good();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        claims
    }

    fn mint(claims: &Value) -> String {
        let key = EncodingKey::from_ec_pem(KEY.as_bytes()).unwrap();
        jsonwebtoken::encode(&Header::new(Algorithm::ES256), claims, &key).unwrap()
    }

    fn is_taken(claims: &Value) -> bool {
        identity(&mint(claims), &keys().keys[0], US, Some("n")).is_ok()
    }

    #[test]
    fn an_id_token_is_taken_for_us_from_its_issuer_for_this_sign_in() {
        assert!(is_taken(&good()));
        assert!(is_taken(&with("aud", json!(["us"]))));
        let mut several = with("aud", json!(["us", "them"]));
        assert!(!is_taken(&several), "whom of them it is for has to be said");
        several["azp"] = json!("us");
        assert!(is_taken(&several));
        for (name, value) in [
            ("iss", json!("https://id.example/")),
            ("iss", json!(null)),
            ("aud", json!("them")),
            ("aud", json!(null)),
            ("azp", json!("them")),
            ("nonce", json!("m")),
            ("nonce", json!(null)),
            ("exp", json!(now_s() - 61)),
            ("exp", json!(null)),
            ("iat", json!(now_s() + 3_600)),
            ("iat", json!(null)),
            ("nbf", json!(now_s() + 3_600)),
            ("sub", json!("")),
            ("sub", json!(null)),
        ] {
            assert!(!is_taken(&with(name, value.clone())), "{name}: {value}");
        }
    }

    #[test]
    fn a_token_of_another_key_or_algorithm_is_refused() {
        let token = mint(&good());
        let forged = format!("{}x.{}", &token[..token.len() - 4], "AAA");
        assert!(identity(&forged, &keys().keys[0], US, Some("n")).is_err());
        let shared =
            jsonwebtoken::encode(&Header::default(), &good(), &EncodingKey::from_secret(b"s")).unwrap();
        assert!(header_of(&shared).is_err(), "a shared secret");
        assert!(header_of("e30.e30.").is_err() && header_of("x").is_err());
        let mut other = Header::new(Algorithm::ES256);
        other.kid = Some("other".to_owned());
        assert!(key_for(&other, &keys()).is_none());
        assert!(key_for(&Header::new(Algorithm::ES256), &keys()).is_some());
    }

    #[test]
    fn a_logout_token_is_one_and_an_id_token_is_none() {
        let about = |claims: &Value| logout(&mint(claims), &keys().keys[0], US);
        assert!(about(&good()).is_err());
        let mut claims = with("nonce", json!(null));
        claims["events"] = json!({LOGOUT: {}});
        assert_eq!(about(&claims).unwrap(), (Some("7".to_owned()), None));
        claims["sid"] = json!("s");
        assert_eq!(about(&claims).unwrap(), (Some("7".to_owned()), Some("s".to_owned())));
        claims["nonce"] = json!("n");
        assert!(about(&claims).is_err());
    }
}
