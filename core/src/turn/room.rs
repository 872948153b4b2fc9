//! Rooms of several people: Switchboard answers what is said to it, and is quiet about what people say to each other.

use super::{Work, brief::Brief};
use crate::route::{Addressee, addressee};
use switchboard_shared::{
    api::Speaks,
    events::{Mode, Plan, Stage},
    ids::UserId,
};

/// Whose message it is besides its author's.
pub(super) struct Room {
    pub(super) speaks: Speaks,
    /// Who else is there.
    pub(super) others: Vec<UserId>,
    /// The turn before asked its user something, who is the one that speaks now.
    pub(super) was_asked: bool,
}

impl Room {
    /// The plan of what is said to a person by name; none, where it may be for us.
    pub(super) fn between_people(&self, work: &Work, brief: &Brief) -> Option<Plan> {
        let is_theirs = self.addressee(work, brief) == Addressee::People;
        is_theirs.then(|| quiet("It is said to somebody who is here."))
    }

    /// What becomes of a plan in this room.
    pub(super) fn heard(&self, work: &Work, brief: &Brief, plan: Plan) -> Plan {
        let is_alone = self.others.is_empty() || self.speaks == Speaks::Always;
        let is_said_to_us = self.was_asked || self.addressee(work, brief) == Addressee::Us;
        // Neither a guess, nor a word that goes on with something, nor that nobody does this.
        let is_known = plan.stage != Stage::Rule && plan.degraded.is_none() && !plan.steps.is_empty();
        match is_alone || is_said_to_us || is_known {
            true => plan,
            false => quiet("Several people are here, and it was not said to Switchboard."),
        }
    }

    fn addressee(&self, work: &Work, brief: &Brief) -> Addressee {
        match work.turn.chosen.is_empty() {
            true => addressee(&brief.roster, &brief.message.text, &self.others),
            false => Addressee::Us,
        }
    }
}

fn quiet(reason: &str) -> Plan {
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
