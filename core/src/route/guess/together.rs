//! A message that is like examples which several agents have: each of them gets all of it.

use super::{Guess, plan};
use crate::route::lexical::Together;
use switchboard_shared::events::{Plan, Reason, Step};

impl Guess<'_> {
    /// How often it is right that such a message is for several agents together, where it is like one.
    pub(in crate::route) fn for_several(&self) -> Option<f64> {
        self.together.as_ref().map(|together| together.right)
    }

    /// All of them, where such a guess is right often enough and they are not too many.
    pub(super) fn all_of(&self, together: &Together, text: &str, max_agents: usize) -> Option<Plan> {
        let sure = together.right >= self.config.right && together.agents.len() <= max_agents;
        sure.then(|| self.to_each(together, &together.agents, text, Reason::LikeTogether))
    }

    /// The likeliest of them, as many as may be asked.
    pub(super) fn most_of_them(&self, text: &str, max_agents: usize) -> Option<Plan> {
        let together = self.together.as_ref()?;
        let mut agents = together.agents.clone();
        agents.sort_by(|a, b| b.1.total_cmp(&a.1));
        agents.truncate(max_agents);
        Some(self.to_each(together, &agents, text, Reason::GuessTogether))
    }

    fn to_each(&self, together: &Together, agents: &[(usize, f64)], text: &str, code: Reason) -> Plan {
        let steps: Vec<Step> =
            agents.iter().map(|(agent, share)| self.step(*agent, text.to_owned(), *share)).collect();
        let plan = plan(steps, self.about(code, agents.iter().map(|(agent, _)| *agent)));
        Plan { confidence: together.share, ..plan }
    }
}
