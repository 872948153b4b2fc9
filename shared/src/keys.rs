//! The key that edges and cores share: it says that a word is one of ours (HMAC-SHA256, RFC 2104). While it is
//! replaced, words under the one before are good as well.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;

/// The fewest bytes that a key may have (RFC 2104 advises the hash's length).
pub const MIN_KEY_BYTES: usize = 32;

/// What a signature is for, so that one word never passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Who asks, edge → core.
    Identity,
    /// An event, core → core.
    Ring,
    /// A piece of a running answer, core → core.
    Delta,
    /// Where an edge is, edge → edge.
    Edge,
    /// That an edge asks, for nobody, edge → core.
    Asking,
}

/// The key that signs, and those that are accepted besides.
#[derive(Clone)]
pub struct SigningKeys(Vec<Vec<u8>>);

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeys(*** and {} more)", self.0.len() - 1)
    }
}

impl SigningKeys {
    /// `signing` signs and is accepted; the others are only accepted.
    #[must_use]
    pub fn new<'a>(signing: &'a str, accepted: impl IntoIterator<Item = &'a str>) -> Self {
        let all = [signing].into_iter().chain(accepted);
        Self(all.map(|key| key.as_bytes().to_vec()).collect())
    }

    /// The signature of some parts, in base64url. Where one part ends and the next begins is signed too.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, parts: &[&str]) -> String {
        let mac = mac(&self.0[0], purpose, parts);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Whether it is the signature of these parts by one of the keys; compared in constant time.
    #[must_use]
    pub fn verify(&self, purpose: Purpose, parts: &[&str], signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        self.0.iter().any(|key| mac(key, purpose, parts).verify_slice(&signature).is_ok())
    }

    /// The text with its signature before it, as [`SigningKeys::unseal`] takes it.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, place: &str, text: &str) -> String {
        format!("{}.{text}", self.sign(purpose, &[place, text]))
    }

    /// The text of what was sealed for this place; `None` for anybody else's word.
    #[must_use]
    pub fn unseal<'a>(&self, purpose: Purpose, place: &str, sealed: &'a str) -> Option<&'a str> {
        let (signature, text) = sealed.split_once('.')?;
        self.verify(purpose, &[place, text], signature).then_some(text)
    }
}

fn mac(key: &[u8], purpose: Purpose, parts: &[&str]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length (RFC 2104)");
    mac.update(match purpose {
        Purpose::Identity => b"switchboard identity",
        Purpose::Ring => b"switchboard ring",
        Purpose::Delta => b"switchboard delta",
        Purpose::Edge => b"switchboard edge",
        Purpose::Asking => b"switchboard edge asks",
    });
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_good_for_its_purpose_and_place_alone() {
        let keys = SigningKeys::new("one", []);
        let sealed = keys.seal(Purpose::Ring, "bell:1", r#"{"a":"b.c"}"#);
        assert_eq!(keys.unseal(Purpose::Ring, "bell:1", &sealed), Some(r#"{"a":"b.c"}"#));
        assert_eq!(keys.unseal(Purpose::Ring, "bell:2", &sealed), None);
        assert_eq!(keys.unseal(Purpose::Delta, "bell:1", &sealed), None);
        assert_eq!(keys.unseal(Purpose::Ring, "bell:1", &sealed.replace("b.c", "b.d")), None);
        for forged in ["", ".", "x.{}", r#"{"a":1}"#] {
            assert_eq!(keys.unseal(Purpose::Ring, "bell:1", forged), None, "{forged}");
        }
        assert_ne!(keys.sign(Purpose::Ring, &["ab", "c"]), keys.sign(Purpose::Ring, &["a", "bc"]));
    }

    #[test]
    fn a_key_is_replaced_in_three_steps_without_a_refusal() {
        let both = |signing: &str, accepted: &[&'static str], by: &SigningKeys| {
            let word = by.sign(Purpose::Identity, &["x"]);
            SigningKeys::new(signing, accepted.iter().copied()).verify(Purpose::Identity, &["x"], &word)
        };
        let (old, new) = (SigningKeys::new("old", []), SigningKeys::new("new", []));
        assert!(both("old", &["new"], &old) && both("old", &["new"], &new));
        assert!(both("new", &["old"], &old) && both("new", &["old"], &new));
        assert!(both("new", &[], &new) && !both("new", &[], &old));
        assert_eq!(format!("{old:?}"), "SigningKeys(*** and 0 more)");
    }
}
