//! One HTTP/2 connection: takes its requests and ends it when its client goes too far. In place of Pingora's own loop,
//! which knows no bound for resets and writes a line at `ERROR` when a client talks nonsense.

use super::{Door, conn::Conn, exchange::Exchange, guest::Visit};
use crate::metrics::METRICS;
use bytes::Bytes;
use h2::{Reason, server::Connection};
use pingora::{
    Error,
    apps::HttpServerApp,
    protocols::{
        Digest, GetSocketDigest, GetTimingDigest, Stream,
        http::{
            ServerSession,
            v2::server::{H2Accept, H2Options, HttpSession, default_h2_options, handshake},
        },
    },
};
use std::{future::poll_fn, sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// So many requests of one connection may be malformed.
const MAX_MALFORMED: usize = 32;

/// So much of each answer may lie in the HTTP/2 library for a client whose windows are open but which reads nothing.
const SEND_BUFFER: usize = 32 << 10;

/// How long a client that is sent away may take to hear of it.
const FAREWELL: Duration = Duration::from_secs(1);

impl Door {
    /// Serves a connection whose preface has come.
    pub(super) async fn serve_http2(&self, mut conn: Box<Conn>) {
        let flood = conn.watch_frames(self.edge.config.http.max_h2_resets);
        let guest = conn.guest().clone();
        let digest = Arc::new(Digest {
            timing_digest: conn.get_timing_digest(),
            socket_digest: conn.get_socket_digest(),
            ..Digest::default()
        });
        let mut h2 = match handshake(conn, Some(self.h2_options())).await {
            Ok(h2) => h2,
            Err(error) => return broken(&error),
        };
        let mut requests = JoinSet::new();
        let (mut ending, mut is_ending, mut malformed) = (self.ending.clone(), false, 0);
        loop {
            let patience = self.patience(&guest);
            tokio::select! {
                biased;
                () = flood.notified() => break send_away(&mut h2, "resets").await,
                _ = ending.changed(), if !is_ending => {
                    h2.graceful_shutdown();
                    is_ending = true;
                }
                // Is safe to drop: nothing is taken from the connection before it is ready.
                accepted = HttpSession::from_h2_conn(&mut h2, digest.clone()) => match accepted {
                    Ok(Some(H2Accept::Session(session))) => {
                        let visit = Visit { guest: guest.clone(), share: Some(Arc::new(guest.hold.share())) };
                        self.take(&mut requests, Exchange::new(session, (*digest).clone(), visit, self.body_until()));
                    }
                    Ok(Some(H2Accept::Rejected)) if malformed < MAX_MALFORMED => malformed += 1,
                    Ok(Some(H2Accept::Rejected)) => break send_away(&mut h2, "malformed").await,
                    Ok(None) => break,
                    Err(error) => break broken(&error),
                },
                Some(_) = requests.join_next() => {}
                () = sleep(patience), if requests.is_empty() => break,
            }
        }
        // They see for themselves that their client is gone, and account for it.
        requests.detach_all();
    }

    fn take(&self, requests: &mut JoinSet<()>, exchange: Exchange) {
        let (proxy, ending) = (self.proxy.clone(), self.ending.clone());
        let request = async move {
            let session = ServerSession::new_custom(Box::new(exchange));
            drop(Box::pin(proxy.process_new_http(session, &ending)).await);
        };
        requests.spawn(self.edge.shutdown.tasks.track_future(request));
    }

    fn h2_options(&self) -> H2Options {
        let http = &self.edge.config.http;
        let mut options = default_h2_options();
        options.max_header_list_size(u32::try_from(http.max_header_bytes).unwrap_or(65_536));
        options.max_concurrent_streams(http.max_h2_streams);
        options.max_send_buffer_size(SEND_BUFFER);
        options
    }

    /// When the body of a request whose head has just come must be complete.
    pub(super) fn body_until(&self) -> Instant {
        Instant::now() + Duration::from_millis(self.edge.config.http.body_timeout_ms)
    }
}

/// Ends a connection for what its client did, and says so (RFC 9113 §7: ENHANCE_YOUR_CALM).
async fn send_away(h2: &mut Connection<Stream, Bytes>, reason: &str) {
    METRICS.http2_ended.with_label_values(&[reason]).inc();
    h2.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
    if timeout(FAREWELL, poll_fn(|cx| h2.poll_closed(cx))).await.is_err() {
        tracing::debug!(reason, "a client that was sent away did not hear of it");
    }
}

/// The connection broke: as a rule its client is gone.
fn broken(error: &Error) {
    let is_io = error.root_cause().downcast_ref::<h2::Error>().is_some_and(h2::Error::is_io);
    if !is_io {
        METRICS.http2_ended.with_label_values(&["protocol"]).inc();
    }
    tracing::debug!(%error, "an HTTP/2 connection broke");
}
