//! Tokens that were verified, remembered until they expire or the keys change. A key of the map is the token's
//! SHA-256, so the token itself is not kept.

use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use switchboard_shared::identity::Identity;

const SHARDS: usize = 16;

/// The digest of a token.
pub type TokenHash = [u8; 32];

/// Computes the digest of a token.
#[must_use]
pub fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// Verified tokens.
#[derive(Debug)]
pub struct TokenCache {
    shards: Vec<Mutex<HashMap<TokenHash, Entry>>>,
    per_shard: usize,
}

#[derive(Debug)]
struct Entry {
    identity: Arc<Identity>,
    keys: KeysOf,
}

/// With which keys a token was verified: whose, and the how manieth.
pub type KeysOf = (usize, u64);

impl TokenCache {
    /// Makes a cache that holds at most `tokens`.
    #[must_use]
    pub fn new(tokens: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), per_shard: (tokens / SHARDS).max(1) }
    }

    /// Who the token stands for, if it was verified with keys that are current and still holds.
    #[must_use]
    pub fn get(
        &self,
        hash: &TokenHash,
        is_current: impl Fn(KeysOf) -> bool,
        now_s: i64,
    ) -> Option<Arc<Identity>> {
        let shard = self.shard(hash);
        let entry = shard.get(hash)?;
        let holds = entry.identity.expires_at > now_s && is_current(entry.keys);
        holds.then(|| entry.identity.clone())
    }

    /// Remembers a verified token.
    pub fn put(&self, hash: TokenHash, identity: Arc<Identity>, keys: KeysOf, now_s: i64) {
        let mut shard = self.shard(&hash);
        if shard.len() >= self.per_shard {
            let outdated = |of: KeysOf| of.0 == keys.0 && of.1 != keys.1;
            shard.retain(|_, entry| !outdated(entry.keys) && entry.identity.expires_at > now_s);
        }
        if shard.len() >= self.per_shard {
            // All are good: verifying them again costs less than keeping an order of use.
            shard.clear();
        }
        shard.insert(hash, Entry { identity, keys });
    }

    fn shard(&self, hash: &TokenHash) -> MutexGuard<'_, HashMap<TokenHash, Entry>> {
        self.shards[usize::from(hash[0]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use switchboard_shared::identity::Tier;

    fn ann(expires_at: i64) -> Arc<Identity> {
        Arc::new(Identity {
            tenant: "acme".parse().unwrap(),
            user: "ann".parse().unwrap(),
            roles: BTreeSet::new(),
            groups: BTreeSet::new(),
            tier: Tier::Standard,
            expires_at,
            grant: Default::default(),
        })
    }

    #[test]
    fn a_token_is_forgotten_when_it_expires_or_the_keys_change() {
        let cache = TokenCache::new(100);
        cache.put(hash("a"), ann(10), (0, 1), 5);
        let get = |token: &str, keys: KeysOf, now_s| cache.get(&hash(token), |of| of == keys, now_s);
        assert!(get("a", (0, 1), 9).is_some());
        assert!(get("a", (0, 1), 10).is_none());
        assert!(get("a", (0, 2), 9).is_none());
        assert!(get("a", (1, 1), 9).is_none(), "the same keys of another issuer are others");
        assert!(get("b", (0, 1), 9).is_none());
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = TokenCache::new(64);
        for i in 0..10_000 {
            cache.put(hash(&i.to_string()), ann(10), (0, 1), 5);
        }
        let kept: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= 64, "{kept}");
    }
}
