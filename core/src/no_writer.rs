//! While Postgres has no host that can be written to: a place among those who wait for one.

use std::sync::Arc;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, timeout_at},
};

/// Nobody can be written to just now.
#[derive(Debug)]
pub(crate) struct NoWriter(Option<Place>);

#[derive(Debug)]
struct Place {
    writable: watch::Receiver<bool>,
    _counted: OwnedSemaphorePermit,
}

impl NoWriter {
    /// With a place, if the queue has one.
    pub(crate) fn new(queue: &Arc<Semaphore>, writable: &watch::Sender<bool>) -> Self {
        let place = Arc::clone(queue).try_acquire_owned().ok();
        Self(place.map(|counted| Place { writable: writable.subscribe(), _counted: counted }))
    }

    /// Waits until there is a writer again; false when there is none until then, or no place to wait in.
    pub(crate) async fn ends_before(&self, deadline: Instant) -> bool {
        let Some(place) = &self.0 else { return false };
        let mut writable = place.writable.clone();
        timeout_at(deadline, writable.wait_for(|writable| *writable)).await.is_ok_and(|seen| seen.is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn who_has_a_place_waits_for_the_writer_and_no_longer_than_its_time() {
        let (queue, writable) = (Arc::new(Semaphore::new(1)), watch::Sender::new(false));
        let first = NoWriter::new(&queue, &writable);
        let second = NoWriter::new(&queue, &writable);
        let deadline = Instant::now() + Duration::from_secs(5);
        assert!(!second.ends_before(deadline).await && Instant::now() < deadline, "the queue is full");
        assert!(!first.ends_before(deadline).await && Instant::now() >= deadline);
        writable.send_replace(true);
        assert!(first.ends_before(Instant::now() + Duration::from_secs(5)).await);
        drop(first);
        assert_eq!(queue.available_permits(), 1);
    }
}
