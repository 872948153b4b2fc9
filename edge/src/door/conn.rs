//! One client's TLS connection, in the shape that Pingora asks for. It is ours rather than Pingora's so that the first
//! bytes of a request can be looked at and put back, and so that an idle WebSocket holds no 64 KiB buffer.

use super::{
    frames::Requests,
    guest::{Guest, Visit},
    head::Head,
    watch::{Incoming, Watch},
};
use async_trait::async_trait;
use bytes::{Buf, BytesMut};
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, TimingDigest,
    UniqueID, l4::socket::SocketAddr as PeerAddr, raw_connect::ProxyDigest,
};
use std::{
    io,
    net::SocketAddr,
    os::fd::AsRawFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::SystemTime,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    sync::Notify,
    time::Instant,
};
use tokio_rustls::server::TlsStream;

/// An accepted connection.
#[derive(Debug)]
pub struct Conn {
    tls: TlsStream<TcpStream>,
    peer: SocketAddr,
    /// Bytes that were looked at and not yet used.
    seen: BytesMut,
    watch: Watch,
    guest: Arc<Guest>,
    established: SystemTime,
}

impl Conn {
    /// Takes over a connection after its handshake.
    #[must_use]
    pub fn new(tls: TlsStream<TcpStream>, peer: SocketAddr, guest: Guest) -> Self {
        let (seen, watch, established) = (BytesMut::new(), Watch::default(), SystemTime::now());
        Self { tls, peer, seen, watch, guest: Arc::new(guest), established }
    }

    /// What the door knows of the client.
    #[must_use]
    pub fn guest(&self) -> &Arc<Guest> {
        &self.guest
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether the client chose HTTP/2.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        self.tls.get_ref().1.alpn_protocol() == Some(b"h2")
    }

    /// The bytes that were looked at.
    #[must_use]
    pub fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// Reads more bytes to look at; 0 is the end.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn look(&mut self) -> io::Result<usize> {
        self.tls.read_buf(&mut self.seen).await
    }

    /// Puts a head back for its next reader, with its target as a path, and looks on at the body, which must have come
    /// by `until`.
    pub fn put_back(&mut self, head: &Head, until: Instant) {
        let mut len = head.len;
        if let Some((begin, length, path)) = &head.target {
            let rest = self.seen.split_off(begin + length);
            self.seen.truncate(*begin);
            self.seen.extend_from_slice(path.as_bytes());
            self.seen.unsplit(rest);
            len = len - length + path.len();
        }
        self.watch = Watch::Body(Incoming::new(len, head.framing, until));
    }

    /// Looks on at frames of HTTP/2; tells when the client has gone too far with resets, after which nothing more is
    /// read.
    pub fn watch_frames(&mut self, max_resets: usize) -> Arc<Notify> {
        let flood = Arc::new(Notify::new());
        self.watch = Watch::Frames(Requests::new(max_resets), flood.clone());
        flood
    }

    /// Uses up `count` of the seen bytes.
    pub fn skip(&mut self, count: usize) {
        self.seen.advance(count.min(self.seen.len()));
        if self.seen.is_empty() {
            self.seen = BytesMut::new();
        }
    }
}

impl AsyncRead for Conn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.watch.is_over() {
            // Whoever serves the connection has been told, and ends it.
            return Poll::Pending;
        }
        self.watch.before(cx)?;
        let before = buf.filled().len();
        loop {
            if self.seen.is_empty() {
                ready!(Pin::new(&mut self.tls).poll_read(cx, buf))?;
            } else {
                let count = buf.remaining().min(self.seen.len()).min(self.watch.at_once());
                buf.put_slice(&self.seen[..count]);
                self.skip(count);
            }
            let outcome = self.watch.read(&buf.filled()[before..]);
            if outcome.is_ready() {
                return outcome;
            }
            buf.set_filled(before);
            if !self.watch.is_lost() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for Conn {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.tls).poll_write(cx, buf))?;
        self.watch.written(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }
}

#[async_trait]
impl Shutdown for Conn {
    async fn shutdown(&mut self) {
        if let Err(error) = AsyncWriteExt::shutdown(self).await {
            tracing::debug!(%error, "a connection was gone before it was closed");
        }
    }
}

impl UniqueID for Conn {
    fn id(&self) -> i32 {
        self.tls.get_ref().0.as_raw_fd()
    }
}

impl Ssl for Conn {
    fn selected_alpn_proto(&self) -> Option<ALPN> {
        Some(if self.is_http2() { ALPN::H2 } else { ALPN::H1 })
    }
}

impl GetTimingDigest for Conn {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        vec![Some(TimingDigest { established_ts: self.established, ..TimingDigest::default() })]
    }
}

impl GetProxyDigest for Conn {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        Visit { guest: self.guest.clone(), share: None }.packed()
    }
}

impl GetSocketDigest for Conn {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        let digest = SocketDigest::from_raw_fd(self.tls.get_ref().0.as_raw_fd());
        // The cell is new, so it is empty.
        drop(digest.peer_addr.set(Some(PeerAddr::Inet(self.peer))));
        Some(Arc::new(digest))
    }
}

impl Peek for Conn {}
