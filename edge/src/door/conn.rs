//! One client's TLS connection, in the shape that Pingora asks for. It is ours rather than Pingora's so that the first
//! bytes of a request can be looked at and put back, and so that an idle WebSocket holds no 64 KiB buffer.

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
};
use tokio_rustls::server::TlsStream;

/// An accepted connection.
#[derive(Debug)]
pub struct Conn {
    tls: TlsStream<TcpStream>,
    peer: SocketAddr,
    /// Bytes that were looked at and not yet used.
    seen: BytesMut,
    established: SystemTime,
}

impl Conn {
    /// Takes over a connection after its handshake.
    #[must_use]
    pub fn new(tls: TlsStream<TcpStream>, peer: SocketAddr) -> Self {
        Self { tls, peer, seen: BytesMut::new(), established: SystemTime::now() }
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
        if self.seen.is_empty() {
            return Pin::new(&mut self.tls).poll_read(cx, buf);
        }
        let count = buf.remaining().min(self.seen.len());
        buf.put_slice(&self.seen[..count]);
        self.skip(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Conn {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.tls).poll_write(cx, buf))?;
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
        None
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
