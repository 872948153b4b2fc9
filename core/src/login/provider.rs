//! One identity provider: its description and keys, read from where it says they are, and what it is asked.

use super::{
    fault::Fault,
    flow::Flow,
    id_token::{self, Claims, Expected},
    line::Line,
};
use crate::config::{ProviderConfig, is_closed_to_others};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::Deserialize;
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::config::Secret;
use tokio::time::Instant;
use url::{Url, form_urlencoded};

/// How long a description is taken for current, ...
const FRESH: Duration = Duration::from_secs(600);
/// ... and for how long it is used while the provider cannot be asked for another one.
const STALE: Duration = Duration::from_secs(86_400);
/// How often keys are read again because a token names one that is not known.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(5);

/// An identity provider.
pub(crate) struct Provider {
    pub(crate) config: ProviderConfig,
    line: Line,
    known: Mutex<Option<Arc<Known>>>,
}

/// What was read of it.
struct Known {
    description: Description,
    keys: JwkSet,
    at: Instant,
}

/// Its description (OpenID Connect Discovery §3).
#[derive(Clone, Debug, Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    /// OpenID Connect RP-Initiated Logout §2.1.
    #[serde(default)]
    end_session_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What a provider gives for a code or a refresh token (RFC 6749 §5.1).
#[derive(Deserialize)]
pub(crate) struct Tokens {
    #[serde(default)]
    pub(crate) id_token: Option<String>,
    #[serde(default)]
    pub(crate) refresh_token: Option<String>,
}

impl Provider {
    pub(crate) fn new(config: &ProviderConfig, patience: Duration) -> Result<Self, String> {
        let line = Line::new(&config.proxy, &config.ca_file, patience)?;
        Ok(Self { config: config.clone(), line, known: Mutex::default() })
    }

    /// Where the browser is sent to sign in.
    pub(crate) async fn sign_in_url(&self, flow: &Flow, hint: Option<&str>) -> Result<Url, Fault> {
        let mut url = self.known().await?.description.authorization_endpoint.clone();
        let (scopes, redirect, challenge) =
            (self.config.scopes.join(" "), flow.redirect_uri(), flow.challenge());
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(&self.config.parameters);
            query.extend_pairs([
                ("response_type", "code"),
                ("client_id", &self.config.client_id),
                ("redirect_uri", &redirect),
                ("scope", &scopes),
                ("state", &flow.state),
                ("nonce", &flow.nonce),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ]);
            query.extend_pairs(hint.map(|hint| ("login_hint", hint)));
        }
        Ok(url)
    }

    /// Where the browser is sent to sign out of the provider as well, and from there back to this origin (OpenID Connect
    /// RP-Initiated Logout §2); `None` where that is not asked for, or not offered. ID tokens are not kept, so that it
    /// may ask whether it is meant.
    pub(super) async fn sign_out_url(&self, origin: &str) -> Result<Option<Url>, Fault> {
        if !self.config.sign_out {
            return Ok(None);
        }
        let Some(mut url) = self.known().await?.description.end_session_endpoint.clone() else {
            return Ok(None);
        };
        let back = format!("{origin}/");
        let who = [("client_id", self.config.client_id.as_str()), ("post_logout_redirect_uri", &back)];
        url.query_pairs_mut().extend_pairs(who);
        Ok(Some(url))
    }

    /// Whether an answer that names its issuer names this one (RFC 9207): else it is another provider's, mixed up.
    pub(crate) async fn answered(&self, issuer: Option<&str>) -> Result<(), Fault> {
        let known = self.known().await?;
        let needed = known.description.authorization_response_iss_parameter_supported;
        match issuer {
            Some(issuer) if issuer != known.description.issuer => {
                Err(Fault::Stray("the answer is another provider's"))
            }
            None if needed => Err(Fault::Stray("the answer does not say whose it is")),
            _ => Ok(()),
        }
    }

    /// Changes a code into tokens (RFC 6749 §4.1.3).
    pub(crate) async fn exchange(&self, code: &str, flow: &Flow) -> Result<Tokens, Fault> {
        let redirect = flow.redirect_uri();
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect),
            ("code_verifier", &flow.verifier),
        ])
        .await
    }

    /// Changes a refresh token into other tokens (RFC 6749 §6).
    pub(crate) async fn refresh(&self, refresh_token: &str) -> Result<Tokens, Fault> {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// The claims of an ID token; of a sign-in it has to have the nonce.
    pub(crate) async fn identity(&self, token: &str, nonce: Option<&str>) -> Result<Claims, Fault> {
        let (key, issuer) = self.key_for(token).await?;
        let expected = Expected { issuer: &issuer, client_id: &self.config.client_id };
        id_token::identity(token, &key, expected, nonce)
    }

    /// Whom a logout token is about, and which of the provider's sessions.
    pub(crate) async fn logout(&self, token: &str) -> Result<(Option<String>, Option<String>), Fault> {
        let (key, issuer) = self.key_for(token).await?;
        let expected = Expected { issuer: &issuer, client_id: &self.config.client_id };
        id_token::logout(token, &key, expected)
    }

    async fn key_for(&self, token: &str) -> Result<(Jwk, String), Fault> {
        let header = id_token::header_of(token)?;
        let mut known = self.known().await?;
        if id_token::key_for(&header, &known.keys).is_none() && known.at.elapsed() > UNKNOWN_KEY_PAUSE {
            known = self.read().await?;
        }
        let key = id_token::key_for(&header, &known.keys);
        let key =
            key.cloned().ok_or_else(|| Fault::unbelievable("it was signed with a key that is not known"))?;
        Ok((key, known.description.issuer.clone()))
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Result<Tokens, Fault> {
        let known = self.known().await?;
        let secret = &self.config.client_secret;
        let basic = takes_basic(&known.description, secret);
        let form = self.form(fields, basic);
        let basic = basic.then(|| (escaped(&self.config.client_id), escaped(secret.expose())));
        self.line.post(&known.description.token_endpoint, form, basic).await
    }

    /// A form that says who we are, unless a header does.
    fn form(&self, fields: &[(&str, &str)], basic: bool) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        if !basic {
            let secret = self.config.client_secret.expose();
            form.append_pair("client_id", &self.config.client_id);
            form.extend_pairs((!secret.is_empty()).then_some(("client_secret", secret)));
        }
        form.finish()
    }

    /// The description, not older than it may be.
    async fn known(&self) -> Result<Arc<Known>, Fault> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.as_ref().filter(|known| known.at.elapsed() < FRESH) {
            return Ok(Arc::clone(known));
        }
        match (self.read().await, known) {
            (Err(fault @ Fault::Down(_)), Some(known)) if known.at.elapsed() < STALE => {
                tracing::warn!(provider = self.config.id, %fault, "what is known of it is used");
                Ok(known)
            }
            (read, _) => read,
        }
    }

    async fn read(&self) -> Result<Arc<Known>, Fault> {
        let issuer = &self.config.issuer;
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let place = place.parse().map_err(|_| Fault::unbelievable("its issuer is no address"))?;
        let description: Description = self.line.get(&place).await?;
        if description.issuer != *issuer {
            return Err(Fault::unbelievable("its description is another issuer's"));
        }
        let endpoints =
            [&description.authorization_endpoint, &description.token_endpoint, &description.jwks_uri];
        if !endpoints.into_iter().chain(&description.end_session_endpoint).all(is_closed_to_others) {
            return Err(Fault::unbelievable("an address in its description is not https"));
        }
        let keys = key_set(self.line.get(&description.jwks_uri).await?);
        let known = Arc::new(Known { description, keys, at: Instant::now() });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        Ok(known)
    }
}

/// The keys that are understood; the others are passed over (RFC 7517 §5).
fn key_set(set: Value) -> JwkSet {
    let keys = set.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
    JwkSet { keys: keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect() }
}

/// How we say who we are: in a header, unless the provider takes it in the body alone (RFC 6749 §2.3.1).
fn takes_basic(description: &Description, secret: &Secret) -> bool {
    let methods = description.token_endpoint_auth_methods_supported.as_deref();
    let basic = methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
    basic && !secret.is_empty()
}

fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
