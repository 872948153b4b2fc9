//! Telling clients of A2A what happens, at an address that they named: where that may be, and one notification on its way.
//! What is told, and when, is `faces/a2a/deliver.rs`'.

use crate::{
    agents::Guard,
    config::{Config, PushConfig},
    error::Result,
    kept,
    seal::Sealer,
    store::PushRow,
    turn::{Shares, Whose},
};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use std::{
    iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use switchboard_a2a::MEDIA_TYPE;
use switchboard_shared::{
    cause::Cause,
    ids::{TenantId, TurnId},
};
use url::Url;

/// By this a receiver knows that a notification is for a task of its own.
const TOKEN: &str = "x-a2a-notification-token";
/// Of an answer so much is read, so that the connection can be used again; with more to come it is closed.
const MAX_ANSWER_BYTES: usize = 4_096;

/// What a receiver wants to see, and nobody else may.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct Secrets {
    pub(crate) token: Option<String>,
    pub(crate) credentials: Option<String>,
}

/// Tells clients.
pub(crate) struct Push {
    pub(crate) config: PushConfig,
    client: reqwest::Client,
    guard: Guard,
    sealer: Arc<Sealer>,
    /// Of those that are told at once.
    places: Mutex<Shares>,
}

/// A place of a user's, until it is dropped.
pub(crate) struct Place {
    of: Arc<Push>,
    whose: Whose,
}

impl Push {
    pub(crate) fn new(config: &Config, sealer: Arc<Sealer>) -> reqwest::Result<Self> {
        let guard = Guard { allow_private: config.agents.allow_private_addresses };
        let client = guard.client(config.agents.connect).timeout(config.push.timeout).build()?;
        Ok(Self {
            client,
            guard,
            sealer,
            places: Mutex::new(Shares::new(config.push.at_once)),
            config: config.push.clone(),
        })
    }

    /// Whether this may be told something; why not.
    pub(crate) fn check(&self, url: &str) -> Result<Url, String> {
        let url: Url = url.parse().map_err(|error| Cause::of(&error).to_string())?;
        self.guard.check(&url).map(|()| url)
    }

    /// Seals secrets for where they belong.
    pub(crate) fn seal(&self, tenant: &TenantId, task: TurnId, id: &str, of: &Secrets) -> Result<Vec<u8>> {
        let text = serde_json::to_string(of).unwrap_or_default();
        self.sealer.seal(&place(tenant, task, id), &text)
    }

    /// Whether secrets can be kept.
    pub(crate) fn seals(&self) -> bool {
        self.sealer.can_seal()
    }

    /// As many places as a user may have now.
    pub(crate) fn places(self: &Arc<Self>, whose: &Whose) -> Vec<Place> {
        let next = || {
            let mut shares = self.shares();
            shares.may_take(whose).ok()?;
            shares.take_some(whose, 1);
            Some(Place { of: Arc::clone(self), whose: whose.clone() })
        };
        iter::from_fn(next).collect()
    }

    /// Tells something; why it was not taken, without the address and what else may be secret.
    pub(crate) async fn tell(&self, tenant: &TenantId, to: &PushRow, body: String) -> Result<(), String> {
        let (url, fields) = (self.check(&to.url)?, self.fields(tenant, to)?);
        let request = self.client.post(url).headers(fields).body(body).build();
        let request = request.map_err(|error| Cause::of(&error).to_string())?;
        let response = kept::send(&self.client, request).await;
        let mut response = response.map_err(|error| Cause::of(&error).to_string())?;
        let (status, mut left) = (response.status(), MAX_ANSWER_BYTES);
        while let Ok(Some(chunk)) = response.chunk().await {
            match left.checked_sub(chunk.len()) {
                Some(less) => left = less,
                None => break,
            }
        }
        if status.is_success() { Ok(()) } else { Err(format!("HTTP status {}", status.as_u16())) }
    }

    fn fields(&self, tenant: &TenantId, to: &PushRow) -> Result<HeaderMap, String> {
        let secrets = match &to.sealed {
            None => Secrets::default(),
            Some(sealed) => {
                let opened = self.sealer.open(&place(tenant, to.task, &to.id), sealed);
                let read = opened.and_then(|text| serde_json::from_str(&text).ok());
                read.ok_or("its secrets cannot be opened: was a key of login.seal_keys taken away?")?
            }
        };
        let mut fields = HeaderMap::new();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(token) = &secrets.token {
            fields.insert(TOKEN, secret(token)?);
        }
        if let Some((scheme, credentials)) = to.scheme.as_ref().zip(secrets.credentials) {
            fields.insert(header::AUTHORIZATION, secret(&format!("{scheme} {credentials}"))?);
        }
        Ok(fields)
    }

    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.of.shares().give_some_back(&self.whose, 1);
    }
}

fn place(tenant: &TenantId, task: TurnId, id: &str) -> String {
    format!("push/{tenant}/{task}/{id}")
}

fn secret(text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text).map_err(|_| "its secrets do not fit into a header")?;
    value.set_sensitive(true);
    Ok(value)
}
