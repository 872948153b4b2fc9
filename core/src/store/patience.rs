//! How long work is tried again that fails for reasons that pass.

use crate::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The first pause, and the longest: doubled each time, and each time shortened by chance, so that those who failed
/// together do not come back together.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(500);

/// How long one piece of work is tried.
pub(crate) struct Patience {
    deadline: Instant,
    pause: Duration,
}

impl Patience {
    pub(crate) fn until(deadline: Instant) -> Self {
        Self { deadline, pause: FIRST }
    }

    /// Whether to try again; waits a moment first, and for a writer where there is none.
    pub(crate) async fn again(&mut self, error: &Error) -> bool {
        if let Error::NoWriter(no_writer) = error {
            return no_writer.ends_before(self.deadline).await;
        }
        if !error.is_transient() || Instant::now() + self.pause >= self.deadline {
            return false;
        }
        tracing::warn!(%error, "the database failed for a reason that may pass; trying again");
        sleep(self.pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }
}
