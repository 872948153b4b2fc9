//! How async-openai's requests travel: once, without retries of its own, with trace context, in bounded memory, and
//! with what the endpoint said about its refusal.

use super::{Fault, Kind};
use crate::{
    outside,
    sse::{self, SentEvent},
};
use async_openai::{error::OpenAIError, middleware::HttpRequestFactory};
use bytes::BytesMut;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, Response};
use std::time::Duration;
use switchboard_shared::telemetry;
use tracing::Span;

const MAX_BODY_BYTES: usize = 4_194_304;
const MAX_ERROR_CHARS: usize = 300;
/// No longer wait is believed; no request has as much time.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

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
    // What async-openai reads is what the standard leaves: it would stumble over a mark at the beginning and over
    // events that are no chunks.
    let chunks = sse::events(chunks)
        .filter_map(|event| std::future::ready(event.map(|event| chunk(&event)).transpose()));
    let mut bounded = http::Response::new(reqwest::Body::wrap_stream(chunks));
    bounded.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("text/event-stream"));
    bounded.into()
}

/// An event as a chunk of an answer, if it is meant to be one.
fn chunk(event: &SentEvent) -> Option<String> {
    let named_chunk = || {
        let value: serde_json::Value = serde_json::from_str(&event.data).ok()?;
        value.get("choices").or(value.get("error")).map(drop)
    };
    if !event.is_message() {
        named_chunk()?;
    }
    Some(format!("data: {}\n\n", event.data.replace('\n', "\ndata: ")))
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
    let said = outside::line(said.unwrap_or_default(), MAX_ERROR_CHARS);
    let after = headers.get(header::RETRY_AFTER).and_then(|after| after.to_str().ok());
    let text = format!("it answered with HTTP status {} {said}", status.as_u16()).trim_end().to_owned();
    Fault { kind, text, retry_after: after.and_then(|after| wait(after, Utc::now())) }
}

/// How long to wait: seconds or a date (RFC 9110 §10.2.3), within a bound; nonsense says nothing.
fn wait(after: &str, now: DateTime<Utc>) -> Option<Duration> {
    let after = after.trim();
    let wait = if !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number can have are a very long time.
        Duration::from_secs(after.parse().unwrap_or(u64::MAX))
    } else {
        let at = DateTime::parse_from_rfc2822(after).ok()?;
        at.signed_duration_since(now).to_std().unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

fn boxed(fault: Fault) -> OpenAIError {
    OpenAIError::Boxed(Box::new(fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date_and_never_more_than_its_bound() {
        let now = "2026-11-28T12:00:00Z".parse().unwrap();
        let seconds = |after| wait(after, now).map(|wait| wait.as_secs());
        for (after, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("18446744073709551615", Some(3_600)),
            ("99999999999999999999999999", Some(3_600)),
            ("Sat, 28 Nov 2026 12:00:09 GMT", Some(9)),
            ("Sat, 28 Nov 2020 12:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(3_600)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(seconds(after), expected, "{after:?}");
        }
    }
}
