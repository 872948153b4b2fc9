//! A browser, as far as signing in needs one: it keeps the cookies of each address, says which page it is on, and goes
//! where it is sent.

use crate::House;
use anyhow::{Context, ensure};
use reqwest::{Method, StatusCode, Url, header, redirect::Policy};
use serde_json::Value;
use std::collections::BTreeMap;
use switchboard::client::Socket;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

/// The cookie of the session token.
const TOKEN: &str = "__Host-switchboard-token";
/// How often one is sent on before something is wrong.
const REDIRECTS: usize = 8;

/// A browser with a page of an edge.
#[derive(Clone, Debug)]
pub struct Browser {
    http: reqwest::Client,
    http1: reqwest::Client,
    /// The edge that its page came from.
    pub edge: Url,
    /// Its cookies, by the host and port that set them and by name.
    pub cookies: BTreeMap<(String, String), String>,
}

/// An open socket.
#[derive(Debug)]
pub struct Opened {
    /// The subprotocol that the edge chose.
    pub protocol: Option<String>,
    /// The socket.
    pub socket: Socket,
}

/// What came.
#[derive(Debug)]
pub struct Came {
    /// The status.
    pub status: StatusCode,
    /// Where one is sent.
    pub location: Option<Url>,
    /// The body: JSON, or `null`.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Browser {
    /// A browser with the first edge's page.
    ///
    /// # Errors
    /// When the CA of the house cannot be read.
    pub fn of(house: &House) -> anyhow::Result<Self> {
        Self::at(house, house.topology().url())
    }

    /// A browser with an edge's page.
    ///
    /// # Errors
    /// When the CA of the house cannot be read.
    pub fn at(house: &House, edge: &Url) -> anyhow::Result<Self> {
        let ca = reqwest::Certificate::from_pem(&std::fs::read(house.topology().ca())?)?;
        let client = || {
            let client = reqwest::Client::builder().tls_certs_only([ca.clone()]).no_proxy();
            client.redirect(Policy::none()).user_agent("a browser of a test")
        };
        let (http, http1) = (client().build()?, client().http1_only().build()?);
        Ok(Self { http, http1, edge: edge.clone(), cookies: BTreeMap::new() })
    }

    /// Goes to an address, or a path of the edge.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get(&mut self, to: &str) -> anyhow::Result<Came> {
        self.send(self.http.get(self.edge.join(to)?), self.edge.join(to)?).await
    }

    /// What a script of the page does: with its origin, and with the header that only pages of ours send.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn script(&mut self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Came> {
        let origin = self.edge.origin().ascii_serialization();
        self.script_of(&origin, method, path, body).await
    }

    /// What a script of another page does.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn script_of(
        &mut self,
        origin: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Came> {
        let url = self.edge.join(path)?;
        let mut request = self.http.request(method, url.clone());
        request = request.header(header::ORIGIN, origin).header("x-switchboard", "1");
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request, url).await
    }

    /// Begins what is not asked for by a page of ours.
    pub fn request_of(&self, method: Method, url: &Url) -> reqwest::RequestBuilder {
        self.http.request(method, url.clone())
    }

    /// The same, in HTTP/1.1.
    pub fn old_request_of(&self, method: Method, url: &Url) -> reqwest::RequestBuilder {
        self.http1.request(method, url.clone())
    }

    /// Opens a socket with these fields in its handshake; the answer's status, and the socket if there is one.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn socket(&self, fields: &[(&str, &str)]) -> anyhow::Result<Result<Opened, StatusCode>> {
        let mut request = self
            .old_request_of(Method::GET, &self.edge.join("/ws")?)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = request.send().await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Err(answer.status()));
        }
        let protocol = answer.headers().get(header::SEC_WEBSOCKET_PROTOCOL).map(|name| name.to_str());
        let protocol = protocol.transpose()?.map(str::to_owned);
        let socket = WebSocketStream::from_raw_socket(answer.upgrade().await?, Role::Client, None).await;
        Ok(Ok(Opened { protocol, socket }))
    }

    /// Opens a socket as a script of the page does, with its cookies.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn page_socket(&self) -> anyhow::Result<Socket> {
        let own = self.edge.origin().ascii_serialization();
        let cookie = format!("{TOKEN}={}", self.cookie(TOKEN).unwrap_or_default());
        let opened = self.socket(&[("origin", &own), ("cookie", &cookie)]).await?;
        opened.map(|opened| opened.socket).map_err(|status| anyhow::anyhow!("refused: {status}"))
    }

    /// Sends something with the cookies of where it goes, and takes those that come back.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn send(&mut self, request: reqwest::RequestBuilder, url: Url) -> anyhow::Result<Came> {
        let at = place(&url);
        let own = self.cookies.iter().filter(|((place, _), _)| *place == at);
        let cookie = own.map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let request = if cookie.is_empty() { request } else { request.header(header::COOKIE, cookie) };
        let answer = request.send().await?;
        for set in answer.headers().get_all(header::SET_COOKIE) {
            self.keep(&at, set.to_str()?)?;
        }
        let location = answer.headers().get(header::LOCATION).map(|to| to.to_str()).transpose()?;
        let location = location.map(|to| url.join(to)).transpose()?;
        let status = answer.status();
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Came { status, location, body, text })
    }

    fn keep(&mut self, at: &str, set: &str) -> anyhow::Result<()> {
        let (name, rest) = set.split_once('=').context("a cookie has a name")?;
        let (value, attributes) = rest.split_once(';').context("a cookie has attributes")?;
        if at == place(&self.edge) {
            for needed in ["Path=/", "HttpOnly", "Secure", "SameSite="] {
                ensure!(attributes.contains(needed), "{set} has no {needed}");
            }
            ensure!(name.starts_with("__Host-") && !attributes.contains("Domain"), "{set}");
        }
        let key = (at.to_owned(), name.to_owned());
        match attributes.contains("Max-Age=0;") || value.is_empty() {
            true => drop(self.cookies.remove(&key)),
            false => drop(self.cookies.insert(key, value.to_owned())),
        }
        Ok(())
    }

    /// A cookie of the edge.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(&(place(&self.edge), name.to_owned())).map(String::as_str)
    }

    /// Forgets a cookie of the edge, as a browser does when it has run out.
    pub fn forget(&mut self, name: &str) {
        self.cookies.remove(&(place(&self.edge), name.to_owned()));
    }

    /// Goes where it is sent until it is back at the edge; what the last address answers is not asked for.
    ///
    /// # Errors
    /// When it is sent nowhere, or for ever.
    pub async fn follow(&mut self, to: &str) -> anyhow::Result<Url> {
        let mut url = self.edge.join(to)?;
        for _ in 0..REDIRECTS {
            let came = self.get(url.as_str()).await?;
            let location = came.location.with_context(|| format!("{url}: {} {}", came.status, came.body))?;
            if place(&location) == place(&self.edge) && location.path() != "/auth/callback" {
                return Ok(location);
            }
            url = location;
        }
        anyhow::bail!("sent on and on, at last to {url}")
    }

    /// Signs in with the development provider, with one click.
    ///
    /// # Errors
    /// When it is not let in.
    pub async fn sign_in(&mut self, user: &str) -> anyhow::Result<()> {
        let to = self.follow(&format!("/auth/login?provider=dev&return_to=%2Fc%2Fx&as={user}")).await?;
        ensure!(to.path() == "/c/x", "sent to {to}");
        Ok(())
    }

    /// Somebody who has just signed in.
    ///
    /// # Errors
    /// When it is not let in.
    pub async fn signed_in(house: &House, user: &str) -> anyhow::Result<Self> {
        let mut browser = Self::of(house)?;
        browser.sign_in(user).await?;
        Ok(browser)
    }
}

fn place(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}
