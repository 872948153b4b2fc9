//! Who is asking, whatever they show: a token is verified here, a key or a ticket by a core.

use crate::{
    auth::{
        Refusal,
        secrets::{Said, is_secret},
        shown::shown,
    },
    context::{Edge, request_id},
    upstream::call::Call,
};
use http::{HeaderMap, Method};
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::{Exchange, Exchanged},
    identity::{Grant, Identity},
    problem::ProblemKind,
};
use tokio::time::Instant;
use tracing::Span;

/// How long cores may take to say whose a secret is, or an edge that has just begun may wait for what was taken back.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest secret; a tenant's name is in it.
const MAX_CHARS: usize = 128;

/// Who sends a request.
///
/// # Errors
/// With the reason to refuse it.
pub async fn request(edge: &Edge, headers: &HeaderMap) -> Result<Arc<Identity>, Refusal> {
    match shown(headers) {
        Ok(shown) => token(edge, shown.token()).await,
        Err(refusal) => Err(edge.auth.refused(refusal)),
    }
}

/// Whom a token, a key or a ticket stands for.
///
/// # Errors
/// With the reason to refuse it.
pub async fn token(edge: &Edge, text: &str) -> Result<Arc<Identity>, Refusal> {
    find(edge, text).await.map_err(|refusal| edge.auth.refused(refusal))
}

/// Who sends a request, where it needs not be anybody.
pub async fn anybody(edge: &Edge, headers: &HeaderMap) -> Option<Arc<Identity>> {
    find(edge, shown(headers).ok()?.token()).await.ok()
}

async fn find(edge: &Edge, text: &str) -> Result<Arc<Identity>, Refusal> {
    tokio::time::timeout(PATIENCE, edge.revoked.heard()).await.map_err(|_| Refusal::Unavailable)?;
    let found = match is_secret(text) {
        true => secret(edge, text).await,
        false => edge.auth.token(text).await,
    }?;
    if edge.revoked.covers(&found) { Err(Refusal::Revoked) } else { Ok(found) }
}

async fn secret(edge: &Edge, text: &str) -> Result<Arc<Identity>, Refusal> {
    if text.len() > MAX_CHARS {
        return Err(Refusal::TooLarge);
    }
    let said = match edge.auth.secrets.said(text, chrono::Utc::now().timestamp()) {
        Some(said) => said,
        None => {
            let said = ask(edge, text).await?;
            edge.auth.secrets.remember(text, &said);
            said
        }
    };
    match said {
        Said::Identity(identity) => Ok(identity),
        Said::Nobodys => Err(Refusal::UnknownKey),
    }
}

async fn ask(edge: &Edge, text: &str) -> Result<Said, Refusal> {
    let body = serde_json::to_vec(&Exchange { secret: text.to_owned() }).map_err(|_| Refusal::Malformed)?;
    let (id, span) = (request_id(), Span::none());
    let call = Call {
        method: Method::POST,
        path: "/internal/secrets".to_owned(),
        body: body.into(),
        deadline: Instant::now() + PATIENCE,
        attempt: PATIENCE / 2,
    };
    match edge.cores.call(&call, &edge.stamp(None, &id, &span)).await {
        Ok(answer) => {
            let Exchanged { identity, issued_at } =
                serde_json::from_slice(&answer).map_err(|_| Refusal::Unavailable)?;
            let grant = Grant { issued_at, ..identity.grant };
            Ok(Said::Identity(Arc::new(Identity { grant, ..identity })))
        }
        Err(problem) if problem.code == ProblemKind::NotFound => Ok(Said::Nobodys),
        Err(_) => Err(Refusal::Unavailable),
    }
}
