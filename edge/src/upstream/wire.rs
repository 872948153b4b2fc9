//! The connection to a core that serves one request and is not used again. An event stream has one, since Pingora looks
//! at its filters only when a chunk comes, which on a quiet conversation is a ping every fifteen seconds; so the
//! connection itself ends when the edge drains, each at a moment of its own as sockets do, and the client's stream with
//! it. And one of many answers on a client's HTTP/2 connection has one, that is not read from while the client takes
//! nothing (see [`Share`]).

use crate::{
    context::Edge,
    door::hold::Share,
    metrics::{Counted, METRICS},
};
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
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// The most that is read at once of an answer whose bytes are counted, so that it is not far above its bound.
const PIECE: usize = 8 << 10;

/// It is over when its stream has to leave. `AsyncRead` wants it shareable, which a boxed future alone is not.
type Leaves = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Connects to a core for one request.
#[derive(Debug)]
pub struct Wires {
    /// For an event stream: the edge that it ends with, and what ends it at once.
    pub ends_with: Option<(Arc<Edge>, CancellationToken)>,
    /// Where the answer's bytes are counted.
    pub share: Option<Arc<Share>>,
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
        let ended = self.ends_with.clone().map(|(edge, now)| -> Leaves { Box::pin(leaves(edge, now)) });
        let open = ended.is_some().then(|| Counted::new(&[&METRICS.open_streams]));
        let wire = Wire { tcp, ended, share: self.share.clone(), _open: open };
        Ok(VirtualSocketStream::new(Box::new(wire)).into())
    }
}

/// A connection that breaks, for its reader, when the edge ends, and is silent while its client takes nothing.
struct Wire {
    tcp: TcpStream,
    ended: Option<Leaves>,
    share: Option<Arc<Share>>,
    _open: Option<Counted>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("tcp", &self.tcp).finish_non_exhaustive()
    }
}

/// Waits until it is ended, or the edge drains and its share of the time that leaving takes is over.
async fn leaves(edge: Arc<Edge>, now: CancellationToken) {
    let in_turn = async {
        edge.shutdown.token.cancelled().await;
        sleep(edge.drain_spread().mul_f64(fastrand::f64())).await;
    };
    now.run_until_cancelled(in_turn).await;
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended.as_mut().is_some_and(|ended| ended.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the edge ends")));
        }
        let Some(share) = self.share.clone() else { return Pin::new(&mut self.tcp).poll_read(cx, buf) };
        if !share.may_read(cx.waker()) {
            return Poll::Pending;
        }
        let mut piece = [0; PIECE];
        let room = buf.remaining().min(PIECE);
        let mut piece = ReadBuf::new(&mut piece[..room]);
        ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut piece))?;
        share.came(piece.filled().len());
        buf.put_slice(piece.filled());
        Poll::Ready(Ok(()))
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
