//! Cards of A2A, signed with the key of session tokens: each says in its header what it is, so that neither is taken for the
//! other.

use super::{
    Login,
    signer::{UnusableKey, key_set},
};
use jsonwebtoken::jwk::JwkSet;
use switchboard_a2a::{
    signed,
    wire::{AgentCard, AgentCardSignature},
};

impl Login {
    /// What proves that a card is ours; `jku` is where the public halves of the keys lie.
    pub(crate) fn sign(&self, card: &AgentCard, jku: &str) -> Option<Vec<AgentCardSignature>> {
        let signed = signed::sign(card, &self.signer.signing(jku));
        signed.inspect_err(|error| tracing::error!(%error, "a card could not be signed")).ok()
    }

    /// What the key is called that signs now.
    pub(crate) fn kid(&self) -> &str {
        self.signer.kid()
    }

    /// The public halves of the keys.
    pub(crate) fn keys(&self) -> Result<JwkSet, UnusableKey> {
        key_set(&self.config.keys)
    }
}
