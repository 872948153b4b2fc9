//! What is stored or handed out and read by cores alone: sealed with a key of the configuration (AES-256-GCM), for one
//! place, so that it is of no use in another one.

use crate::error::{Error, Result};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};
use switchboard_shared::config::Secret;

/// What a [`Sealer`] has made of something.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed(Arc<[u8]>);

impl Sealed {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Sealed {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The key that seals, and those that open besides.
pub(crate) struct Sealer(Vec<LessSafeKey>);

impl Sealer {
    /// Makes the keys out of those of the configuration, which are drawn at random.
    pub(crate) fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().filter_map(|key| key_of(key.expose())).collect())
    }

    /// Whether there is a key to seal with.
    pub(crate) fn can_seal(&self) -> bool {
        !self.0.is_empty()
    }

    /// Seals something for one place: the nonce, and what it became.
    pub(crate) fn seal(&self, place: &str, text: &str) -> Result<Vec<u8>> {
        let failed = |reason: &str| Error::Writing { what: "sealed value", reason: reason.to_owned() };
        let key = self.0.first().ok_or_else(|| failed("login.seal_keys has no key"))?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| failed("this machine gives no random bytes"))?;
        let mut sealed = text.as_bytes().to_vec();
        let aad = Aad::from(place.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| failed("it is too long"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what was sealed for this place; `None` for anything else.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Option<String> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        self.0.iter().find_map(|key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut text = sealed.to_vec();
            let opened = key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut text).ok()?;
            String::from_utf8(opened.to_vec()).ok()
        })
    }
}

fn key_of(secret: &str) -> Option<LessSafeKey> {
    let mut hash = Sha256::new();
    hash.update(b"switchboard seal");
    hash.update(secret.as_bytes());
    UnboundKey::new(&AES_256_GCM, &hash.finalize()).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(keys: &[&str]) -> Sealer {
        Sealer::new(&keys.iter().map(|key| Secret::new((*key).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn what_was_sealed_opens_in_its_place_alone_and_unchanged() {
        let sealer = sealer(&["one"]);
        let sealed = sealer.seal("session/1", "token").unwrap();
        assert_eq!(sealer.open("session/1", &sealed).as_deref(), Some("token"));
        assert_eq!(sealer.open("session/2", &sealed), None);
        for at in [0, NONCE_LEN, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(sealer.open("session/1", &changed), None, "byte {at}");
        }
        for short in [&b""[..], b"x", &sealed[..NONCE_LEN]] {
            assert_eq!(sealer.open("session/1", short), None);
        }
        assert_ne!(sealer.seal("session/1", "token").unwrap(), sealed, "no nonce is used twice");
        assert!(!sealed.windows(5).any(|bytes| bytes == b"token"));
    }

    #[test]
    fn a_key_that_was_replaced_opens_still_and_a_foreign_one_does_not() {
        let sealed = sealer(&["old"]).seal("p", "token").unwrap();
        assert_eq!(sealer(&["new", "old"]).open("p", &sealed).as_deref(), Some("token"));
        assert_eq!(sealer(&["new"]).open("p", &sealed), None);
        assert!(sealer(&[]).seal("p", "token").is_err());
    }
}
