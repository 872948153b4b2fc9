//! Secrets that clients hold and the database does not: of each, its hash is stored. They are drawn at random, so a plain
//! hash keeps them: there is nothing to guess.

use crate::error::{Error, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use switchboard_shared::ids::TenantId;

/// Draws 256 bits, as text of 43 characters.
pub(crate) fn draw() -> Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Writing {
        what: "secret",
        reason: "this machine gives no random bytes".to_owned(),
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What the database keeps of a text.
pub(crate) fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// What is kept of several words together; where one ends and the next begins counts.
pub(crate) fn hash_of(words: &[&str]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for word in words {
        hash.update((word.len() as u64).to_be_bytes());
        hash.update(word.as_bytes());
    }
    hash.finalize().to_vec()
}

/// A secret with the tenant whose rows know it: `secret.tenant`. The tenant is no secret, and says where to look.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) tenant: TenantId,
    pub(crate) hash: Vec<u8>,
}

impl Held {
    /// Draws one for a tenant; its text, and what is kept.
    pub(crate) fn draw(prefix: &str, tenant: &TenantId) -> Result<(String, Vec<u8>)> {
        let secret = draw()?;
        Ok((format!("{prefix}{secret}.{tenant}"), hash(&secret)))
    }

    /// Reads one; `None` for what is none.
    pub(crate) fn read(prefix: &str, text: &str) -> Option<Self> {
        let (secret, tenant) = text.strip_prefix(prefix)?.split_once('.')?;
        let whole =
            secret.len() == 43 && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        whole.then_some(())?;
        Some(Self { tenant: tenant.parse().ok()?, hash: hash(secret) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_drawn_and_never_twice_the_same() {
        let tenant = "acme.example".parse().unwrap();
        let (text, kept) = Held::draw("sbk_", &tenant).unwrap();
        let held = Held::read("sbk_", &text).unwrap();
        assert_eq!((held.tenant, held.hash), (tenant.clone(), kept));
        assert_ne!(Held::draw("sbk_", &tenant).unwrap().0, text);
        assert!(!format!("{:?}", hash(&text)).contains("acme"));
        for bad in ["", "sbk_", "sbk_x.acme", &text[4..], &text.replace('.', ""), &format!("{text}/")] {
            assert!(Held::read("sbk_", bad).is_none(), "{bad}");
        }
        assert_ne!(hash_of(&["ab", "c"]), hash_of(&["a", "bc"]));
    }
}
