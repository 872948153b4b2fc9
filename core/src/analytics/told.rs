//! What streams were told last, for all who look at the same page: however many they are, the rows are read once.

use bytes::Bytes;
use lru::LruCache;
use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use switchboard_shared::{
    api::{AnalyticsPage, Step},
    ids::TenantId,
};
use tokio::time::Instant;

/// Pages that are kept; of more, the one not looked at for the longest is read again.
const MOST: NonZeroUsize = NonZeroUsize::new(256).expect("it is not zero");

type Key = (TenantId, AnalyticsPage, Step);

/// Pages as JSON, and when they were read.
#[derive(Debug)]
pub(crate) struct Told(Mutex<LruCache<Key, (Instant, Bytes)>>);

impl Told {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }

    /// What was told no longer ago than that.
    pub(crate) fn within(&self, key: &Key, age: Duration) -> Option<Bytes> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(key).filter(|(at, _)| at.elapsed() < age).map(|(_, json)| json.clone())
    }

    pub(crate) fn keep(&self, key: Key, json: Bytes) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, (Instant::now(), json));
    }
}
