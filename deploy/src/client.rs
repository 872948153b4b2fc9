//! HTTP and WebSocket to an edge. It trusts the development CA when there is one, else what the machine trusts.

use crate::{
    error::{Error, Result},
    house::House,
};
use reqwest::{Method, Response, StatusCode, tls::TlsInfo};
use serde::{Serialize, de::DeserializeOwned};
use std::{net::IpAddr, path::Path, time::Duration};
use switchboard_client::socket;
pub use switchboard_client::{Closed, Socket, next_text, send_frame};
use switchboard_shared::{
    api::{MAX_PAGE, Page},
    cause::Cause,
    problem::Problem,
    proxy::Proxy,
};
use url::{Url, form_urlencoded::Serializer};

/// How long a request may take; an answer that is waited for whole has the edge's own deadline.
const REQUEST_WITHIN: Duration = Duration::from_secs(120);
/// How long a connection may take to come up.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a WebSocket may take to open.
const OPEN_WITHIN: Duration = Duration::from_secs(20);

/// A caller of one edge, with one token.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
    house: Option<House>,
    proxy: Proxy,
}

impl Client {
    /// Makes a client of the edge at `base` that trusts `ca`.
    ///
    /// # Errors
    /// When the CA file cannot be used.
    pub fn new(base: Url, ca: Option<&Path>, token: &str) -> Result<Self> {
        Self::through(&Proxy::default(), base, ca, token)
    }

    /// As [`Client::new`], by way of a proxy.
    ///
    /// # Errors
    /// When the proxy or the CA file cannot be used.
    pub fn through(proxy: &Proxy, base: Url, ca: Option<&Path>, token: &str) -> Result<Self> {
        Self::build(proxy, None, base, ca, token)
    }

    /// As [`Client::new`], from an address of this machine: on loopback, many people have an address each.
    ///
    /// # Errors
    /// When the CA file cannot be used.
    pub fn from_address(local: IpAddr, base: Url, ca: Option<&Path>, token: &str) -> Result<Self> {
        Self::build(&Proxy::default(), Some(local), base, ca, token)
    }

    fn build(
        proxy: &Proxy,
        local: Option<IpAddr>,
        base: Url,
        ca: Option<&Path>,
        token: &str,
    ) -> Result<Self> {
        let failed = |error| Error::Failed(format!("no HTTP client: {error}"));
        // HTTP/1.1 serves a terminal well, and a WebSocket needs it (RFC 6455 §4.1).
        let mut builder = proxy
            .client()
            .map_err(failed)?
            .http1_only()
            .local_address(local)
            .tls_info(true)
            .connect_timeout(CONNECT_WITHIN)
            .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = ca {
            let pem = std::fs::read(path).map_err(Error::named(path))?;
            let unusable = |error| Error::Invalid(format!("{} is no CA file: {error}", path.display()));
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem).map_err(unusable)?);
        }
        let http = builder.build().map_err(failed)?;
        Ok(Self { http, base, token: token.to_owned(), house: None, proxy: proxy.clone() })
    }

    /// The same caller, who knows whose edge it is and so what its silence means.
    #[must_use]
    pub fn of_house(self, house: House) -> Self {
        Self { house: Some(house), ..self }
    }

    /// The same caller with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The edge's address.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Reads `path`.
    ///
    /// # Errors
    /// With the problem that the server names, or when it cannot be reached.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        body(self.send::<()>(Method::GET, path, None).await?).await
    }

    /// The first items of a list, page by page, so many at most; and whether there are more.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn first<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        limit: u32,
    ) -> Result<(Vec<T>, bool)> {
        let mut items = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let wanted = limit.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
            let mut query = Serializer::new(query.to_owned());
            query.append_pair("limit", &wanted.min(MAX_PAGE).to_string());
            if let Some(after) = &next {
                query.append_pair("after", after);
            }
            let page: Page<T> = self.get(&format!("{path}?{}", query.finish())).await?;
            items.extend(page.items);
            next = page.next;
            if next.is_none() || items.len() >= limit as usize {
                return Ok((items, next.is_some()));
            }
        }
    }

    /// Posts `value` to `path`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post<T: DeserializeOwned>(&self, path: &str, value: &impl Serialize) -> Result<T> {
        body(self.send(Method::POST, path, Some(value)).await?).await
    }

    /// Puts `value` at `path`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn put<T: DeserializeOwned>(&self, path: &str, value: &impl Serialize) -> Result<T> {
        body(self.send(Method::PUT, path, Some(value)).await?).await
    }

    /// Changes what is at `path`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn patch<T: DeserializeOwned>(&self, path: &str, value: &impl Serialize) -> Result<T> {
        body(self.send(Method::PATCH, path, Some(value)).await?).await
    }

    /// Deletes `path`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.send::<()>(Method::DELETE, path, None).await.map(drop)
    }

    /// When the edge's certificate expires.
    ///
    /// # Errors
    /// When the edge cannot be reached.
    pub async fn certificate_expiry(&self) -> Result<Option<chrono::DateTime<chrono::Utc>>> {
        let response =
            self.http.get(self.url("/")?).send().await.map_err(|error| self.unreachable(&error))?;
        let info = response.extensions().get::<TlsInfo>();
        Ok(info.and_then(TlsInfo::peer_certificate).and_then(crate::topology::ca::expiry))
    }

    /// Asks for something and reads no more than the head of the answer; its body comes as it is read.
    ///
    /// # Errors
    /// With the problem that the server names, or when it cannot be reached.
    pub async fn open(&self, path: &str) -> Result<Response> {
        self.send::<()>(Method::GET, path, None).await
    }

    /// Opens a WebSocket (RFC 6455) at `path`, with the token in its handshake.
    ///
    /// # Errors
    /// With the problem that the server names, or when it cannot be reached.
    pub async fn socket(&self, path: &str) -> Result<Socket> {
        let opened = socket::open(&self.http, &self.base, path, &self.token, OPEN_WITHIN).await;
        opened.map_err(|error| self.failure(error))
    }

    /// The way to edges, for who goes to several.
    #[must_use]
    pub fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// The error of the client library in the words of this command.
    #[must_use]
    pub fn failure(&self, error: switchboard_client::Error) -> Error {
        match error {
            switchboard_client::Error::Unreachable { edge, source } => {
                Self { base: edge, ..self.clone() }.unreachable(&source)
            }
            switchboard_client::Error::Refused { problem: Some(problem), .. } => Error::Problem(problem),
            switchboard_client::Error::Refused { edge, status: 401, .. } => {
                Error::Auth(format!("{edge} wants a valid token"))
            }
            error @ switchboard_client::Error::NoWebSocket(_) => Error::Unreachable(error.to_string()),
            error @ (switchboard_client::Error::Token(_) | switchboard_client::Error::Unauthenticated(_)) => {
                Error::Auth(error.to_string())
            }
            error => Error::Failed(error.to_string()),
        }
    }

    fn url(&self, path: &str) -> Result<Url> {
        self.base.join(path).map_err(|error| Error::Invalid(format!("{path}: {error}")))
    }

    async fn send<T: Serialize>(&self, method: Method, path: &str, value: Option<&T>) -> Result<Response> {
        let mut request =
            self.http.request(method, self.url(path)?).bearer_auth(&self.token).timeout(REQUEST_WITHIN);
        if let Some(value) = value {
            request = request.json(value);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        let cause = Cause::of(error);
        let up = self.house.as_ref().filter(|house| house.is_up());
        Error::Unreachable(match up {
            _ if error.is_timeout() => format!("{} did not answer in time{}", self.base, self.proxy),
            Some(house) if error.is_connect() || cause == Cause::Broken => format!(
                "the house is up (process {}), but its edge at {} does not answer just now: it starts again, or stops; try again",
                house.pid, self.base
            ),
            _ if error.is_connect() && cause == Cause::Refused && self.proxy == Proxy::default() => {
                format!(
                    "nothing listens at {}: no house is running here; start one with `switchboard up`",
                    self.base
                )
            }
            _ if cause == Cause::Broken => {
                format!("{} closed the connection: its edge is going away; try again", self.base)
            }
            _ if cause == Cause::Untrusted => {
                format!("{} cannot be reached{}: {cause} (--ca names one)", self.base, self.proxy)
            }
            _ => format!("{} cannot be reached{}: {cause}", self.base, self.proxy),
        })
    }
}

async fn body<T: DeserializeOwned>(response: Response) -> Result<T> {
    let url = response.url().clone();
    response.json().await.map_err(|error| match Cause::of(&error) {
        Cause::Broken => Error::Unreachable(format!("{url}: {}; try again", Cause::Broken)),
        cause => Error::Failed(format!("{url} answered what cannot be read: {cause}")),
    })
}

async fn refusal(response: Response) -> Error {
    let (status, url) = (response.status(), response.url().clone());
    let bytes = response.bytes().await.unwrap_or_default();
    match serde_json::from_slice::<Problem>(&bytes) {
        Ok(problem) => Error::Problem(Box::new(problem)),
        Err(_) if status == StatusCode::UNAUTHORIZED => Error::Auth(format!("{url} wants a valid token")),
        Err(_) => Error::Failed(format!("{url} answered {status}")),
    }
}
