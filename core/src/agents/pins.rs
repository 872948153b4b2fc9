//! Keys that whoever manages agents has pinned for one: its card has to be signed with one of them (A2A 1.0, section 8.4),
//! each time that it is read. What a card itself says of where its keys lie proves nothing, and is not followed.

use super::AgentError;
use crate::outside;
use jsonwebtoken::jwk::{Jwk, JwkSet, ThumbprintHash};
use serde_json::{Value, json};
use switchboard_a2a::signed;

/// Keys of one agent: some, so that one is replaced in steps.
const MAX_KEYS: usize = 8;
/// Of a set, in JSON.
const MAX_BYTES: usize = 16_384;
/// Of a key's name, as it is shown.
const MAX_NAME_CHARS: usize = 120;

/// The keys; with none, no signature is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pins(Vec<Jwk>);

impl Pins {
    /// Reads a JWK Set (RFC 7517); an empty one pins nothing.
    pub(crate) fn read(set: &Value) -> Result<Self, AgentError> {
        let wrong = |why: &str| AgentError::Keys(why.to_owned());
        let keys =
            set.get("keys").and_then(Value::as_array).ok_or_else(|| wrong("a JWK Set has a list `keys`"))?;
        if keys.len() > MAX_KEYS || set.to_string().len() > MAX_BYTES {
            return Err(AgentError::Keys(format!(
                "there are at most {MAX_KEYS}, with {MAX_BYTES} bytes together"
            )));
        }
        if keys.iter().any(|key| key.get("d").is_some()) {
            return Err(wrong("one is private, and is nobody else's to know: give its public half"));
        }
        let read = |key: &Value| serde_json::from_value::<Jwk>(key.clone()).ok().filter(signed::is_public);
        let keys: Option<Vec<Jwk>> = keys.iter().map(read).collect();
        keys.map(Self).ok_or_else(|| {
            wrong("one is none that a card is signed with (ES256, ES384, RS256, PS256, EdDSA)")
        })
    }

    /// As they are stored; none for none.
    pub(crate) fn stored(&self) -> Option<Value> {
        (!self.0.is_empty()).then(|| json!({"keys": self.0}))
    }

    /// What they are called, for those who manage agents.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |key: &Jwk| {
            let thumbprint = || key.thumbprint(ThumbprintHash::SHA256).unwrap_or_default();
            outside::line(&key.common.key_id.clone().unwrap_or_else(thumbprint), MAX_NAME_CHARS)
        };
        self.0.iter().map(name).collect()
    }

    /// What is signed of a card, or all of it where nothing is pinned.
    pub(crate) fn proven(&self, card: Value) -> Result<Value, AgentError> {
        if self.0.is_empty() {
            return Ok(card);
        }
        let keys = JwkSet { keys: self.0.clone() };
        signed::verify(&card, &keys).map_err(|why| AgentError::Unproven(why.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Value {
        json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": "QTLnkbbdrmLwpHW2KUsaRFTADolHJxRk69nFQpDSmWY",
            "y": "HxlVPZO608-WB5DS8NOEmipXm4cBX-_LzkPi8M4xsi8"})
    }

    #[test]
    fn keys_are_read_as_they_are_stored() {
        let pins = Pins::read(&json!({"keys": [key()]})).unwrap();
        assert_eq!(pins.names(), ["k"]);
        assert_eq!(Pins::read(&pins.stored().unwrap()).unwrap(), pins);
        assert_eq!(Pins::read(&json!({"keys": []})).unwrap().stored(), None);
    }

    #[test]
    fn what_is_no_set_of_public_keys_is_refused() {
        let with = |name: &str, value: Value| {
            let mut key = key();
            key[name] = value;
            key
        };
        for (set, why) in [
            (json!([key()]), "a list `keys`"),
            (json!({"keys": vec![key(); MAX_KEYS + 1]}), "at most 8"),
            (json!({"keys": [with("d", json!("secret"))]}), "private"),
            (json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}), "none that a card"),
            (json!({"keys": [with("crv", json!("P-999"))]}), "none that a card"),
            (json!({"keys": [7]}), "none that a card"),
        ] {
            let refused = Pins::read(&set).unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn without_keys_a_card_is_taken_as_it_is_and_with_them_it_has_to_be_signed() {
        let card = json!({"name": "a"});
        assert_eq!(Pins::default().proven(card.clone()).unwrap(), card);
        let refused = Pins::read(&json!({"keys": [key()]})).unwrap().proven(card).unwrap_err();
        assert!(refused.to_string().ends_with("it is not signed"), "{refused}");
    }
}
