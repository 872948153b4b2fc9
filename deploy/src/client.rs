//! HTTP and WebSocket to an edge. It trusts the development CA when there is one, else what the machine trusts.

use crate::{
    cause::Cause,
    error::{Error, Result},
    house::House,
};
use futures::{SinkExt, StreamExt};
use reqwest::{Method, Response, StatusCode, Upgraded, header, tls::TlsInfo};
use serde::{Serialize, de::DeserializeOwned};
use std::{net::IpAddr, path::Path, time::Duration};
use switchboard_shared::{events::SUBPROTOCOL, problem::Problem, proxy::Proxy};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::Role,
    },
};
use url::Url;

/// How long a request may take; an answer that is waited for whole has the edge's own deadline.
const REQUEST_WITHIN: Duration = Duration::from_secs(120);
/// How long a connection may take to come up.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// A caller of one edge, with one token.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
    house: Option<House>,
    proxy: Proxy,
}

/// A WebSocket to an edge.
pub type Socket = WebSocketStream<Upgraded>;

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

    /// The same caller at another edge, which has to be as private as this one: the token goes there.
    #[must_use]
    pub fn at(&self, base: &str) -> Option<Self> {
        let base = Url::parse(base).ok().filter(|base| base.scheme() == self.base.scheme())?;
        Some(Self { base, ..self.clone() })
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
        let key = generate_key();
        let request = self
            .http
            .get(self.url(path)?)
            .bearer_auth(&self.token)
            .timeout(Duration::from_secs(20))
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)
            .header(header::SEC_WEBSOCKET_KEY, &key);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(refusal(response).await);
        }
        let accept = response.headers().get(header::SEC_WEBSOCKET_ACCEPT).map(header::HeaderValue::as_bytes);
        if accept != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(Error::Unreachable(format!("{} is no WebSocket server", self.base)));
        }
        let upgraded = response.upgrade().await.map_err(|error| self.unreachable(&error))?;
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
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
            _ => format!("{} cannot be reached{}: {}", self.base, self.proxy, cause),
        })
    }
}

/// Sends a frame as JSON.
///
/// # Errors
/// When the socket is gone.
pub async fn send_frame(socket: &mut Socket, frame: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(frame).map_err(|error| Error::Failed(error.to_string()))?;
    socket.send(Message::text(text)).await.map_err(|_| Error::Unreachable("the socket is gone".to_owned()))
}

/// Reads the next text frame; the error says why there is none.
///
/// # Errors
/// With the close code, when the server closed the socket, or that it is gone.
pub async fn next_text(socket: &mut Socket) -> Result<String, Closed> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Close(Some(frame)))) => {
                return Err(Closed {
                    code: Some(frame.code.into()),
                    reason: frame.reason.as_str().to_owned(),
                });
            }
            Some(Ok(Message::Close(None))) | None => {
                return Err(Closed { code: None, reason: String::new() });
            }
            Some(Err(error)) => return Err(Closed { code: None, reason: error.to_string() }),
            // Pings are answered by the library as it reads on.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
        }
    }
}

/// Why a socket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The close code, when one was said.
    pub code: Option<u16>,
    /// The words that came with it.
    pub reason: String,
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
