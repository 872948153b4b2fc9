//! How async-openai's requests travel: once, without retries of its own, with trace context, in bounded memory, and
//! with what the endpoint said about its refusal.

use super::{Fault, Kind};
use async_openai::{error::OpenAIError, middleware::HttpRequestFactory};
use bytes::BytesMut;
use futures::StreamExt;
use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, Response};
use std::time::Duration;
use switchboard_shared::telemetry;
use tracing::Span;

const MAX_BODY_BYTES: usize = 4_194_304;
const MAX_ERROR_CHARS: usize = 300;

/// Sends one request; a refusal and a body that is not JSON become a [`Fault`] in the error.
pub(super) async fn send(client: Client, factory: HttpRequestFactory) -> Result<Response, OpenAIError> {
    let mut request = factory.build().await?;
    telemetry::inject(&Span::current(), request.headers_mut());
    let response = client.execute(request).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    if status.is_success() && is_stream(&headers) {
        return Ok(bounded_stream(response));
    }
    let body = read(response).await?;
    if !status.is_success() {
        return Err(boxed(refusal(status, &headers, &body)));
    }
    // Checked here, since async-openai would write the whole body into the log at error level.
    if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
        return Err(boxed(Fault::new(Kind::Nonsense, "it answered something that is not JSON")));
    }
    Ok(http::Response::new(body).into())
}

/// Finds the fault in an error of async-openai, or makes one of it.
pub(super) fn fault(error: OpenAIError) -> Fault {
    match error {
        OpenAIError::Boxed(error) => match error.downcast::<Fault>() {
            Ok(fault) => *fault,
            Err(error) => Fault::new(Kind::Unreachable, error.to_string()),
        },
        OpenAIError::Reqwest(error) => {
            Fault::new(Kind::Unreachable, format!("it cannot be reached: {}", error.without_url()))
        }
        OpenAIError::StreamError(_) => Fault::new(Kind::Cut, "its stream broke"),
        _ => Fault::new(Kind::Nonsense, "its answer cannot be read"),
    }
}

fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.to_ascii_lowercase().starts_with("text/event-stream")
}

fn bounded_stream(response: Response) -> Response {
    let mut left = MAX_BODY_BYTES;
    let chunks = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(std::io::Error::other)?;
        left = left.checked_sub(chunk.len()).ok_or_else(|| std::io::Error::other("it sent too much"))?;
        Ok::<_, std::io::Error>(chunk)
    });
    let mut bounded = http::Response::new(reqwest::Body::wrap_stream(chunks));
    bounded.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("text/event-stream"));
    bounded.into()
}

async fn read(mut response: Response) -> Result<bytes::Bytes, OpenAIError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(boxed(Fault::new(Kind::Nonsense, "it sent too much")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    let kind = match status.as_u16() {
        429 => Kind::RateLimited,
        408 => Kind::TimedOut,
        400..500 => Kind::Refused,
        _ => Kind::ServerError,
    };
    let said: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let said = said.pointer("/error/message").or(said.get("message")).and_then(|said| said.as_str());
    let said: String =
        said.unwrap_or_default().chars().filter(|c| !c.is_control()).take(MAX_ERROR_CHARS).collect();
    let retry_after = headers.get(header::RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
    let text = format!("it answered with HTTP status {} {said}", status.as_u16()).trim_end().to_owned();
    Fault { kind, text, retry_after: retry_after.map(Duration::from_secs) }
}

fn boxed(fault: Fault) -> OpenAIError {
    OpenAIError::Boxed(Box::new(fault))
}
