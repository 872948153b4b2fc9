//! A link between two parts that a test can spoil: a proxy of TCP that passes bytes on as well as its state lets it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    path::PathBuf,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use tokio_util::{sync::CancellationToken, sync::DropGuard, task::TaskTracker};

/// What is read at once.
const CHUNK: usize = 16 * 1024;

/// How a link is. What it holds back it passes on once it is clear again, as a network does that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As if it was not there.
    Clear,
    /// Each piece comes so much later.
    Late(Duration),
    /// So many bytes at a time, and a pause after each.
    Drip(usize, Duration),
    /// Nothing passes, and nobody is told.
    Cut,
    /// What the one who connected sends arrives; what is sent back does not.
    HalfOpen,
    /// Every connection is reset, the next ones too.
    Reset,
}

/// Where a link leads.
#[derive(Clone, Debug)]
pub enum End {
    /// A port on this machine.
    Port(u16),
    /// A Unix socket.
    Path(PathBuf),
}

/// A link; it goes when it is dropped, and its connections with it.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    state: watch::Sender<State>,
    _stop: DropGuard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

impl Link {
    /// A clear link, which may be there before its end is.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn to(end: End) -> anyhow::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (listener, state) = (TcpListener::from_std(listener)?, watch::Sender::new(State::Clear));
        let (stop, seen, tasks) = (CancellationToken::new(), state.clone(), TaskTracker::new());
        let stopped = stop.clone();
        tasks.clone().spawn(async move {
            let accept = async {
                while let Ok((near, _)) = listener.accept().await {
                    let (end, state, stopped) = (end.clone(), seen.subscribe(), stopped.clone());
                    tasks.spawn(async move { stopped.run_until_cancelled(carry(near, end, state)).await });
                }
            };
            stopped.run_until_cancelled(accept).await;
        });
        Ok(Self { address, state, _stop: stop.drop_guard() })
    }

    /// Where it is found.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it is so.
    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

impl End {
    async fn reach(&self) -> io::Result<(Reader, Writer)> {
        Ok(match self {
            Self::Port(port) => {
                let (reader, writer) = TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await?.into_split();
                (Box::new(reader), Box::new(writer))
            }
            Self::Path(path) => {
                let (reader, writer) = UnixStream::connect(path).await?.into_split();
                (Box::new(reader), Box::new(writer))
            }
        })
    }
}

async fn carry(mut near: TcpStream, end: End, mut state: watch::Receiver<State>) {
    let (there, back) = (state.clone(), state.clone());
    let connection = async {
        // Like a machine that is not there, for who connects over a link that is clear.
        let Ok((from_far, to_far)) = end.reach().await else { return };
        let (from_near, to_near) = near.split();
        tokio::join!(pass(from_near, to_far, Way::There, there), pass(from_far, to_near, Way::Back, back));
    };
    tokio::select! {
        () = connection => {}
        _ = state.wait_for(|state| *state == State::Reset) => {
            // Closed with nothing to wait for, TCP sends RST.
            drop(near.set_zero_linger());
        }
    }
}

/// Passes on one way until its sender is done; then it tells the other end.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    mut state: watch::Receiver<State>,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let most = match *state.borrow() {
            State::Drip(bytes, _) => bytes.clamp(1, CHUNK),
            _ => CHUNK,
        };
        let Ok(read @ 1..) = from.read(&mut chunk[..most]).await else { break };
        let Ok(now) = state.wait_for(|state| passes(*state, way)).await.map(|state| *state) else { return };
        if let State::Late(pause) | State::Drip(_, pause) = now {
            tokio::time::sleep(pause).await;
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
    drop(to.shutdown().await);
}

fn passes(state: State, way: Way) -> bool {
    match state {
        // What was held back is lost with its connection.
        State::Cut | State::Reset => false,
        State::HalfOpen => way == Way::There,
        State::Clear | State::Late(_) | State::Drip(..) => true,
    }
}
