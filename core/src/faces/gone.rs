//! What becomes of a turn whose client goes away: it goes on, and its answer is in the conversation; or it is stopped,
//! where the house says so.

use super::http::turns;
use crate::core::Core;
use std::sync::Arc;
use switchboard_shared::{identity::Identity, ids::TurnId};
use tokio::time::Instant;

/// Dropped before the client has its answer, it stops the turn.
pub(super) struct WhenGone(Option<Stop>);

struct Stop {
    core: Arc<Core>,
    me: Identity,
    turn: TurnId,
}

impl WhenGone {
    pub(super) fn new(core: &Arc<Core>, me: &Identity, turn: TurnId, stops: bool) -> Self {
        Self(stops.then(|| Stop { core: Arc::clone(core), me: me.clone(), turn }))
    }

    /// The client has it.
    pub(super) fn stays(mut self) {
        self.0 = None;
    }
}

impl Drop for WhenGone {
    fn drop(&mut self) {
        let Some(Stop { core, me, turn }) = self.0.take() else { return };
        let tasks = core.shutdown.tasks.clone();
        tasks.spawn(async move {
            let patience = Instant::now() + core.config.postgres.patience;
            if let Err(error) = turns::stop(&core, &me, turn, patience).await {
                tracing::warn!(%error, %turn, "a turn could not be stopped whose client is gone");
            }
        });
    }
}
