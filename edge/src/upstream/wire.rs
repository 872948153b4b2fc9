//! The connection under a client's event stream. Pingora looks at its filters only when a chunk comes, which on a quiet
//! conversation is a ping every fifteen seconds; so the connection itself ends when the edge does, and the client's
//! stream with it.

use async_trait::async_trait;
use pingora::{
    Error,
    ErrorType::{ConnectError, ConnectTimedout},
    Result,
    connectors::l4::Connect,
    protocols::l4::{
        socket::SocketAddr as PeerAddr,
        stream::Stream,
        virt::{VirtualSockOpt, VirtualSocket, VirtualSocketStream},
    },
};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Connects to a core for an event stream.
#[derive(Debug)]
pub struct Wires {
    /// The end of the edge.
    pub ending: CancellationToken,
    /// How long a connection may take.
    pub patience: Duration,
}

#[async_trait]
impl Connect for Wires {
    async fn connect(&self, address: &PeerAddr) -> Result<Stream> {
        let PeerAddr::Inet(address) = address else {
            return Err(Error::explain(ConnectError, "a core has an internet address"));
        };
        let tcp = match timeout(self.patience, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => tcp,
            Ok(Err(error)) => return Err(Error::because(ConnectError, "a stream's connection", error)),
            Err(_) => return Err(Error::explain(ConnectTimedout, "a stream's connection")),
        };
        let wire = Wire { tcp, ended: Box::pin(self.ending.clone().cancelled_owned()) };
        Ok(VirtualSocketStream::new(Box::new(wire)).into())
    }
}

/// A connection that breaks, for its reader, when the edge ends.
#[derive(Debug)]
struct Wire {
    tcp: TcpStream,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the edge ends")));
        }
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

impl VirtualSocket for Wire {
    fn set_socket_option(&self, option: VirtualSockOpt) -> io::Result<()> {
        match option {
            VirtualSockOpt::NoDelay => self.tcp.set_nodelay(true),
            // A stream that falls silent meets its read timeout.
            _ => Ok(()),
        }
    }
}
