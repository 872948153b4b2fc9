//! The conversation's log as readers meet it. Postgres is the log; the [`Bell`] says that there is something new in it.

mod bell;
mod ears;
mod hearing;
mod publisher;
mod redis;
mod rings;
mod rooms;
mod start;
mod stream;
mod streams;

pub(crate) use bell::Bell;
pub(crate) use rooms::{Control, Listener};
pub(crate) use stream::open;
pub(crate) use streams::{Piece, StreamPlace, Streams, Writer, queue};
