//! What cores tell each other over Redis, where, and how it is known to be theirs.

use super::rooms::Control;
use crate::metrics::UNSIGNED;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use switchboard_shared::{
    events::{Delta, Event},
    ids::{ConversationId, TurnId},
    keys::{Purpose, SigningKeys},
};
use uuid::Uuid;

/// Of what is not signed by a core every so manieth is logged.
const FORGED_PER_LINE: u64 = 1_000;

/// What goes to the other cores.
pub(super) enum Ring {
    Event(Arc<Event>),
    Delta(TurnId, Delta),
    Control(Control),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) from: Uuid,
    /// Absent in a heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<Arc<Event>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) control: Option<Control>,
}

/// The word of one of our cores, for this channel or key. Redis may be lost, and is not believed: whoever can write to it
/// must not speak in a member's or an agent's name.
pub(super) fn ours<'a>(
    keys: &SigningKeys,
    purpose: Purpose,
    place: &str,
    sealed: &'a str,
) -> Option<&'a str> {
    let word = keys.unseal(purpose, place, sealed);
    if word.is_none() {
        let kind = if purpose == Purpose::Delta { "delta" } else { "ring" };
        let forged = UNSIGNED.with_label_values(&[kind]);
        forged.inc();
        if forged.get() % FORGED_PER_LINE == 1 {
            tracing::warn!(
                place,
                count = forged.get(),
                "redis said what none of our cores has signed; dropped"
            );
        }
    }
    word
}

/// The random tail of a UUIDv7 spreads evenly, and is the same on every core and in every version.
pub(super) fn partition(conversation: ConversationId, partitions: u16) -> u16 {
    let (_, tail) = conversation.0.as_u64_pair();
    u16::try_from(tail % u64::from(partitions.max(1))).unwrap_or(0)
}

pub(super) fn channel(partition: u16) -> String {
    format!("switchboard:bell:{partition}")
}

pub(super) fn stream_key(turn: TurnId) -> String {
    format!("switchboard:answer:{turn}")
}
