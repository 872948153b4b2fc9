//! Codes, which are good for a minute and once, and refresh tokens, which are good once and need nobody to remember them:
//! they are signed, so that who has signed in is still there after the house was started again.

use super::users::{self, CLIENT_ID, User};
use crate::{error::Result, topology::issuer::Issuer};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use uuid::Uuid;

/// How long a code is good for.
const CODE: Duration = Duration::from_secs(60);
/// Codes that wait, and refresh tokens that are remembered to be used up; then the old ones are forgotten.
const MOST: usize = 1_000;
/// How long an ID token is good for, and a refresh token, in seconds.
const ID_TOKEN_S: i64 = 300;
const REFRESH_TOKEN_S: i64 = 30 * 86_400;

/// What a browser has asked for.
pub(super) struct Wish {
    pub(super) user: User,
    pub(super) redirect_uri: String,
    pub(super) nonce: String,
    pub(super) challenge: String,
}

/// Who is let in.
pub(super) struct Granted {
    user: User,
    nonce: Option<String>,
    session: String,
}

/// What was given out.
#[derive(Default)]
pub(super) struct Grants {
    codes: Mutex<HashMap<String, (Wish, Instant)>>,
    used: Mutex<HashSet<String>>,
}

impl Grants {
    pub(super) fn code(&self, wish: Wish) -> String {
        let code = drawn();
        let mut codes = lock(&self.codes);
        codes.retain(|_, (_, since)| since.elapsed() < CODE);
        if codes.len() >= MOST {
            codes.clear();
        }
        codes.insert(code.clone(), (wish, Instant::now()));
        code
    }

    /// A code is gone once it was shown, whether it was shown rightly or not.
    pub(super) fn redeem(&self, code: &str, redirect_uri: &str, verifier: &str) -> Option<Granted> {
        let (wish, since) = lock(&self.codes).remove(code)?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let right = wish.redirect_uri == redirect_uri && wish.challenge == challenge;
        let granted = Granted { user: wish.user, nonce: Some(wish.nonce), session: drawn() };
        (right && since.elapsed() < CODE).then_some(granted)
    }

    /// A refresh token is good once.
    pub(super) fn renew(&self, keys: &Value, token: &str) -> Option<Granted> {
        let keys: JwkSet = serde_json::from_value(keys.clone()).ok()?;
        let key = DecodingKey::from_jwk(keys.keys.first()?).ok()?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&["refresh"]);
        let claims = jsonwebtoken::decode::<Value>(token, &key, &rules).ok()?.claims;
        let text = |name: &str| claims[name].as_str().map(str::to_owned);
        let mut used = lock(&self.used);
        if used.len() >= MOST {
            used.clear();
        }
        let first = used.insert(text("jti")?);
        let granted = Granted { user: users::find(&text("sub")?)?, nonce: None, session: text("sid")? };
        first.then_some(granted)
    }
}

/// What is given for a grant.
pub(super) fn tokens(issuer: &Issuer, url: &str, granted: &Granted) -> Result<Value> {
    let now_s = chrono::Utc::now().timestamp();
    let mut claims = granted.user.claims();
    let more = json!({
        "iss": url, "aud": CLIENT_ID, "sid": granted.session, "iat": now_s, "exp": now_s + ID_TOKEN_S,
        "nonce": granted.nonce,
    });
    if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
        claims.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    let refresh = json!({
        "aud": "refresh", "sub": granted.user.id, "sid": granted.session, "jti": drawn(),
        "exp": now_s + REFRESH_TOKEN_S,
    });
    let header = issuer.header();
    let typed = |typ: &str| {
        let mut header = header.clone();
        header["typ"] = typ.into();
        header
    };
    Ok(json!({
        "id_token": issuer.mint(&typed("JWT"), &claims)?,
        "refresh_token": issuer.mint(&typed("refresh+jwt"), &refresh)?,
        "access_token": drawn(), "token_type": "Bearer", "expires_in": ID_TOKEN_S,
    }))
}

/// 244 bits from the operating system.
fn drawn() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once_for_who_has_the_verifier() {
        let grants = Grants::default();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(b"verifier"));
        let wish = || Wish {
            user: users::find("ann").unwrap(),
            redirect_uri: "https://a/auth/callback".to_owned(),
            nonce: "n".to_owned(),
            challenge: challenge.clone(),
        };
        let code = grants.code(wish());
        assert!(grants.redeem(&code, "https://a/auth/callback", "verifier").is_some());
        assert!(grants.redeem(&code, "https://a/auth/callback", "verifier").is_none(), "twice");
        for (redirect_uri, verifier) in
            [("https://b/auth/callback", "verifier"), ("https://a/auth/callback", "x")]
        {
            let code = grants.code(wish());
            assert!(grants.redeem(&code, redirect_uri, verifier).is_none());
            assert!(grants.redeem(&code, "https://a/auth/callback", "verifier").is_none(), "it is gone");
        }
    }
}
