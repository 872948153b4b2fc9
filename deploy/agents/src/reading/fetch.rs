//! Fetching from the web within bounds: reach, time, size, redirects.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use url::Url;

use super::guard::{GuardError, Reach};

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);
const REDIRECTS: usize = 5;
/// Bytes read of an answer; the rest is left unread, and said so.
pub(crate) const MOST: usize = 2 * 1024 * 1024;

/// A bounded HTTP client.
#[derive(Clone)]
pub(crate) struct Fetcher {
    client: Client,
    reach: Reach,
}

/// What came back.
pub(crate) struct Fetched {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) cut: bool,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// Not a web address at all.
    #[error("{0} is not a web address")]
    NotAUrl(String),
    /// The guard said no.
    #[error(transparent)]
    Guarded(#[from] GuardError),
    /// It did not work.
    #[error("{0}")]
    Failed(String),
}

impl Fetcher {
    /// Makes a client that reaches no further than `reach`.
    pub(crate) fn new(reach: Reach) -> Result<Self, reqwest::Error> {
        let redirects = Policy::custom(move |attempt| {
            if attempt.previous().len() > REDIRECTS {
                return attempt.error("too many redirects");
            }
            match reach.check(attempt.url()) {
                Ok(()) => attempt.follow(),
                Err(refused) => attempt.error(refused),
            }
        });
        let client = Client::builder()
            .dns_resolver(std::sync::Arc::new(reach))
            .redirect(redirects)
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            // A proxy would connect for us, past the guard.
            .no_proxy()
            .user_agent(concat!("switchboard-agents/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, reach })
    }

    /// Sends one request; `body` is sent as JSON.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<String>,
    ) -> Result<Fetched, FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::NotAUrl(url.to_owned()))?;
        self.reach.check(&url)?;
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body);
        }
        let response = request.send().await.map_err(|error| FetchError::Failed(plain(&error)))?;
        let (url, status, headers) = (response.url().clone(), response.status(), response.headers().clone());
        let mut chunks = response.bytes_stream();
        let mut body = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| FetchError::Failed(plain(&error)))?;
            body.extend_from_slice(&chunk[..chunk.len().min(MOST - body.len())]);
            if body.len() == MOST {
                break;
            }
        }
        let cut = body.len() == MOST;
        Ok(Fetched { url, status, headers, body: body.freeze(), cut })
    }
}

/// The innermost cause says what happened; the outer ones repeat the address.
fn plain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "there was no whole answer within 15 seconds".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
