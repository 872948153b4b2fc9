//! Why a client cannot go on.

use crate::closed::Closed;
use switchboard_shared::problem::Problem;
use url::Url;

/// Why there was no token.
pub type TokenError = Box<dyn std::error::Error + Send + Sync>;

/// What every function of this crate fails with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not one edge was given.
    #[error("no edge is known")]
    NoEdge,
    /// An edge did not answer.
    #[error("{edge} cannot be reached")]
    Unreachable {
        /// Which.
        edge: Url,
        /// Why.
        source: reqwest::Error,
    },
    /// What answers is no edge.
    #[error("{0} is no WebSocket server")]
    NoWebSocket(Url),
    /// An edge answered the handshake with something else.
    #[error("{edge} answered {status}")]
    Refused {
        /// Which.
        edge: Url,
        /// Its status.
        status: u16,
        /// What it said.
        problem: Option<Box<Problem>>,
    },
    /// There is no token.
    #[error("no token: {0}")]
    Token(TokenError),
    /// The token does not hold, nor does the next one.
    #[error("the token does not hold (any more): {0}")]
    Unauthenticated(String),
    /// The edge closed the socket for a reason that trying again would meet again; or it did so too often.
    #[error("the edge closed the socket: {0}")]
    Closed(Closed),
    /// So much is not yet acknowledged that no more is taken.
    #[error("{0} messages are not acknowledged yet")]
    Full(usize),
    /// The socket is gone.
    #[error("the socket is gone")]
    Gone,
}

/// The result of every function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
