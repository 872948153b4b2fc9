//! Who has been here: a user is known from the first request on that was answered as asked, so that conversations can be
//! shared with people and not with whatever somebody types, or with a program that tries what there is. What their token
//! says of them is written down with that, for those who look after the tenant.

use crate::{
    clock,
    error::Result,
    store::{Standing, Store},
    turn::Whose,
    visit::Who,
};
use lru::LruCache;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// Users that this process has written down and need not again; of more, the one not seen for the longest is written
/// once more, which changes little.
const MAX_USERS: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");
/// Somebody who is here all day is written down so often, and whenever their token says something else.
const AGAIN: Duration = Duration::from_secs(15 * 60);
/// How long a request waits for it. Whoever reads goes on while nothing can be written.
const WAIT: Duration = Duration::from_millis(500);
/// After a failure nobody waits for this long.
const PAUSE: Duration = Duration::from_secs(5);

/// The users that this process knows to have rows.
pub(crate) struct Seen {
    users: Mutex<LruCache<Whose, Written>>,
    paused_until: Mutex<Option<Instant>>,
}

/// What was written of a user.
#[derive(Clone, Copy)]
struct Written {
    at: Instant,
    standing: Option<u64>,
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self { users: Mutex::new(LruCache::new(MAX_USERS)), paused_until: Mutex::default() }
    }

    /// Writes a user down who has not been here before, or not for a while, or not as what they are now.
    pub(crate) async fn see(&self, store: &Store, who: &Who) {
        let before = self.users.lock().unwrap_or_else(PoisonError::into_inner).get(&who.whose).copied();
        let (now, standing) = (Instant::now(), who.standing.as_ref().map(fingerprint));
        if before.is_some_and(|before| before.will_do(now, standing)) || self.is_paused() {
            return;
        }
        match timeout(WAIT, write(store, who)).await {
            Ok(Ok(())) => {
                let standing = standing.or_else(|| before.and_then(|before| before.standing));
                let written = Written { at: now, standing };
                self.users.lock().unwrap_or_else(PoisonError::into_inner).put(who.whose.clone(), written);
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

impl Written {
    fn will_do(self, now: Instant, standing: Option<u64>) -> bool {
        let is_same = standing.is_none() || standing == self.standing;
        is_same && now.saturating_duration_since(self.at) < AGAIN
    }
}

fn fingerprint(standing: &Standing) -> u64 {
    let mut hasher = DefaultHasher::new();
    standing.hash(&mut hasher);
    hasher.finish()
}

async fn write(store: &Store, who: &Who) -> Result<()> {
    let Whose { tenant, user } = &who.whose;
    let tx = store.write(tenant).await?;
    tx.see_user(tenant, user, who.standing.as_ref(), clock::now()).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn somebody_is_written_again_after_a_while_or_as_something_else_but_not_for_a_key() {
        let now = Instant::now();
        let written = Written { at: now, standing: Some(1) };
        assert!(written.will_do(now, Some(1)) && written.will_do(now, None));
        assert!(!written.will_do(now, Some(2)));
        assert!(!written.will_do(now + AGAIN, Some(1)) && !written.will_do(now + AGAIN, None));
    }
}
