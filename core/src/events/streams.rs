//! How many streams there are, of all and of each user, and what may wait for one that does not read.

use bytes::Bytes;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::{
    identity::Identity,
    ids::{TenantId, UserId},
    problem::{Problem, ProblemKind},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};

/// A frame is handed on in pieces of so many bytes, so that what waits is counted as it goes.
const PIECE: usize = 16 * 1024;
/// When a user who listens to as much as may be listened to may try again.
const RETRY_AFTER_S: u64 = 5;

/// This core's open streams.
pub(crate) struct Streams {
    most: usize,
    most_per_user: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_user: HashMap<Whose, usize>,
}

/// One stream's place; it is free again when this is dropped.
pub(crate) struct StreamPlace {
    streams: Arc<Streams>,
    whose: Whose,
}

type Whose = Arc<(TenantId, UserId)>;

impl Streams {
    pub(crate) fn new(most: usize, most_per_user: usize) -> Self {
        Self { most, most_per_user, open: Mutex::default() }
    }

    /// How many are open.
    pub(crate) fn open(&self) -> u64 {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).all as u64
    }

    /// A place for one more stream of a user.
    pub(crate) fn take(self: &Arc<Self>, identity: &Identity) -> Result<StreamPlace, Problem> {
        let whose = Arc::new((identity.tenant.clone(), identity.user.clone()));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.most {
            let detail = "This core has as many streams as it may.";
            return Err(Problem::new(ProblemKind::Unavailable, detail).retry_after(2));
        }
        let of_user = open.by_user.entry(Arc::clone(&whose)).or_default();
        if *of_user >= self.most_per_user {
            let detail =
                format!("You listen to {} conversations at once, which is the most.", self.most_per_user);
            return Err(Problem::new(ProblemKind::RateLimited, detail).retry_after(RETRY_AFTER_S));
        }
        *of_user += 1;
        open.all += 1;
        Ok(StreamPlace { streams: Arc::clone(self), whose })
    }
}

impl StreamPlace {
    /// Whose it is.
    pub(super) fn whose(&self) -> (&TenantId, &UserId) {
        (&self.whose.0, &self.whose.1)
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if let Some(of_user) = open.by_user.get_mut(&self.whose) {
            *of_user -= 1;
            if *of_user == 0 {
                open.by_user.remove(&self.whose);
            }
        }
    }
}

/// Where a stream's frames are put.
pub(crate) struct Writer {
    // Boxed, since a queue has room for 32 of its items from the beginning.
    pieces: mpsc::Sender<Box<Piece>>,
    room: Arc<Semaphore>,
    size: usize,
    stall: Duration,
}

/// The reader is gone, or has taken nothing for too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unread;

/// A piece of a frame, and the room that it takes until it is taken out.
pub(crate) struct Piece {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// What waits for a reader: so many bytes, and a piece more where a piece is larger.
pub(crate) fn queue(bytes: usize, stall: Duration) -> (Writer, mpsc::Receiver<Box<Piece>>) {
    // Each piece has a byte at least, so this is never what stops a writer.
    let (pieces, receiver) = mpsc::channel(bytes.max(1));
    (Writer { pieces, room: Arc::new(Semaphore::new(bytes)), size: bytes, stall }, receiver)
}

impl Writer {
    /// Puts a frame in.
    pub(crate) async fn send(&self, mut frame: Bytes) -> Result<(), Unread> {
        while !frame.is_empty() {
            let bytes = frame.split_to(frame.len().min(PIECE));
            let wanted = u32::try_from(bytes.len().min(self.size)).unwrap_or(u32::MAX);
            let room = timeout(self.stall, Arc::clone(&self.room).acquire_many_owned(wanted)).await;
            let room = room.map_err(|_| Unread)?.map_err(|_| Unread)?;
            self.pieces.send(Box::new(Piece { bytes, _room: room })).await.map_err(|_| Unread)?;
        }
        Ok(())
    }

    /// Returns when the reader is gone. Safe to drop.
    pub(crate) async fn closed(&self) {
        self.pieces.closed().await;
    }
}

impl Piece {
    /// Takes the bytes out, and gives the room back.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use switchboard_shared::identity::Tier;

    fn somebody(user: &str) -> Identity {
        Identity {
            tenant: "acme".parse().unwrap(),
            user: user.parse().unwrap(),
            roles: BTreeSet::new(),
            groups: BTreeSet::new(),
            tier: Tier::Standard,
            expires_at: 0,
            grant: Default::default(),
        }
    }

    #[test]
    fn a_user_has_so_many_streams_and_leaves_the_others_to_others() {
        let streams = Arc::new(Streams::new(5, 2));
        let (ann, bob) = (somebody("ann"), somebody("bob"));
        let held: Vec<_> = (0..2).map(|_| streams.take(&ann).ok().unwrap()).collect();
        assert_eq!(streams.take(&ann).err().unwrap().code, ProblemKind::RateLimited);
        assert!(streams.take(&bob).is_ok());
        drop(held);
        assert!(streams.take(&ann).is_ok());
        let open = streams.open.lock().unwrap();
        assert!(open.all == 0 && open.by_user.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded_in_bytes_and_a_reader_that_takes_nothing_is_left() {
        let (writer, mut reader) = queue(2 * PIECE, Duration::from_secs(20));
        let frame = Bytes::from(vec![b'x'; 5 * PIECE]);
        assert_eq!(writer.send(frame).await, Err(Unread), "nobody reads");
        assert_eq!(reader.len(), 2, "what was put in before it was full");
        let read = async {
            let mut bytes = 0;
            while bytes < 3 * PIECE {
                bytes += reader.recv().await.unwrap().into_bytes().len();
            }
        };
        let (sent, ()) = tokio::join!(writer.send(Bytes::from(vec![b'x'; PIECE])), read);
        assert_eq!(sent, Ok(()));
    }
}
