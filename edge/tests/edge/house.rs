//! An edge with its certificate, its issuer and its cores, and clients for it.

use crate::{
    core::{FakeCore, KEY, Log},
    issuer::{self, ISSUER, Key},
};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use switchboard_edge::{
    Running,
    config::{Config, DEFAULTS},
};
use switchboard_shared::config;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest},
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct House {
    pub(crate) edge: Running,
    pub(crate) log: Arc<Log>,
    pub(crate) cores: Vec<FakeCore>,
    pub(crate) key: Key,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) ca: String,
}

pub(crate) type Tls = TlsStream<TcpStream>;

impl House {
    pub(crate) async fn start() -> Self {
        Self::with("", 1).await
    }

    pub(crate) async fn with(settings: &str, cores: usize) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = tempfile::tempdir().unwrap();
        let ca = certificate(dir.path());
        let key = Key::ed("one");
        std::fs::write(dir.path().join("jwks.json"), issuer::jwks(&[&key])).unwrap();
        let log = Log::new();
        let cores: Vec<FakeCore> = (0..cores).map(|_| FakeCore::start(&log)).collect();
        let urls: Vec<String> = cores.iter().map(FakeCore::url).collect();
        let edge = switchboard_edge::start(configuration(dir.path(), &urls, settings)).await.unwrap();
        Self { edge, log, cores, key, dir, ca }
    }

    pub(crate) fn token(&self, user: &str) -> String {
        self.key.token(&issuer::claims(user))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.edge.address.port())
    }

    pub(crate) fn client(&self) -> reqwest::ClientBuilder {
        let ca = reqwest::Certificate::from_pem(self.ca.as_bytes()).unwrap();
        reqwest::Client::builder().tls_certs_only([ca]).no_proxy()
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> reqwest::Response {
        self.client().build().unwrap().get(self.url(path)).bearer_auth(token).send().await.unwrap()
    }

    /// A TLS connection that speaks HTTP/1.1.
    pub(crate) async fn tls(&self) -> Tls {
        self.tls_to(self.edge.address).await
    }

    pub(crate) async fn tls_to(&self, address: SocketAddr) -> Tls {
        self.tls_speaking(b"http/1.1", address).await
    }

    /// A TLS connection that speaks HTTP/2.
    pub(crate) async fn tls2(&self) -> Tls {
        self.tls_speaking(b"h2", self.edge.address).await
    }

    pub(crate) async fn tls2_to(&self, address: SocketAddr) -> Tls {
        self.tls_speaking(b"h2", address).await
    }

    async fn tls_speaking(&self, protocol: &[u8], address: SocketAddr) -> Tls {
        use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes()).unwrap()).unwrap();
        let mut client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        client.alpn_protocols = vec![protocol.to_vec()];
        let tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(client)).connect(name, tcp).await.unwrap()
    }

    /// Sends bytes as they are, and reads until the connection ends.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut tls = self.tls().await;
        tls.write_all(bytes).await.unwrap();
        tls.flush().await.unwrap();
        read_all(&mut tls).await
    }

    /// Opens a WebSocket; the fields are added to the handshake.
    pub(crate) async fn open(
        &self,
        path: &str,
        fields: &[(&'static str, String)],
    ) -> Result<Ws, tungstenite::Error> {
        self.open_at(self.edge.address, path, fields).await
    }

    pub(crate) async fn open_at(
        &self,
        address: SocketAddr,
        path: &str,
        fields: &[(&'static str, String)],
    ) -> Result<Ws, tungstenite::Error> {
        let mut request = format!("wss://localhost:{}{path}", address.port()).into_client_request().unwrap();
        for (name, value) in fields {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, answer) = tokio_tungstenite::client_async(request, self.tls_to(address).await).await?;
        let protocol =
            answer.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap().to_owned());
        Ok(Ws { socket, protocol })
    }

    /// A WebSocket of a user, welcomed.
    pub(crate) async fn socket(&self, user: &str) -> Ws {
        let mut ws =
            self.open("/ws", &[("authorization", format!("Bearer {}", self.token(user)))]).await.unwrap();
        assert_eq!(ws.next().await["type"], "welcome");
        ws
    }

    /// A WebSocket of a user, in the conversation from its beginning.
    pub(crate) async fn joined(&self, user: &str) -> Ws {
        let mut ws = self.socket(user).await;
        ws.send(json!({"type": "join", "conversation": self.log.conversation, "after": 0})).await;
        assert_eq!(ws.next().await["type"], "joined");
        ws
    }
}

pub(crate) fn configuration(dir: &Path, cores: &[String], settings: &str) -> Config {
    let text = configuration_text(dir, cores, settings);
    config::parse(DEFAULTS, "test", &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(crate) fn configuration_text(dir: &Path, cores: &[String], settings: &str) -> String {
    let base = format!(
        "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nidentity_key = \"{KEY}\"\ndrain_s = 5\n\
         socket.drain_spread_ms = 2000\n\
         tls.cert = \"{0}/cert.pem\"\ntls.key = \"{0}/key.pem\"\n\
         cores.urls = {cores:?}\ncores.health_interval_ms = 100\n\
         auth.issuer = \"{ISSUER}\"\nauth.jwks = \"{0}/jwks.json\"\nsocket.origins = [\"https://chat.example\"]\n\
         limits.ip_per_minute = 100000\n",
        dir.display()
    );
    // A setting of the test replaces the one of the base.
    let given: Vec<&str> = settings.lines().filter_map(|line| line.split(" = ").next()).collect();
    let base: Vec<&str> =
        base.lines().filter(|line| !given.iter().any(|key| line.starts_with(&format!("{key} = ")))).collect();
    format!("{}\n{settings}", base.join("\n"))
}

/// Makes a certificate for localhost, with its own authority.
pub(crate) fn certificate(dir: &Path) -> String {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    // OpenSSL takes a certificate that names its own subject as issuer for one that signed itself.
    authority.distinguished_name.push(rcgen::DnType::CommonName, "authority");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    std::fs::write(dir.join("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    ca
}

pub(crate) async fn read_all(tls: &mut Tls) -> String {
    let mut text = Vec::new();
    // An end without TLS's own goodbye is an end as well.
    drop(timeout(PATIENCE, tls.read_to_end(&mut text)).await.expect("the edge ends the connection"));
    String::from_utf8_lossy(&text).into_owned()
}

/// Waits for something to become true.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}"));
}

pub(crate) struct Ws {
    pub(crate) socket: WebSocketStream<Tls>,
    pub(crate) protocol: Option<String>,
}

impl Ws {
    pub(crate) async fn send(&mut self, frame: Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub(crate) async fn message(&mut self) -> Message {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("a frame comes in time") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return message,
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match self.message().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// The next frame of a type; the others are skipped.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// The code with which the edge closes.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("the socket is closed in time") {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
