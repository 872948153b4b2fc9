//! Rooms of several people: Switchboard answers what is said to it, and is quiet about what people say to each other.

use super::{Work, brief::Brief};
use crate::route::{Addressee, addressee};
use switchboard_shared::{
    api::Speaks,
    events::{Mode, Plan, Stage},
    ids::UserId,
};

/// Who is there, besides the author of the message.
pub(super) struct Room {
    pub(super) speaks: Speaks,
    pub(super) others: Vec<UserId>,
    /// The turn before asked its user something, who is the one that speaks now.
    pub(super) was_asked: bool,
}

/// For whom a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    Us,
    People,
    /// It does not say: for us where it is surely an agent's.
    Anybody,
}

impl Room {
    /// For whom the message is. What people say to each other is not shown to the LLM.
    pub(super) fn whose(&self, work: &Work, brief: &Brief) -> For {
        if !work.turn.chosen.is_empty() {
            return For::Us;
        }
        let is_ours = self.was_asked || self.others.is_empty() || self.speaks == Speaks::Always;
        match addressee(&brief.roster, &brief.message.text, &self.others) {
            Addressee::Us => For::Us,
            Addressee::People => For::People,
            Addressee::Anybody if is_ours => For::Us,
            Addressee::Anybody => For::Anybody,
        }
    }
}

/// The plan of a message that nothing is said to.
pub(super) fn quiet(whose: For) -> Plan {
    let reason = match whose {
        For::People => "It is said to somebody who is here.",
        For::Us | For::Anybody => "Several people are here, and it was not said to Switchboard.",
    };
    Plan {
        mode: Mode::Quiet,
        steps: Vec::new(),
        confidence: 1.0,
        reason: reason.to_owned(),
        stage: Stage::Rule,
        degraded: None,
        reply: None,
        choices: Vec::new(),
    }
}
