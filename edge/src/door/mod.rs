//! The door: accepts connections, bounds them, and shows each request the way: WebSockets to [`socket`], everything
//! else to Pingora's proxy.
//!
//! - [`guest`]: who is at the other end, and how many connections it may have
//! - [`conn`]: a client's connection; [`watch`]: what is looked at while its bytes pass by
//! - [`head`], [`authority`], [`body`]: the strict look at HTTP/1
//! - [`http2`], [`exchange`]: an HTTP/2 connection and one request of it; [`frames`]: requests that are reset
//! - [`hold`]: how much of its answers it makes us hold
//!
//! The accept loop is ours and not Pingora's, which sleeps its whole grace period at the end, listens only on addresses
//! and bounds each read of a header but not the header; Pingora's `HttpProxy` is made to be used this way.

pub mod authority;
pub mod body;
pub mod conn;
pub mod exchange;
pub mod frames;
pub mod guest;
pub mod head;
pub mod hold;
pub mod http2;
pub mod watch;

use crate::{
    answer::{Answer, close_with},
    context::{Edge, request_id},
    metrics::{Counted, METRICS},
    proxy::Proxy,
    socket,
};
use conn::Conn;
use guest::{Addresses, Guest};
use head::{Bounds, Head, Refused, Upgrade};
use pingora::{apps::HttpServerApp, protocols::http::ServerSession, proxy::HttpProxy, server::ShutdownWatch};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use switchboard_shared::problem::{Problem, ProblemKind};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsAcceptor;

/// How long a request may have been on its way to an edge that ends.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

const H2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Everything that a new connection needs.
pub struct Door {
    /// The edge.
    pub edge: Arc<Edge>,
    /// Pingora's proxy with our phases.
    pub proxy: Arc<HttpProxy<Proxy>>,
    /// Makes TLS of TCP.
    pub tls: TlsAcceptor,
    /// Tells Pingora that the process ends.
    pub ending: ShutdownWatch,
}

impl Door {
    /// Accepts connections until the process ends.
    pub async fn run(self: Arc<Self>, listener: TcpListener) {
        let config = &self.edge.config;
        let permits = Arc::new(Semaphore::new(config.max_connections));
        let addresses = Addresses::new(config.max_connections_per_address, config.max_strangers_per_address);
        let shutdown = &self.edge.shutdown;
        while let Some(accepted) = shutdown.token.run_until_cancelled(listener.accept()).await {
            let (tcp, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, as a rule: wait for some to come back.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(permit) = permits.clone().try_acquire_owned() else {
                refused("full");
                continue;
            };
            let Some(guest) = addresses.enter(peer.ip(), config.http.max_h2_held_bytes) else {
                refused("address");
                continue;
            };
            let door = self.clone();
            shutdown.tasks.spawn(async move {
                let _open = Counted::new(&[&METRICS.connections]);
                let gone = guest.gone.clone();
                // Boxed, or it would lie twice in the task that each idle socket keeps; and what came before a socket is
                // gone by the time that it is served.
                let served = Box::pin(async {
                    let upgraded = Box::pin(door.connection(tcp, peer, guest)).await;
                    if let Some((conn, upgrade)) = upgraded {
                        Box::pin(socket::accept(door.edge.clone(), conn, upgrade)).await;
                    }
                });
                if gone.run_until_cancelled_owned(served).await.is_none() {
                    refused("stranger");
                }
                drop(permit);
            });
        }
    }

    /// Serves a connection; what is to become a WebSocket is given back.
    async fn connection(
        &self,
        tcp: TcpStream,
        peer: SocketAddr,
        guest: Guest,
    ) -> Option<(Box<Conn>, Upgrade)> {
        let started = Instant::now();
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone at once");
        }
        let bound = Duration::from_millis(self.edge.config.tls.handshake_timeout_ms);
        let conn = match timeout(bound, self.tls.accept(tcp)).await {
            Ok(Ok(tls)) => Box::new(Conn::new(tls, peer, guest)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                refused("handshake");
                return None;
            }
            Err(_) => {
                refused("handshake_timeout");
                return None;
            }
        };
        METRICS.stage("handshake", started.elapsed());
        if !conn.is_http2() {
            return self.http1(conn).await;
        }
        self.http2(conn).await;
        None
    }

    async fn http2(&self, mut conn: Box<Conn>) {
        let until = Instant::now() + self.header_timeout();
        while conn.seen().len() < H2_PREFACE.len() {
            match timeout_at(until, conn.look()).await {
                Ok(Ok(count)) if count > 0 => {}
                _ => return refused("preface"),
            }
        }
        Box::pin(self.serve_http2(conn)).await;
    }

    /// Serves one request after another. Each head is read here, against one deadline, and put back for its reader.
    /// It ends with one that is to become a WebSocket.
    async fn http1(&self, mut conn: Box<Conn>) -> Option<(Box<Conn>, Upgrade)> {
        let mut idle = self.header_timeout();
        loop {
            let head = match self.head(&mut conn, idle).await {
                Ok(Some(head)) => head,
                Ok(None) => return None,
                Err(Refused(kind, detail)) => {
                    refuse(conn, kind, detail).await;
                    return None;
                }
            };
            if let Some(upgrade) = head.upgrade {
                conn.skip(head.len);
                // A socket has a bound of its own for showing its token.
                conn.guest().introduce();
                return Some((conn, upgrade));
            }
            conn.put_back(&head, self.body_until());
            let mut session = ServerSession::new_http1(conn);
            session.set_keepalive((!self.edge.is_draining()).then_some(self.edge.config.http.keepalive_s));
            let reused = Box::pin(self.proxy.process_new_http(session, &self.ending)).await;
            let stream = reused.map(|reused| reused.consume().0.into_any().downcast::<Conn>());
            let Some(Ok(next)) = stream else { return None };
            conn = next;
            idle = self.patience(conn.guest());
        }
    }

    /// How long a connection may be without a request: a stranger's is for those who have one at once.
    fn patience(&self, guest: &Guest) -> Duration {
        let keepalive = Duration::from_secs(self.edge.config.http.keepalive_s);
        if guest.is_known() { keepalive } else { keepalive.min(self.header_timeout()) }
    }

    /// Reads a head: `None` when the client is gone, or nothing came while nothing had to.
    async fn head(&self, conn: &mut Conn, idle: Duration) -> Result<Option<Head>, Refused> {
        let http = &self.edge.config.http;
        let bounds = Bounds { bytes: http.max_header_bytes, fields: http.max_headers };
        if conn.seen().is_empty() {
            // What was on its way when the edge began to end is still answered, as the last one of its connection.
            let ended = async {
                self.edge.shutdown.token.cancelled().await;
                tokio::time::sleep(ON_ITS_WAY).await;
            };
            tokio::select! {
                first = timeout(idle, conn.look()) => match first {
                    Ok(Ok(1..)) => {}
                    _ => return Ok(None),
                },
                () = ended => return Ok(None),
            }
        }
        let until = Instant::now() + self.header_timeout();
        loop {
            if let Some(head) = head::look(conn.seen(), bounds)? {
                return Ok(Some(head));
            }
            match timeout_at(until, conn.look()).await {
                Ok(Ok(1..)) => {}
                Ok(_) => return Ok(None),
                Err(_) => return Err(Refused(ProblemKind::RequestTimeout, "the header took too long")),
            }
        }
    }

    fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.edge.config.http.header_timeout_ms)
    }
}

/// Answers a request that goes no further, and closes.
async fn refuse(conn: Box<Conn>, kind: ProblemKind, detail: &str) {
    METRICS.requests.with_label_values(&["none", &kind.status().to_string()]).inc();
    close_with(conn, &Answer::new(Problem::new(kind, detail), &request_id(), None)).await;
}

fn refused(reason: &str) {
    METRICS.connections_refused.with_label_values(&[reason]).inc();
}
