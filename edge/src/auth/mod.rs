//! Who is asking: a token becomes an [`Identity`], or the request ends here.
//!
//! - [`mod@shown`]: where a request shows its token
//! - [`page`]: whether it is a page of ours that sends what its browser adds by itself
//! - [`token`]: the checks of one token, pure
//! - [`jwks`]: an issuer's keys
//! - [`cache`]: tokens that were verified before
//! - [`secrets`]: keys and tickets, of which a core says whose they are
//! - [`revoked`]: what was taken back although it is good by itself
//! - [`strict_json`]: JSON in which no key stands twice

pub mod cache;
pub mod jwks;
pub mod page;
pub mod revoked;
pub mod secrets;
pub mod shown;
pub mod strict_json;
pub mod token;

pub use token::Refusal;

use crate::{config::AuthConfig, metrics::METRICS};
use cache::{KeysOf, TokenCache};
use http::HeaderMap;
use jwks::{Jwks, JwksError};
use revoked::Revoked;
use secrets::{Said, Secrets, is_secret};
use shown::shown;
use std::{sync::Arc, time::Duration};
use switchboard_shared::{identity::Identity, shutdown::Shutdown};
use token::Unverified;

/// Verifies tokens.
#[derive(Debug)]
pub struct Auth {
    /// That of the configuration, and behind it the cores themselves, which sign the tokens of sessions.
    issuers: Vec<Issuer>,
    cache: TokenCache,
    /// What cores have said of keys.
    pub secrets: Secrets,
    revoked: Arc<Revoked>,
}

/// Whose tokens are taken, by which rules.
#[derive(Debug)]
struct Issuer {
    rules: AuthConfig,
    jwks: Arc<Jwks>,
    /// Whether it is the cores, who alone may say which session a token belongs to.
    is_ours: bool,
}

impl Auth {
    /// Loads the keys and keeps them up to date.
    ///
    /// # Errors
    /// When there are no keys to be had.
    pub async fn start(
        rules: &AuthConfig,
        revoked: &Arc<Revoked>,
        shutdown: &Shutdown,
    ) -> Result<Self, JwksError> {
        let mut issuers = Vec::new();
        for (rules, is_ours) in [(Some(rules.clone()), false), (rules.of_sessions(), true)] {
            let Some(rules) = rules else { continue };
            let jwks = Jwks::load(&rules).await?;
            jwks.watch(shutdown);
            issuers.push(Issuer { rules, jwks, is_ours });
        }
        Ok(Self {
            issuers,
            cache: TokenCache::new(rules.token_cache),
            secrets: Secrets::new(rules.token_cache, Duration::from_secs(rules.key_cache_s)),
            revoked: revoked.clone(),
        })
    }

    /// Who sends a request, if its token was verified before and still holds; nothing is computed but its hash.
    pub fn known(&self, headers: &HeaderMap) -> Option<Arc<Identity>> {
        let token = shown(headers).ok()?.token();
        let now_s = chrono::Utc::now().timestamp();
        let fits = token.len() <= self.issuers[0].rules.max_token_bytes;
        let known = match is_secret(token) {
            _ if !fits => None,
            true => self.secrets.said(token, now_s).and_then(Said::identity),
            false => self.cached(&cache::hash(token), now_s),
        };
        known.filter(|identity| !self.revoked.covers(identity))
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// With the reason to refuse it.
    pub async fn token(&self, token: &str) -> Result<Arc<Identity>, Refusal> {
        self.verify(token, chrono::Utc::now().timestamp()).await
    }

    /// Counts a refusal and says it in the log.
    pub fn refused(&self, refusal: Refusal) -> Refusal {
        METRICS.auth_failures.with_label_values(&[&refusal.to_string()]).inc();
        match refusal {
            // Whoever sends none is told so, and is no riddle for those who run the house.
            Refusal::Missing => {}
            _ => tracing::info!(reason = %refusal, "a token was refused: {}", refusal.why()),
        }
        refusal
    }

    async fn verify(&self, token: &str, now_s: i64) -> Result<Arc<Identity>, Refusal> {
        let first = &self.issuers[0].rules;
        if token.len() > first.max_token_bytes {
            return Err(Refusal::TooLarge);
        }
        let hash = cache::hash(token);
        if let Some(identity) = self.cached(&hash, now_s) {
            return Ok(identity);
        }
        let unverified = Unverified::parse(token, first)?;
        let index = self.issuer_of(&unverified);
        let (identity, generation) = self.issuers[index].verify(&unverified, now_s).await?;
        let identity = Arc::new(identity);
        self.cache.put(hash, identity.clone(), (index, generation), now_s);
        Ok(identity)
    }

    fn cached(&self, hash: &cache::TokenHash, now_s: i64) -> Option<Arc<Identity>> {
        self.cache.get(hash, |keys| self.is_current(keys), now_s)
    }

    fn is_current(&self, (index, generation): KeysOf) -> bool {
        let current = self.issuers.get(index).and_then(|issuer| issuer.jwks.current());
        current.is_some_and(|keys| keys.generation == generation)
    }

    /// Whose token it says it is; anybody else's is refused by the first one's rules.
    fn issuer_of(&self, token: &Unverified<'_>) -> usize {
        let named = |issuer: &Issuer| token.issuer() == Some(issuer.rules.issuer.as_str());
        self.issuers.iter().position(named).unwrap_or(0)
    }
}

impl Issuer {
    async fn verify(&self, unverified: &Unverified<'_>, now_s: i64) -> Result<(Identity, u64), Refusal> {
        let mut keys = self.jwks.current().ok_or(Refusal::KeyUnknown)?;
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
        let mut identity = verified?;
        if !self.is_ours {
            identity.grant.session = None;
        }
        Ok((identity, keys.generation))
    }
}
