//! Signing in: by OpenID Connect's authorization code with PKCE, with any provider that describes itself. The core holds
//! the session and signs a token of a few minutes for it; the browser has both as cookies.
//!
//! - [`flow`]: a sign-in on its way, in a sealed cookie
//! - [`provider`], [`line`]: one identity provider, and the way to it; [`id_token`]: what it signs, pure; [`who`]: who that is
//! - [`sign_in`]: from the provider's answer to a session
//! - [`sessions`]: what becomes of a session: renewed, listed, ended
//! - [`signer`]: session tokens; `cards`: cards of A2A, with the same keys
//! - [`programs`]: keys and tickets
//! - [`secret`]: what clients hold, and what the database keeps of it

mod cards;
pub(crate) mod fault;
mod flow;
mod id_token;
mod line;
pub(crate) mod programs;
mod provider;
pub(crate) mod secret;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod signer;
mod who;

pub(crate) use flow::LASTS_S;

use crate::{config::LoginConfig, seal::Sealer};
use fault::Fault;
use provider::Provider;
use signer::Signer;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How people sign in here.
pub(crate) struct Login {
    pub(crate) config: LoginConfig,
    pub(crate) providers: Vec<Provider>,
    signer: Signer,
    sealer: Arc<Sealer>,
    /// Requests to providers; there is no queue.
    at_once: Semaphore,
}

impl Login {
    /// Makes it ready; `None` where nobody signs in. Nothing is asked of a provider yet.
    pub(crate) fn new(config: &LoginConfig, sealer: &Arc<Sealer>) -> Result<Option<Self>, String> {
        let signer = Signer::new(&config.keys, &config.issuer, &config.audience, config.token);
        let Some(signer) = signer.map_err(|error| error.to_string())? else { return Ok(None) };
        let providers = config.providers.iter().map(|one| {
            Provider::new(one, config.provider).map_err(|why| format!("login.providers: {}: {why}", one.id))
        });
        Ok(Some(Self {
            providers: providers.collect::<Result<_, _>>()?,
            signer,
            sealer: Arc::clone(sealer),
            at_once: Semaphore::new(config.max_at_once),
            config: config.clone(),
        }))
    }

    fn provider(&self, id: &str) -> Result<&Provider, Fault> {
        self.providers
            .iter()
            .find(|one| one.config.id == id)
            .ok_or(Fault::NotHere("there is no such provider"))
    }

    /// A place among those who ask providers.
    fn place(&self) -> Result<SemaphorePermit<'_>, Fault> {
        self.at_once.try_acquire().map_err(|_| Fault::Busy)
    }
}
