//! The edge: TLS, tokens, limits, proxying, and every WebSocket. It keeps nothing that its death would lose.
//!
//! In the order in which a request meets them:
//! - [`door`]: accepts connections and takes the strict look at each request's head; [`tls`] is its certificate
//! - [`auth`], [`identify`]: token or key → identity
//! - [`limit`]: how much is too much
//! - [`proxy`]: one HTTP request through Pingora, phase by phase
//! - [`socket`]: one WebSocket; its conversations are event streams on the cores
//! - [`edges`]: which edges there are
//! - [`upstream`]: the cores: health, choice, connections
//! - [`answer`]: problems, as clients see them
//! - [`context`]: what these rooms share
//! - [`admin`], [`metrics`]: what operators see
//! - [`config`], [`drain`]: the beginning and the end

pub mod admin;
pub mod answer;
pub mod auth;
pub mod config;
pub mod context;
pub mod door;
pub mod drain;
pub mod edges;
pub mod identify;
pub mod limit;
pub mod metrics;
pub mod proxy;
pub mod socket;
pub mod tls;
pub mod upstream;

use auth::{
    Auth,
    jwks::{Jwks, JwksError},
    revoked::Revoked,
};
use config::Config;
use context::Edge;
use door::Door;
use edges::Edges;
use limit::{Limits, redis::LimitError};
use pingora::{
    proxy::{HttpProxy, http_proxy},
    server::configuration::ServerConf,
};
use proxy::Proxy;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};
use switchboard_shared::{cause::Cause, shutdown::Shutdown};
use tokio::{net::TcpListener, sync::watch};
use upstream::{Cores, health, report, revocations};

/// Why an edge could not start.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// A port that is in use, as a rule.
    #[error("cannot listen on {0}: {cause}", cause = Cause::of(.1))]
    Listen(SocketAddr, #[source] io::Error),
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The issuer's keys, in a file.
    #[error(transparent)]
    ReadKeys(JwksError),
    /// The issuer's keys, at a URL.
    #[error(transparent)]
    FetchKeys(JwksError),
    /// Redis.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// The HTTP client.
    #[error("the HTTP client cannot be built: {0}")]
    Client(#[from] reqwest::Error),
}

impl EdgeError {
    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Tls(_) | Self::ReadKeys(_) => 3,
            Self::Listen(..) | Self::Limits(_) | Self::FetchKeys(_) => 4,
            Self::Client(_) => 1,
        }
    }
}

/// A running edge.
pub struct Running {
    /// Where clients connect.
    pub address: SocketAddr,
    /// Where operators look.
    pub admin: SocketAddr,
    /// What its rooms share.
    pub edge: Arc<Edge>,
    proxy: Arc<HttpProxy<Proxy>>,
    ending: watch::Sender<bool>,
}

/// Starts an edge: opens everything, and then the door.
///
/// # Errors
/// When something that it needs is not there.
pub async fn start(config: Config) -> Result<Running, EdgeError> {
    let shutdown = Shutdown::default();
    let tls = tls::acceptor(&config.tls, &shutdown)?;
    let revoked = Arc::new(Revoked::default());
    let remote = Jwks::is_remote(&config.auth.jwks);
    let keys = |error| if remote { EdgeError::FetchKeys(error) } else { EdgeError::ReadKeys(error) };
    let auth = Auth::start(&config.auth, &revoked, &shutdown).await.map_err(keys)?;
    let limits = Limits::start(&config).await?;
    let cores = Cores::new(&config.cores)?;
    health::watch(&cores, &config.cores, &shutdown).await?;
    let listener = listen(config.listen).await?;
    let admin_listener = listen(config.admin_listen).await?;
    let address = listener.local_addr().map_err(|error| EdgeError::Listen(config.listen, error))?;
    let admin = admin_listener.local_addr().map_err(|error| EdgeError::Listen(config.admin_listen, error))?;
    let keys = config.keys();
    let edges = Arc::new(Edges::new(&config));
    // Not on the tracker: while the edge drains, the others are told so.
    tokio_util::task::TaskTracker::new().spawn(edges.clone().run());
    let edge = Arc::new(Edge {
        config,
        auth,
        revoked,
        limits,
        edges,
        cores,
        keys,
        shutdown,
        spread: OnceLock::new(),
    });
    // Not on the tracker: it asks until the very end.
    tokio_util::task::TaskTracker::new().spawn(revocations::follow(edge.clone()));
    tokio_util::task::TaskTracker::new().spawn(report::keep(edge.clone()));
    let proxy = Arc::new(pingora_proxy(&edge));
    let (ending, ends) = watch::channel(false);
    let door = Door { edge: edge.clone(), proxy: proxy.clone(), tls, ending: ends.clone() };
    edge.shutdown.tasks.spawn(Arc::new(door).run(listener));
    // Not on the tracker: it answers until the very end.
    tokio_util::task::TaskTracker::new().spawn(admin::run(edge.clone(), admin_listener, ends));
    Ok(Running { address, admin, edge, proxy, ending })
}

impl Running {
    /// Ends the edge; returns whether everything had ended in time.
    pub async fn drain(self) -> bool {
        drain::drain(&self.edge, &self.proxy, &self.ending).await
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, EdgeError> {
    TcpListener::bind(address).await.map_err(|error| EdgeError::Listen(address, error))
}

/// Pingora's proxy with our phases and bounds.
fn pingora_proxy(edge: &Arc<Edge>) -> HttpProxy<Proxy> {
    let conf = ServerConf {
        max_retries: edge.config.cores.attempts,
        threads: edge.config.workers.max(1),
        ..ServerConf::default()
    };
    let mut proxy = http_proxy(&Arc::new(conf), Proxy(edge.clone()));
    let mut options = pingora::apps::HttpServerOptions::default();
    // It is refused by `Proxy::admit`, and not by a line at `ERROR` for each that its client takes back.
    options.allow_connect_method_proxying = true;
    proxy.server_options = Some(options);
    proxy
}
