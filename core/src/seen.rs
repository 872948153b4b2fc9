//! Who has been here: a user is known from the first request on that was answered as asked, so that conversations can be
//! shared with people and not with whatever somebody types, or with a program that tries what there is.

use crate::{error::Result, store::Store, turn::Whose};
use lru::LruCache;
use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// Users that this process has written down and need not again; of more, the one not seen for the longest is written
/// once more, which changes nothing.
const MAX_USERS: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");
/// How long a request waits for it. Whoever reads goes on while nothing can be written.
const WAIT: Duration = Duration::from_millis(500);
/// After a failure nobody waits for this long.
const PAUSE: Duration = Duration::from_secs(5);

/// The users that this process knows to have rows.
pub(crate) struct Seen {
    users: Mutex<LruCache<Whose, ()>>,
    paused_until: Mutex<Option<Instant>>,
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self { users: Mutex::new(LruCache::new(MAX_USERS)), paused_until: Mutex::default() }
    }

    /// Writes a user down who has not been here before.
    pub(crate) async fn see(&self, store: &Store, who: &Whose) {
        if self.users.lock().unwrap_or_else(PoisonError::into_inner).get(who).is_some() || self.is_paused() {
            return;
        }
        match timeout(WAIT, write(store, who)).await {
            Ok(Ok(())) => {
                self.users.lock().unwrap_or_else(PoisonError::into_inner).put(who.clone(), ());
            }
            failed => {
                let error = failed.map_or_else(|late| late.to_string(), |error| format!("{error:?}"));
                tracing::warn!(error, "a user could not be written down; the next request tries again");
                let until = Some(Instant::now() + PAUSE);
                *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
            }
        }
    }

    fn is_paused(&self) -> bool {
        let until = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }
}

async fn write(store: &Store, who: &Whose) -> Result<()> {
    let tx = store.write(&who.tenant).await?;
    tx.upsert_user(&who.tenant, &who.user).await?;
    tx.commit().await
}
