//! Rooms of several people: Switchboard answers what is said to it, and is quiet about what people say to each other. That
//! is shown to no agent, no LLM and no reviewer.

use crate::route::{Addressee, Roster, addressee, without_agents};
use switchboard_shared::{
    api::Speaks,
    events::{Mode, Plan, Reason, Stage},
    ids::{AgentId, UserId},
};

/// Who is there, besides the author of the message.
pub(super) struct Room {
    pub(super) speaks: Speaks,
    pub(super) others: Vec<UserId>,
    /// The turn before asked its user something, who is the one that speaks now.
    pub(super) was_asked: bool,
}

impl Room {
    /// The plan of a message that is between people; none for one that is for us, or for agents that were chosen.
    pub(super) fn between_people(&self, roster: &Roster, chosen: &[AgentId], text: &str) -> Option<Plan> {
        if !chosen.is_empty() {
            return None;
        }
        let is_ours = self.was_asked || self.others.is_empty() || self.speaks == Speaks::Always;
        match addressee(roster, text, &self.others) {
            Addressee::People => Some(quiet(Reason::ToSomebody)),
            Addressee::Anybody if !is_ours => Some(quiet(Reason::BetweenPeople)),
            Addressee::Anybody | Addressee::Us => None,
        }
    }
}

fn quiet(reason: Reason) -> Plan {
    without_agents(Mode::Quiet, Stage::Rule, 1.0, reason, None)
}
