//! How many texts are embedded in this process at once: as many as there are processors, each for milliseconds.

use super::EmbedError;
use std::{num::NonZero, sync::Arc, thread::available_parallelism};
use tokio::{sync::Semaphore, task::spawn_blocking};

const MOST: usize = 8;

/// How many lanes there are.
pub(super) fn count() -> usize {
    available_parallelism().map_or(1, NonZero::get).min(MOST)
}

/// How many texts of one caller are on their way. Work in the background leaves half of the processor to others.
pub(super) fn at_once(in_background: bool) -> usize {
    if in_background { (count() / 2).max(1) } else { count() }
}

/// Lanes that texts wait for in their order.
#[derive(Debug)]
pub(super) struct Lanes(Arc<Semaphore>);

impl Lanes {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(count())))
    }

    /// Does this off the runtime's threads.
    pub(super) async fn run(
        &self,
        work: impl FnOnce() -> Result<Vec<f32>, EmbedError> + Send + 'static,
    ) -> Result<Vec<f32>, EmbedError> {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        let work = spawn_blocking(move || {
            let vector = work();
            drop(permit);
            vector
        });
        work.await.unwrap_or_else(|error| Err(EmbedError::Failed(error.to_string())))
    }
}
