//! Whoever reads the whole audit reads for long: few do so at once on one core.

use crate::error::{Error, Result};
use std::sync::Arc;
use switchboard_shared::problem::{Problem, ProblemKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many at once; another one is refused.
const AT_ONCE: usize = 4;
/// When a place may be free again.
const RETRY_AFTER_S: u64 = 5;

/// The places for those.
pub(crate) struct Readings(Arc<Semaphore>);

/// A place; it is free again when this is dropped.
pub(crate) struct Reading {
    _place: OwnedSemaphorePermit,
}

impl Readings {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// Takes a place.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn one(&self) -> Result<Reading> {
        let place = Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let detail = "The whole audit is being read by others already.";
            Error::Public(Problem::new(ProblemKind::Unavailable, detail).retry_after(RETRY_AFTER_S))
        })?;
        Ok(Reading { _place: place })
    }
}
