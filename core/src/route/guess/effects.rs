//! A guess never asks an agent whose work has effects: what was sent or deleted by mistake is not undone. It asks back,
//! and a word of the user's is enough to go on.

use super::Guess;
use crate::{agents::Agent, route::words};
use switchboard_shared::events::{Plan, Stage};

impl Guess<'_> {
    /// A guessed plan as it is, or a question back where one of its agents has effects.
    pub(super) fn harmless(&self, plan: Plan) -> Plan {
        let asked = || plan.steps.iter().filter_map(|step| self.roster.agent(&step.agent));
        let acting: Vec<&Agent> = asked().filter(|agent| agent.has_effects()).collect();
        let Some(first) = acting.first() else { return plan };
        let reason = format!("A guess is not enough for what {} does.", first.name);
        // Those that this is about are named, whatever else could be.
        let mut choices = acting.clone();
        for agent in asked().chain(self.likely()) {
            if !choices.iter().any(|known| known.id == agent.id) {
                choices.push(agent);
            }
        }
        words::ask_before(&choices, Stage::Lexical, plan.confidence, &reason)
    }
}

#[cfg(test)]
mod tests {
    use crate::route::tests::{agents, local, question, roster};
    use crate::route::{Question, Roster, Router};
    use std::sync::Arc;
    use switchboard_shared::{
        events::{Mode, Stage},
        ids::AgentId,
    };

    /// The agents, of which these act.
    fn acting(ids: &[&str]) -> Roster {
        let act = |mut agent: Arc<crate::agents::Agent>| {
            let effect = ids.contains(&agent.id.as_str());
            Arc::make_mut(&mut agent).skills.iter_mut().for_each(|skill| skill.effect = effect);
            agent
        };
        Roster::new(1, agents().into_iter().map(act).collect())
    }

    /// Decides nothing, so that all it says is a guess.
    fn guessing() -> Router {
        let mut router = local();
        router.config.right = 2.0;
        router
    }

    #[tokio::test]
    async fn a_guess_asks_no_agent_with_effects() {
        let calendar: AgentId = "calendar".parse().unwrap();
        let before = [calendar.clone()];
        for (name, text, previous) in [
            ("the best guess", "perhaps something about the meeting with the bank", &[][..]),
            ("the turn before", "zzz qqq xxx", &before),
        ] {
            let question = Question { previous, ..question(text) };
            let free = guessing().plan(&roster(), &question).await.plan;
            let is_guess = free.degraded.is_some() && free.steps.iter().any(|step| step.agent == calendar);
            assert!(is_guess, "{name}: {free:?}");
            let plan = guessing().plan(&acting(&["calendar"]), &question).await.plan;
            assert_eq!((plan.mode, plan.stage), (Mode::Clarify, Stage::Lexical), "{name}: {plan:?}");
            assert!(plan.choices.contains(&calendar) && plan.degraded.is_some(), "{name}: {plan:?}");
            let reply = plan.says.unwrap();
            assert!(reply.contains("@calendar") && reply.contains("on a guess"), "{name}: {reply}");
        }
    }

    #[tokio::test]
    async fn a_plain_guess_of_an_agent_with_effects_becomes_a_choice_and_the_same_of_another_does_not() {
        let text = "perhaps something about the meeting with the bank";
        let plan = guessing().plan(&acting(&["calendar"]), &question(text)).await.plan;
        assert_eq!(plan.choices.first().map(AgentId::as_str), Some("calendar"), "{plan:?}");
        let plan = guessing().plan(&acting(&["weather"]), &question(text)).await.plan;
        assert_eq!(plan.steps[0].agent.as_str(), "calendar", "{plan:?}");
    }

    #[tokio::test]
    async fn a_decision_a_mention_and_an_agent_that_waits_ask_it_as_before() {
        let roster = acting(&["calendar"]);
        let calendar: AgentId = "calendar".parse().unwrap();
        let waits = Question { waiting: Some(&calendar), ..question("the second one") };
        for (name, question) in [
            ("decided", question("Schedule a meeting with Ann on Monday")),
            ("mentioned", question("@calendar perhaps something")),
            ("chosen", Question { chosen: std::slice::from_ref(&calendar), ..question("this") }),
            ("waiting", waits),
        ] {
            let plan = local().plan(&roster, &question).await.plan;
            assert_eq!(plan.degraded, None, "{name}: {plan:?}");
            assert_eq!(plan.steps[0].agent, calendar, "{name}: {plan:?}");
        }
    }
}
