//! Many sockets that are joined and listen.

use super::load::join;
use crate::{
    client::{Client, next_text},
    error::Result,
};
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Sockets that are on their way at once.
const AT_ONCE: usize = 32;

/// They are there until they are told to leave.
#[derive(Default)]
pub(super) struct Crowd {
    tasks: TaskTracker,
    leaving: CancellationToken,
    heard: Arc<Heard>,
}

/// What came to all of them.
#[derive(Debug, Default)]
struct Heard {
    frames: AtomicU64,
    bytes: AtomicU64,
}

impl Crowd {
    /// Brings more in, each into its conversation; how long each took from its first packet until it was joined.
    pub(super) async fn join(&self, seats: &[(Client, String)]) -> Result<Vec<Duration>> {
        let open = async |(who, room): &(Client, String)| {
            let began = Instant::now();
            let mut socket = join(who, room).await?;
            let took = began.elapsed();
            let (heard, leaving) = (Arc::clone(&self.heard), self.leaving.clone());
            let listen = async move {
                while let Ok(text) = next_text(&mut socket).await {
                    heard.frames.fetch_add(1, Relaxed);
                    heard.bytes.fetch_add(text.len() as u64, Relaxed);
                }
            };
            self.tasks.spawn(async move { leaving.run_until_cancelled(listen).await });
            Ok(took)
        };
        stream::iter(seats).map(open).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Frames and bytes of text so far.
    pub(super) fn heard(&self) -> [u64; 2] {
        [self.heard.frames.load(Relaxed), self.heard.bytes.load(Relaxed)]
    }

    /// How many are still there.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Closes all connections.
    pub(super) async fn leave(self) {
        self.leaving.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
