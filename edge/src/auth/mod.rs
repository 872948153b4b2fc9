//! Who is asking: a bearer token becomes an [`Identity`], or the request ends here.
//!
//! - [`token`]: the checks of one token, pure
//! - [`claims`]: where a token says what
//! - [`jwks`]: the issuer's keys
//! - [`cache`]: tokens that were verified before
//! - [`strict_json`]: JSON in which no key stands twice

pub mod cache;
pub mod claims;
pub mod jwks;
pub mod strict_json;
pub mod token;

pub use token::Refusal;

use crate::{config::AuthConfig, metrics::METRICS};
use cache::TokenCache;
use http::{HeaderMap, header};
use jwks::{Jwks, JwksError};
use std::sync::Arc;
use switchboard_shared::{identity::Identity, shutdown::Shutdown};
use token::Unverified;

/// Verifies tokens.
#[derive(Debug)]
pub struct Auth {
    rules: AuthConfig,
    jwks: Arc<Jwks>,
    cache: TokenCache,
}

impl Auth {
    /// Loads the keys and keeps them up to date.
    ///
    /// # Errors
    /// When there are no keys to be had.
    pub async fn start(rules: &AuthConfig, shutdown: &Shutdown) -> Result<Self, JwksError> {
        let jwks = Jwks::load(rules).await?;
        jwks.watch(shutdown);
        Ok(Self { rules: rules.clone(), jwks, cache: TokenCache::new(rules.token_cache) })
    }

    /// Who sends a request, if its token was verified before and still holds; nothing is computed but its hash.
    pub fn known(&self, headers: &HeaderMap) -> Option<Arc<Identity>> {
        let token = bearer(headers).ok().filter(|token| token.len() <= self.rules.max_token_bytes)?;
        let generation = self.jwks.current()?.generation;
        self.cache.get(&cache::hash(token), generation, chrono::Utc::now().timestamp())
    }

    /// Verifies the token of a request.
    ///
    /// # Errors
    /// With the reason to refuse it.
    pub async fn request(&self, headers: &HeaderMap) -> Result<Arc<Identity>, Refusal> {
        match bearer(headers) {
            Ok(token) => self.token(token).await,
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// With the reason to refuse it.
    pub async fn token(&self, token: &str) -> Result<Arc<Identity>, Refusal> {
        self.check(token, chrono::Utc::now().timestamp()).await.map_err(refused)
    }

    async fn check(&self, token: &str, now_s: i64) -> Result<Arc<Identity>, Refusal> {
        if token.len() > self.rules.max_token_bytes {
            return Err(Refusal::TooLarge);
        }
        let hash = cache::hash(token);
        let mut keys = self.jwks.current().ok_or(Refusal::KeyUnknown)?;
        if let Some(identity) = self.cache.get(&hash, keys.generation, now_s) {
            return Ok(identity);
        }
        let unverified = Unverified::parse(token, &self.rules)?;
        if keys.get(unverified.kid.as_deref(), unverified.algorithm).is_none() {
            self.jwks.look_again().await;
            keys = self.jwks.current().ok_or(Refusal::KeyUnknown)?;
        }
        let mut verified = unverified.verify(&keys, &self.rules, now_s);
        // A token that names no key shows only by its signature that there is a new one.
        if unverified.kid.is_none() && verified == Err(Refusal::Signature) {
            self.jwks.look_again().await;
            keys = self.jwks.current().ok_or(Refusal::KeyUnknown)?;
            verified = unverified.verify(&keys, &self.rules, now_s);
        }
        let identity = Arc::new(verified?);
        self.cache.put(hash, identity.clone(), keys.generation, now_s);
        Ok(identity)
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1); two such fields are none.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return Err(Refusal::Missing) };
    let (scheme, token) =
        field.to_str().ok().and_then(|field| field.split_once(' ')).ok_or(Refusal::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::Missing);
    }
    Ok(token)
}

fn refused(refusal: Refusal) -> Refusal {
    METRICS.auth_failures.with_label_values(&[&refusal.to_string()]).inc();
    match refusal {
        // Whoever sends none is told so, and is no riddle for those who run the house.
        Refusal::Missing => {}
        _ => tracing::info!(reason = %refusal, "a token was refused: {}", refusal.why()),
    }
    refusal
}
