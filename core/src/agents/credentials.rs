//! What an agent is shown so that it answers: sealed in its row, opened for a call, and shown at one origin alone.

mod read;
mod tokens;

pub(crate) use read::{Asker, read};

use super::guard::Guard;
use crate::{
    error::Result,
    kept,
    seal::{Sealed, Sealer},
};
use http::{HeaderName, HeaderValue, StatusCode};
use reqwest::{Client, Request, Response};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::{
    api::{CredentialKind, CredentialView, Hidden},
    ids::{AgentId, TenantId},
};
use tokens::Tokens;
use url::{Url, form_urlencoded::byte_serialize};

/// What is sealed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(crate) kind: CredentialKind,
    /// The only origin that is shown it.
    origin: String,
    /// As it was given.
    secret: Hidden,
    how: How,
}

/// How it is shown.
#[derive(Serialize, Deserialize)]
enum How {
    Header {
        name: String,
        value: Hidden,
    },
    Query {
        name: String,
    },
    /// As a token, which is asked for first.
    Token {
        url: Url,
        client_id: String,
        scopes: Vec<String>,
    },
}

/// Why nothing can be shown, or what was shown was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CredentialFault {
    #[error("its credential cannot be read with login.seal_keys; set it again")]
    Unreadable,
    #[error(
        "its credential is for {set_for} and it is to be asked at {asked}, where it is not shown; set it again if that is meant"
    )]
    OtherOrigin { set_for: String, asked: String },
    #[error("no token for it: {0}")]
    NoToken(String),
    #[error("it refused our credential (HTTP status {0})")]
    Refused(u16),
    #[error("it wants a credential, and none is set for this address (HTTP status {0})")]
    Missing(u16),
}

/// Why a request was not answered, or only with that we are not known.
pub(super) enum Unsent {
    Credential(CredentialFault),
    Http(reqwest::Error),
}

impl From<CredentialFault> for Unsent {
    fn from(fault: CredentialFault) -> Self {
        Self::Credential(fault)
    }
}

/// Opens and shows.
pub(super) struct Credentials {
    client: Client,
    guard: Guard,
    sealer: Arc<Sealer>,
    tokens: Tokens,
}

impl Credentials {
    /// `patience` is for one request to a token endpoint.
    pub(super) fn new(client: Client, guard: Guard, sealer: Arc<Sealer>, patience: Duration) -> Self {
        Self { client, guard, sealer, tokens: Tokens::new(patience) }
    }

    pub(super) fn can_seal(&self) -> bool {
        self.sealer.can_seal()
    }

    pub(super) fn seal(&self, tenant: &TenantId, agent: &AgentId, credential: &Credential) -> Result<Sealed> {
        let text = serde_json::to_string(credential).map_err(crate::error::Error::writing("credential"))?;
        Ok(self.sealer.seal(&place(tenant, agent), &text)?.into())
    }

    /// What one agent is shown, if it is anything; nothing is opened that was sealed for another one.
    pub(super) fn pass<'a>(&'a self, whose: Option<Whose<'a>>) -> Result<Pass<'a>, CredentialFault> {
        let open = |whose: Whose<'a>| {
            let (tenant, agent, sealed) = whose;
            let text = self.sealer.open(&place(tenant, agent), sealed.bytes());
            let credential = text.and_then(|text| serde_json::from_str(&text).ok());
            Ok((credential.ok_or(CredentialFault::Unreadable)?, whose))
        };
        let held = whose.map(open).transpose()?;
        Ok(Pass { credentials: self, held, shown: Mutex::default() })
    }
}

/// A tenant's agent and what is sealed for it.
pub(super) type Whose<'a> = (&'a TenantId, &'a AgentId, &'a Sealed);

fn place(tenant: &TenantId, agent: &AgentId) -> String {
    format!("agent-credential/{tenant}/{agent}")
}

/// How an origin is written (RFC 6454 §6.1).
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What one agent is shown, during one call.
pub(super) struct Pass<'a> {
    credentials: &'a Credentials,
    held: Option<(Credential, Whose<'a>)>,
    /// Tokens that were shown.
    shown: Mutex<Vec<HeaderValue>>,
}

/// What stands in a request.
enum Proof {
    Header(HeaderName, HeaderValue),
    Query(String, Hidden),
}

impl Pass<'_> {
    pub(super) fn kind(&self) -> Option<CredentialKind> {
        self.held.as_ref().map(|(credential, _)| credential.kind)
    }

    /// Refuses a place that is not shown what the agent is to be shown.
    pub(super) fn check(&self, to: &Url) -> Result<(), CredentialFault> {
        match &self.held {
            Some((credential, _)) if credential.origin != origin(to) => {
                Err(CredentialFault::OtherOrigin { set_for: credential.origin.clone(), asked: origin(to) })
            }
            _ => Ok(()),
        }
    }

    /// The same for what may lie elsewhere, and is then asked for with nothing.
    pub(super) fn only_at(self, to: &Url) -> Self {
        match self.check(to) {
            Ok(()) => self,
            Err(_) => Self { held: None, ..self },
        }
    }

    /// Sends a request with what is to be shown; where a token is refused, once more with a new one. The agent has not
    /// taken up what it answers so.
    pub(super) async fn send(&self, client: &Client, request: Request) -> Result<Response, Unsent> {
        self.check(request.url())?;
        let again = request.try_clone();
        let proof = self.proof(None).await?;
        let mut response = self.show(client, request, proof.as_ref()).await?;
        let renews = standing(&response) == StatusCode::UNAUTHORIZED && self.asks_for_tokens();
        if let (true, Some(again)) = (renews, again) {
            let newer = self.proof(proof.as_ref()).await?;
            response = self.show(client, again, newer.as_ref()).await?;
        }
        match standing(&response) {
            refused @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(match self.held {
                Some(_) => CredentialFault::Refused(refused.as_u16()),
                None => CredentialFault::Missing(refused.as_u16()),
            }
            .into()),
            _ => Ok(response),
        }
    }

    /// A text of an agent's without what it was shown, should it repeat that.
    pub(super) fn hide(&self, text: &str) -> String {
        let Some((credential, _)) = &self.held else { return text.to_owned() };
        let secret = credential.secret.expose();
        let mut secrets = vec![secret.to_owned(), byte_serialize(secret.as_bytes()).collect()];
        if let How::Header { value, .. } = &credential.how {
            secrets.push(value.expose().to_owned());
        }
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.extend(shown.iter().filter_map(|token| token.to_str().ok()).map(str::to_owned));
        // What stands behind the scheme's name as well.
        let bare: Vec<_> =
            secrets.iter().filter_map(|it| it.split_once(' ')).map(|(_, it)| it.to_owned()).collect();
        secrets
            .into_iter()
            .chain(bare)
            .filter(|it| !it.is_empty())
            .fold(text.to_owned(), |text, it| text.replace(&it, "***"))
    }

    fn asks_for_tokens(&self) -> bool {
        matches!(&self.held, Some((Credential { how: How::Token { .. }, .. }, _)))
    }

    /// What is to be shown; a token in another's place, if that was refused.
    async fn proof(&self, refused: Option<&Proof>) -> Result<Option<Proof>, CredentialFault> {
        let Some((credential, whose)) = &self.held else { return Ok(None) };
        let header = |name: &str, value: &str| {
            let name = name.parse().map_err(|_| CredentialFault::Unreadable)?;
            let mut value: HeaderValue = value.parse().map_err(|_| CredentialFault::Unreadable)?;
            value.set_sensitive(true);
            Ok(Some(Proof::Header(name, value)))
        };
        match &credential.how {
            How::Header { name, value } => header(name, value.expose()),
            How::Query { name } => Ok(Some(Proof::Query(name.clone(), credential.secret.clone()))),
            How::Token { url, client_id, scopes } => {
                let Credentials { client, guard, tokens, .. } = self.credentials;
                guard.check(url).map_err(CredentialFault::NoToken)?;
                let wish = tokens::Wish { url, client_id, secret: &credential.secret, scopes };
                let refused = refused.and_then(|refused| match refused {
                    Proof::Header(_, value) => Some(value),
                    Proof::Query(..) => None,
                });
                let token = tokens.get(client, *whose, &wish, refused).await;
                let token = token.map_err(|reason| {
                    CredentialFault::NoToken(reason.replace(credential.secret.expose(), "***"))
                })?;
                let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
                if shown.last() != Some(&token) {
                    shown.push(token.clone());
                }
                drop(shown);
                Ok(Some(Proof::Header(http::header::AUTHORIZATION, token)))
            }
        }
    }

    async fn show(
        &self,
        client: &Client,
        mut request: Request,
        proof: Option<&Proof>,
    ) -> Result<Response, Unsent> {
        match proof {
            Some(Proof::Header(name, value)) => drop(request.headers_mut().insert(name, value.clone())),
            Some(Proof::Query(name, value)) => {
                request.url_mut().query_pairs_mut().append_pair(name, value.expose());
            }
            None => {}
        }
        // The address may hold the key, so no error keeps it.
        kept::send(client, request).await.map_err(|error| Unsent::Http(error.without_url()))
    }
}

/// The status of an answer. Over gRPC it is 200, and a refusal stands beside it.
fn standing(response: &Response) -> StatusCode {
    match response.headers().get("grpc-status").map(HeaderValue::as_bytes) {
        Some(b"16") => StatusCode::UNAUTHORIZED,
        Some(b"7") => StatusCode::FORBIDDEN,
        _ => response.status(),
    }
}

/// A credential with what may be known of it.
pub(crate) struct Read {
    pub(crate) credential: Credential,
    pub(crate) view: CredentialView,
}
