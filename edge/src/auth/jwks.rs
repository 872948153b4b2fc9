//! The issuer's public keys: read from a file, which is watched, or fetched from a URL, which may be away for hours.

use crate::{config::AuthConfig, metrics::METRICS};
use arc_swap::ArcSwap;
use http::{StatusCode, header};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use switchboard_shared::{cause::Cause, config, proxy::Proxy, shutdown::Shutdown};
use tokio::{sync::Mutex, time::Instant};
use url::Url;

const MAX_BYTES: usize = 1 << 20;
const FILE_CHECK: Duration = Duration::from_secs(1);
const URL_REFRESH: Duration = Duration::from_secs(600);
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(30);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Why keys could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// The file cannot be read.
    #[error("auth.jwks: the file cannot be read: {}", Cause::of(.0))]
    File(#[from] std::io::Error),
    /// The URL cannot be fetched.
    #[error("auth.jwks: the URL cannot be fetched{proxy}: {reason}")]
    Fetch {
        /// On the way there.
        proxy: Proxy,
        /// What went wrong.
        reason: String,
    },
    /// The URL says that the keys are elsewhere.
    #[error("auth.jwks: the URL answers {status} and leads to {to}: give the address where the keys are")]
    Moved {
        /// What it answered.
        status: StatusCode,
        /// Where it leads.
        to: String,
    },
    /// The URL has something else than keys.
    #[error("auth.jwks: the URL answers {0}")]
    Answered(StatusCode),
    /// Not a key set.
    #[error("auth.jwks: not a JSON Web Key Set, which is an object with a list `keys`: {}", Cause::of(.0))]
    Json(#[from] serde_json::Error),
    /// A key set without a usable key.
    #[error("auth.jwks: holds no signing key of type EdDSA, ES256 or RS256")]
    Empty,
    /// More than a key set could be.
    #[error("auth.jwks: larger than 1 MiB")]
    TooLarge,
}

/// The keys of one moment.
#[derive(Debug)]
pub struct Keys {
    keys: HashMap<(String, &'static str), DecodingKey>,
    loaded: Instant,
    /// Is one more each time other keys are loaded.
    pub generation: u64,
}

impl Keys {
    /// The key with this id for this algorithm; without an id, the only key for it.
    #[must_use]
    pub fn get(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let Some(kid) = kid else {
            let mut able = self.keys.iter().filter(|((_, able), _)| *able == name(algorithm));
            return able.next().map(|(_, key)| key).filter(|_| able.next().is_none());
        };
        self.keys.get(&(kid.to_owned(), name(algorithm)))
    }
}

enum Source {
    File(PathBuf),
    Url(Box<Remote>),
}

struct Remote {
    url: Url,
    proxy: Proxy,
    client: reqwest::Client,
}

/// The keys, kept up to date.
pub struct Jwks {
    source: Source,
    current: ArcSwap<Keys>,
    stale_after: Duration,
    generations: AtomicU64,
    last: Mutex<Attempt>,
}

/// The last attempt to load; its lock lets one load run at a time.
struct Attempt {
    at: Instant,
    stamp: Option<(SystemTime, u64)>,
}

impl Jwks {
    /// Loads the keys for the first time.
    ///
    /// # Errors
    /// When there are none to be had.
    pub async fn load(rules: &AuthConfig) -> Result<Arc<Self>, JwksError> {
        let source = match config::web_url(&rules.jwks) {
            Ok(url) => Source::Url(Box::new(Remote::new(url, rules.jwks_proxy.clone())?)),
            Err(_) => Source::File(PathBuf::from(&rules.jwks)),
        };
        let stamp = stamp(&source).await;
        let keys = parse(&read(&source).await?, 0)?;
        Ok(Arc::new(Self {
            source,
            current: ArcSwap::from_pointee(keys),
            stale_after: Duration::from_secs(rules.jwks_stale_s),
            generations: AtomicU64::new(1),
            last: Mutex::new(Attempt { at: Instant::now(), stamp }),
        }))
    }

    /// Whether the keys come over the network.
    #[must_use]
    pub fn is_remote(source: &str) -> bool {
        config::web_url(source).is_ok()
    }

    /// The keys as they are known now; `None` when they are too old to be trusted.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Keys>> {
        let keys = self.current.load_full();
        let fresh = matches!(self.source, Source::File(_)) || keys.loaded.elapsed() < self.stale_after;
        fresh.then_some(keys)
    }

    /// Looks for new keys because a token names one that is not known.
    pub async fn look_again(&self) {
        let pause = match self.source {
            Source::File(_) => FILE_CHECK,
            Source::Url(_) => UNKNOWN_KEY_PAUSE,
        };
        self.refresh(pause).await;
    }

    /// Keeps the keys up to date until the process ends.
    pub fn watch(self: &Arc<Self>, shutdown: &Shutdown) {
        let (this, token) = (self.clone(), shutdown.token.clone());
        let pause = match self.source {
            Source::File(_) => FILE_CHECK,
            Source::Url(_) => URL_REFRESH,
        };
        shutdown.tasks.spawn(async move {
            let forever = async {
                loop {
                    tokio::time::sleep(pause).await;
                    this.refresh(pause / 2).await;
                }
            };
            token.run_until_cancelled(forever).await;
        });
    }

    /// Loads again, unless that was tried less than `pause` ago or the file has not changed.
    async fn refresh(&self, pause: Duration) {
        let mut last = self.last.lock().await;
        if last.at.elapsed() < pause {
            return;
        }
        last.at = Instant::now();
        let stamp = stamp(&self.source).await;
        if stamp.is_some() && stamp == last.stamp {
            return;
        }
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        let loaded = match read(&self.source).await {
            Ok(text) => parse(&text, generation),
            Err(error) => Err(error),
        };
        match loaded {
            Ok(keys) => {
                METRICS.jwks_reloads.with_label_values(&["loaded"]).inc();
                last.stamp = stamp;
                self.current.store(Arc::new(keys));
            }
            Err(error) => {
                METRICS.jwks_reloads.with_label_values(&["failed"]).inc();
                tracing::warn!(%error, "the keys could not be loaded again; the old ones stay");
            }
        }
    }
}

impl std::fmt::Debug for Jwks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jwks").finish_non_exhaustive()
    }
}

async fn stamp(source: &Source) -> Option<(SystemTime, u64)> {
    let Source::File(path) = source else { return None };
    let meta = tokio::fs::metadata(path).await.ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

async fn read(source: &Source) -> Result<Vec<u8>, JwksError> {
    match source {
        Source::File(path) => Ok(tokio::fs::read(path).await?),
        Source::Url(remote) => remote.fetch().await,
    }
}

impl Remote {
    fn new(url: Url, proxy: Proxy) -> Result<Self, JwksError> {
        // What a redirect leads to was not configured, and may be plain HTTP.
        let client = proxy.client().and_then(|client| {
            client.timeout(FETCH_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()
        });
        match client {
            Ok(client) => Ok(Self { url, proxy, client }),
            Err(error) => Err(JwksError::Fetch { proxy, reason: Cause::of(&error).to_string() }),
        }
    }

    async fn fetch(&self) -> Result<Vec<u8>, JwksError> {
        let mut response =
            self.client.get(self.url.as_str()).send().await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            return Err(JwksError::Moved { status, to: to.unwrap_or("nowhere").to_owned() });
        }
        if status != StatusCode::OK {
            return Err(JwksError::Answered(status));
        }
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if text.len() + chunk.len() > MAX_BYTES {
                return Err(JwksError::TooLarge);
            }
            text.extend_from_slice(&chunk);
        }
        Ok(text)
    }

    fn failed(&self, error: &reqwest::Error) -> JwksError {
        let reason = match error.is_timeout() {
            true => format!("it did not answer within {} s", FETCH_TIMEOUT.as_secs()),
            false => Cause::of(error).to_string(),
        };
        JwksError::Fetch { proxy: self.proxy.clone(), reason }
    }
}

/// A key set whose members are read one by one: one that is not understood is passed over (RFC 7517 §5), and does not
/// take the others with it.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

fn parse(text: &[u8], generation: u64) -> Result<Keys, JwksError> {
    // Some editors put a mark of the byte order before it.
    let set: Set = serde_json::from_slice(text.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(text))?;
    let known = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let keys: HashMap<_, _> = known.filter_map(|key| usable(&key)).collect();
    if keys.is_empty() {
        return Err(JwksError::Empty);
    }
    Ok(Keys { keys, loaded: Instant::now(), generation })
}

/// A key that is there to verify signatures, of a type that we take, for the one algorithm of that type.
fn usable(jwk: &Jwk) -> Option<((String, &'static str), DecodingKey)> {
    let (algorithm, key_algorithm) = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        _ => return None,
    };
    let common = &jwk.common;
    let for_this = common.key_algorithm.is_none_or(|named| named == key_algorithm);
    let to_sign = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let to_verify =
        common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !(for_this && to_sign && to_verify) {
        return None;
    }
    // One without an id is for tokens without one (RFC 7517 §4.5).
    let kid = common.key_id.clone().unwrap_or_default();
    Some(((kid, name(algorithm)), DecodingKey::from_jwk(jwk).ok()?))
}

fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "EdDSA",
        Algorithm::ES256 => "ES256",
        Algorithm::RS256 => "RS256",
        _ => "other",
    }
}
