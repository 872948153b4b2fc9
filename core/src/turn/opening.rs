//! What is left of a call when it has ended for its turn, and its agent is not done with it.

use crate::{
    agents::{Reply, WAITS_FOR_SIGN_IN},
    config::OpenCallsConfig,
    store::{CallRow, Opening, Openness},
};
use std::time::Duration;
use switchboard_shared::events::CallState;

/// Before work that goes on is looked at for the first time.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// Whether an agent works on, or waits: it asks, or the answer to what it asked did not come to it.
pub(super) fn of(config: &OpenCallsConfig, row: &CallRow, reply: &Reply) -> Option<Opening> {
    let signs_in = reply.reason.as_deref().is_some_and(|reason| reason.starts_with(WAITS_FOR_SIGN_IN));
    let why = match reply.state {
        CallState::Working => {
            return Some(Opening { why: Openness::Working, rest: FIRST_LOOK, most: config.work });
        }
        CallState::InputRequired if signs_in => Openness::SignIn,
        CallState::InputRequired => Openness::Waiting,
        _ => row.answers.filter(|_| reply.is_unsent).map(|_| Openness::Waiting)?,
    };
    Some(Opening::waiting(why, config.wait))
}
