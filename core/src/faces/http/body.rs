//! The body of a request: JSON that is all of what is needed and nothing else, read when there is room for it.

use crate::{
    core::Core,
    error::{Error, Result},
    in_hand::SMALL,
    visit::Visit,
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{Method, StatusCode, header},
};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use switchboard_shared::{
    cause::Cause,
    problem::{Problem, ProblemKind},
};

/// When a large body that found too many before it may find fewer.
const RETRY_AFTER_S: u64 = 2;

/// A JSON body that is all of `T` and nothing else.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned + Send + 'static> FromRequest<Arc<Core>> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = media_type.is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            essence == "application/json" || essence.ends_with("+json")
        });
        if !is_json {
            let detail = "The body must be JSON, with Content-Type: application/json.";
            return Err(Error::public(ProblemKind::UnsupportedMediaType, detail));
        }
        let visit = request.extensions().get::<Visit>().cloned();
        let is_large = wait_for_room(core, length(core, &request), visit).await?;
        let body =
            Bytes::from_request(request, core).await.map_err(|rejection| body_problem(core, &rejection))?;
        if !is_large {
            return read(&body).map(Self);
        }
        // Away from the threads that serve the others meanwhile.
        let read = tokio::task::spawn_blocking(move || read(&body));
        read.await.map_err(Error::task("reading a body"))?.map(Self)
    }
}

/// A body as it came, whatever it is.
pub(crate) struct Raw(pub(crate) Bytes);

impl FromRequest<Arc<Core>> for Raw {
    type Rejection = Error;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self> {
        if !matches!(*request.method(), Method::GET | Method::HEAD | Method::DELETE) {
            let visit = request.extensions().get::<Visit>().cloned();
            wait_for_room(core, length(core, &request), visit).await?;
        }
        let body = Bytes::from_request(request, core).await;
        body.map(Self).map_err(|rejection| body_problem(core, &rejection))
    }
}

/// How long a body is at most. One that does not say it may be as long as any.
fn length(core: &Core, request: &Request) -> usize {
    let said =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    said.unwrap_or(core.config.max_body_bytes).min(core.config.max_body_bytes)
}

/// Waits until a body may be read, if it is a large one, and says whether it is.
async fn wait_for_room(core: &Core, bytes: usize, visit: Option<Visit>) -> Result<bool> {
    let whose = visit.as_ref().and_then(|visit| visit.who().map(|who| who.whose.clone()));
    let known = visit.zip(whose);
    let Some((visit, whose)) = known.filter(|_| bytes > SMALL) else { return Ok(false) };
    let Some(body) = core.bodies.take(whose, bytes).await else {
        let detail = "Too many large messages of yours are waiting to be read; send one after another.";
        return Err(Error::Public(Problem::new(ProblemKind::RateLimited, detail).retry_after(RETRY_AFTER_S)));
    };
    visit.brings(body);
    Ok(true)
}

fn body_problem(core: &Core, rejection: &BytesRejection) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("A body has at most {} bytes.", core.config.max_body_bytes);
        return Error::public(ProblemKind::TooLarge, detail);
    }
    Error::public(ProblemKind::BadRequest, "The body could not be read to its end.")
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    if holds_nul(body) {
        return Err(Error::public(ProblemKind::BadRequest, "The text must not hold the character U+0000."));
    }
    // A list would be read as the fields in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Error::public(ProblemKind::BadRequest, "The body must be a JSON object."));
    }
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!("The body is not what is needed: {}.", Cause::of(&error));
        Error::public(ProblemKind::BadRequest, detail)
    })
}

/// Whether a string of the JSON holds the character U+0000, which no row can. Its escape after a backslash that is
/// itself escaped is six characters of text.
fn holds_nul(body: &[u8]) -> bool {
    let signs = body.iter().enumerate().filter(|(_, byte)| **byte == b'\\').map(|(at, _)| at);
    signs
        .filter(|at| body[*at..].starts_with(br"\u0000"))
        .any(|at| body[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_character_is_told_from_its_name() {
        for (json, holds) in [
            (r#"{"text": "a\u0000b"}"#, true),
            (r#"{"text": "a\\u0000b"}"#, false),
            (r#"{"text": "a\\\u0000b"}"#, true),
            (r#"{"text": "\u00001"}"#, true),
            (r#"{"text": "u0000"}"#, false),
        ] {
            let parsed: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(parsed["text"].as_str().unwrap().contains('\0'), holds, "{json}");
            assert_eq!(holds_nul(json.as_bytes()), holds, "{json}");
        }
    }
}
